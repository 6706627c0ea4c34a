"""The server side of the official SDK: one MCP server per endpoint. Imported only when a client first asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND
from mcp_types.methods import validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.types import Receive, Scope, Send

from server import __version__
from server.access.actor import Actor
from server.auth.endings import Endings
from server.mcp_gateway.builtin_tools.builtins import Builtins
from server.mcp_gateway.builtin_tools.definitions import TOOLS
from server.mcp_gateway.endpoint.answers import Answers
from server.mcp_gateway.endpoint.callers import ACTOR_KEY, actor_of, caller_of
from server.mcp_gateway.endpoint.results import for_modern, for_older
from server.mcp_gateway.endpoint.sdk_sessions import SdkSessions, owner_of
from server.mcp_gateway.endpoint.short_way import ShortWay
from server.mcp_gateway.endpoint.task_methods import offer_tasks
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.relay import Relay

_NOT_INITIALIZED = "Invalid request parameters"


class McpEndpoint:
    """Serves `/mcp` (`server` None: all servers, prefixed names, our own tools) or `/mcp/{server}` in both eras."""

    def __init__(
        self,
        gateway: Gateway,
        builtins: Builtins,
        relay: Relay,
        server: str | None,
        body_bytes: int,
        endings: Endings,
    ) -> None:
        self._gateway = gateway
        self._relay = relay
        self._server = server
        self._answers = Answers(gateway, builtins, relay)
        sdk: Server[Any] = Server(
            "gridbear" if server is None else server,
            version=__version__,
            get_tool_input_schema=self._input_schema,
        )
        # Below the SDK's models, which drop what they don't know: what servers write is relayed as they wrote it.
        sdk.middleware.append(self._answer)
        self._server_info = sdk.server_info_stamp
        if server is None:
            offer_tasks(sdk, builtins.calls, actor_of)
        self._manager = StreamableHTTPSessionManager(
            sdk,
            # The guard has checked Host and Origin for the whole application.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=body_bytes,
        )
        self._sessions = SdkSessions(self._manager, endings)
        self._short_way = ShortWay(gateway, server, self._sessions, self._answers.by_method, self._server_info)
        self._ready = asyncio.Event()
        self._end = asyncio.Event()
        self._task = asyncio.create_task(self._serve(), name=f"mcp-endpoint-{server or 'all'}")

    async def __call__(self, actor: Actor, scope: Scope, receive: Receive, send: Send) -> None:
        await self._ready.wait()
        # Binds a session of the older protocol versions to the credential that opened it.
        credential = owner_of(actor)
        rest = await self._short_way(actor, scope, receive, send)
        if rest is None:
            return
        token = AccessToken(token="", client_id=credential, scopes=[], subject=str(actor.user_id))
        state = {**scope.get("state", {}), ACTOR_KEY: actor}
        await self._manager.handle_request({**scope, "state": state, "user": AuthenticatedUser(token)}, *rest)

    def end(self) -> None:
        """End all sessions and streams, without waiting for it."""
        self._end.set()

    async def stop(self) -> None:
        """End all sessions and streams."""
        self._end.set()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _serve(self) -> None:
        async with self._manager.run():
            self._ready.set()
            await self._end.wait()
            await self._sessions.stop()

    def _input_schema(self, name: str) -> Mapping[str, Any] | None:
        if self._server is None and name in TOOLS:
            schema: Mapping[str, Any] = TOOLS[name]["inputSchema"]
            return schema
        tool = self._gateway.known_tool(name, self._server)
        return None if tool is None else tool.input_schema

    async def _answer(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> Any:
        """A middleware of the SDK: what is ours to answer is answered here, whole."""
        if ctx.request_id is None:
            return await call_next(ctx)
        answer = self._answers.by_method.get(ctx.method)
        if answer is None:
            result = await call_next(ctx)
            if ctx.method in ("initialize", "server/discover") and isinstance(result, dict):
                result["capabilities"] |= await self._relay.capabilities(caller_of(ctx, self._server))
            return result
        _check(ctx)
        try:
            result = await answer(caller_of(ctx, self._server), ctx.params or {})
            if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
                return for_modern(ctx.method, result, self._server_info)
            return for_older(result)
        except CallFailed as error:
            raise MCPError(code=error.code, message=error.message, data=error.data) from error


def _check(context: ServerRequestContext[Any, Any]) -> None:
    """What the SDK does before it calls a handler. Raises MCPError and pydantic's ValidationError."""
    try:
        validate_client_request(context.method, context.protocol_version, context.params)
    except KeyError:
        raise MCPError(code=METHOD_NOT_FOUND, message="Method not found", data=context.method) from None
    if not context.session._connection.initialize_accepted:
        raise MCPError(code=INVALID_PARAMS, message=_NOT_INITIALIZED, data="")
