"""The MCP server that the conformance suite knows, served over HTTP: `fixture_server.py PORT [legacy]`.

With `legacy` it knows the handshake eras alone, as servers of before 2026-07-28 do.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sys
import warnings
from typing import Any

import anyio
import uvicorn
from fixture_answers import (
    CONTENTS,
    FIXED,
    FORMS,
    PROMPT_ROUND,
    PROMPTS,
    RESOURCES,
    ROUNDS,
    STATELESS,
    TEMPLATES,
    TOOLS,
    prompted,
    said,
    sampling,
)
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import CreateMessageRequest, CreateMessageResult, ElicitRequest, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

INVALID_PARAMS, MISSING_CAPABILITY = -32602, -32021
NEEDS = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}
PAUSE = 0.05
CACHED = {"ttlMs": 60_000, "cacheScope": "public"}
KEY = secrets.token_bytes(32)
bus = InMemorySubscriptionBus()


def signed(state: str) -> str:
    return f"{state}.{hmac.new(KEY, state.encode(), hashlib.sha256).hexdigest()}"


def opened(state: str | None) -> str:
    """What was signed. Raises MCPError for what was not signed here."""
    found = (state or "").partition(".")[0]
    if state is not None and not hmac.compare_digest(signed(found), state):
        raise MCPError(code=INVALID_PARAMS, message="The requestState was changed on its way.")
    return found


def declared(context: Any) -> frozenset[str]:
    """The capabilities that the client said to have."""
    told = context.session.client_capabilities
    return frozenset(told.model_dump(exclude_none=True)) if told else frozenset()


def input_required(requests: dict[str, Any], state: str | None = None) -> InputRequiredResult:
    raw: dict[str, Any] = {"resultType": "input_required", "inputRequests": requests}
    if state is not None:
        raw["requestState"] = state
    return InputRequiredResult.model_validate(raw)


async def in_rounds(context: Any, params: Any) -> Any:
    """A tool that asks in one round or more before it is done."""
    name, rounds = params.name, ROUNDS[params.name]
    number = int(opened(params.request_state) or "0")
    wanted = rounds[number]
    if name == "test_input_required_result_capabilities":
        has = declared(context)
        wanted = {key: request for key, request in wanted.items() if NEEDS[request["method"]] in has}
    given = params.input_responses or {}
    if not given.keys() >= wanted.keys():
        return input_required(wanted, None if name in STATELESS else signed(str(number)))
    if number + 1 < len(rounds):
        return input_required(rounds[number + 1], signed(str(number + 1)))
    return said(f"state-ok: {json.dumps({key: str(value) for key, value in given.items()})}")


async def pushed(context: Any, params: Any) -> Any:
    """A tool that asks by a request of its own, as servers did before 2026-07-28."""
    given, name = params.arguments or {}, params.name
    request: Any
    if name == "test_sampling":
        request = CreateMessageRequest.model_validate(sampling(str(given.get("prompt")), 100))
        answer = await send(context, request, CreateMessageResult)
        return said(f"LLM response: {answer.content.text}")
    raw = dict(FORMS[name])
    if given.get("message"):
        raw["params"] = {**raw["params"], "message": given["message"]}
    answer = await send(context, ElicitRequest.model_validate(raw), ElicitResult)
    return said(f"User response: action={answer.action}, content={json.dumps(answer.content)}")


async def send(context: Any, request: Any, kind: Any) -> Any:
    related = ServerMessageMetadata(related_request_id=context.request_id)
    return await context.session.send_request(request, kind, metadata=related)


async def told(context: Any, name: str) -> Any:
    """A tool that says something while it works."""
    session, number = context.session, context.request_id
    if name == "test_tool_with_progress":
        for done in (0, 50, 100):
            await session.report_progress(done, 100)
            await anyio.sleep(PAUSE)
    elif name == "test_reconnection":
        if context.close_sse_stream is not None:
            await context.close_sse_stream()
        await anyio.sleep(2 * PAUSE)
    else:
        for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await session.send_log_message("info", words, related_request_id=number)
            await anyio.sleep(PAUSE)
    return said("The tool has done its work.")


async def changed(context: Any, name: str) -> Any:
    """A tool that tells whoever listens of a list that changed."""
    tools = name == "test_trigger_tool_change"
    await bus.publish(ToolsListChanged() if tools else PromptsListChanged())
    if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        session = context.session
        await (session.send_tool_list_changed() if tools else session.send_prompt_list_changed())
    return said("The list changed.")


async def call_tool(context: Any, params: Any) -> Any:
    name = params.name
    if name in FIXED:
        return FIXED[name]
    if name in ROUNDS:
        return await in_rounds(context, params)
    if name in FORMS or name == "test_sampling":
        return await pushed(context, params)
    if name in ("test_trigger_tool_change", "test_trigger_prompt_change"):
        return await changed(context, name)
    if name == "test_missing_capability":
        if "sampling" not in declared(context):
            raise MCPError(
                code=MISSING_CAPABILITY,
                message="This tool wants sampling.",
                data={"requiredCapabilities": {"sampling": {}}},
            )
        return said("Sampling is there.")
    if name in {tool["name"] for tool in TOOLS}:
        return await told(context, name)
    raise MCPError(code=INVALID_PARAMS, message=f"Unknown tool: {name}")


async def read_resource(_context: Any, params: Any) -> Any:
    uri = str(params.uri)
    found = CONTENTS.get(uri)
    if uri.startswith("test://template/") and uri.endswith("/data"):
        number = uri.removeprefix("test://template/").removesuffix("/data")
        text = json.dumps({"id": number, "templateTest": True, "data": f"Data for ID: {number}"})
        found = {"mimeType": "application/json", "text": text}
    if found is None:
        raise MCPError(code=INVALID_PARAMS, message="Resource not found", data={"uri": uri})
    return {"contents": [{"uri": uri, **found}], **CACHED}


async def get_prompt(_context: Any, params: Any) -> Any:
    given = dict(params.arguments or {})
    if params.name == "test_input_required_result_prompt":
        answer = (params.input_responses or {}).get("user_context")
        if answer is None:
            return input_required(PROMPT_ROUND)
        given["context"] = str(answer)
    found = prompted(params.name, given)
    if found is None:
        raise MCPError(code=INVALID_PARAMS, message=f"Unknown prompt: {params.name}")
    return found


async def complete(_context: Any, params: Any) -> Any:
    values = [word for word in ("paris", "park", "party") if word.startswith(params.argument.value)]
    return {"completion": {"values": values, "total": len(values), "hasMore": False}}


def listed(key: str, entries: list[dict[str, Any]]) -> Any:
    async def answer(_context: Any, _params: Any) -> Any:
        return {key: entries, **CACHED}

    return answer


def whole(handler: Any) -> Any:
    """The handler, with what each result says since 2026-07-28; the SDK leaves it out for older clients."""

    async def answer(context: Any, params: Any) -> Any:
        result = await handler(context, params)
        return {"resultType": "complete", **result} if isinstance(result, dict) else result

    return answer


async def empty(_context: Any, _params: Any) -> Any:
    return {}


class Fixture(Server[Any]):
    """Says that its lists may change."""

    def create_initialization_options(self, *_args: Any, **kwargs: Any) -> Any:
        options = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        return super().create_initialization_options(options, **kwargs)


def server() -> Server[Any]:
    # Handlers that answer with dicts: the SDK takes those and types only its own models.
    answers: dict[str, Any] = {
        "on_list_tools": listed("tools", TOOLS),
        "on_call_tool": call_tool,
        "on_list_resources": listed("resources", RESOURCES),
        "on_list_resource_templates": listed("resourceTemplates", TEMPLATES),
        "on_read_resource": read_resource,
        "on_list_prompts": listed("prompts", PROMPTS),
        "on_get_prompt": get_prompt,
        "on_completion": complete,
    }
    handlers: dict[str, Any] = {name: whole(handler) for name, handler in answers.items()}
    # Methods of the handshake eras alone.
    handlers |= dict.fromkeys(("on_subscribe_resource", "on_unsubscribe_resource", "on_set_logging_level"), empty)
    return Fixture("conformance-fixture", version="1", on_subscriptions_listen=ListenHandler(bus), **handlers)


class HandshakeOnly:
    """Refuses requests of the era without a handshake, in the way of servers that never heard of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (b"mcp-protocol-version", b"2026-07-28") in scope.get("headers", ()):
            error = {"code": -32000, "message": "Bad Request: Unsupported protocol version"}
            reply = JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)
            await reply(scope, receive, send)
            return
        await self._app(scope, receive, send)


if __name__ == "__main__":
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    served: ASGIApp = server().streamable_http_app()
    if "legacy" in sys.argv:
        served = HandshakeOnly(served)
    uvicorn.run(served, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", http="h11")
