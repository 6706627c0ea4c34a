"""The extension io.modelcontextprotocol/tasks on the endpoint of all servers. Imports the SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import RequestParams
from pydantic import ConfigDict, Field

from server.access.actor import Actor
from server.mcp_gateway.builtin_tools.async_calls import EXTENSION, AsyncCalls
from server.mcp_gateway.failures import MISSING_CAPABILITY, CallFailed

HEADER_MISMATCH = -32020
_NAME_HEADER = "mcp-name"

Handler = Callable[[Actor, str], Awaitable[dict[str, Any] | None]]


class TaskParams(RequestParams):
    """What all three methods have; `inputResponses` of tasks/update is allowed beside it."""

    model_config = ConfigDict(extra="allow")

    task_id: str = Field(alias="taskId")


def takes_tasks(context: Any) -> bool:
    """Whether the client said with this request that it knows the extension."""
    capabilities = context.session.client_capabilities
    return EXTENSION in ((capabilities.extensions if capabilities else None) or {})


def offer_tasks(sdk: Server[Any], calls: AsyncCalls, actor_of: Callable[[Any], Actor]) -> None:
    """Add the methods of the extension to `sdk`, and say that they are there."""
    sdk.extensions[EXTENSION] = {}
    handlers: dict[str, Handler] = {
        "tasks/get": calls.handle,
        "tasks/update": calls.acknowledge_input,
        "tasks/cancel": calls.ask_to_end,
    }
    for method, handler in handlers.items():
        sdk.add_request_handler(method, TaskParams, _answering(handler, actor_of))


def _answering(handler: Handler, actor_of: Callable[[Any], Actor]) -> Callable[[Any, TaskParams], Awaitable[Any]]:
    async def answer(context: Any, params: TaskParams) -> dict[str, Any]:
        if not takes_tasks(context):
            raise MCPError(
                code=MISSING_CAPABILITY,
                message=f"This method is for clients that declare the extension {EXTENSION}.",
                data={"requiredCapabilities": {"extensions": {EXTENSION: {}}}},
            )
        if context.request is not None and context.request.headers.get(_NAME_HEADER) != params.task_id:
            raise MCPError(code=HEADER_MISMATCH, message=f"The header {_NAME_HEADER} must be the taskId.")
        try:
            return await handler(actor_of(context), params.task_id) or {"resultType": "complete"}
        except CallFailed as error:
            raise MCPError(code=error.code, message=error.message, data=error.data) from error

    return answer
