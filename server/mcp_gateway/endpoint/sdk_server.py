"""The server side of the official SDK: one MCP server per endpoint. Imported only when a client first asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams, PaginatedRequestParams
from starlette.types import Receive, Scope, Send

from server import __version__
from server.access.actor import Actor
from server.auth.endings import Endings
from server.errors import Unauthorized
from server.mcp_gateway.builtin_tools.builtins import Builtins
from server.mcp_gateway.builtin_tools.definitions import TOOLS
from server.mcp_gateway.endpoint.address_options import only_search
from server.mcp_gateway.endpoint.plain_request import PlainRequest
from server.mcp_gateway.endpoint.sdk_sessions import SdkSessions, owner_of
from server.mcp_gateway.endpoint.short_way import ShortWay
from server.mcp_gateway.endpoint.task_methods import offer_tasks, takes_tasks
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.gateway import Gateway

ACTOR_KEY = "gateway_actor"
_OWN_META = ("progressToken", "progress_token")
_COMPLETE = {"resultType": "complete"}
"""Required since 2026-07-28, absent from what older servers answer; the SDK drops it for older clients."""
_RESERVED_META = "io.modelcontextprotocol/"


class McpEndpoint:
    """Serves `/mcp` (`server` None: all servers, prefixed names, our own tools) or `/mcp/{server}` in both eras."""

    def __init__(
        self, gateway: Gateway, builtins: Builtins, server: str | None, body_bytes: int, endings: Endings
    ) -> None:
        self._gateway = gateway
        self._builtins = builtins
        self._server = server
        # The handlers answer with dicts, relayed as they came; the SDK takes those and types only its own models.
        handlers: dict[str, Any] = {"on_list_tools": self._list_tools, "on_call_tool": self._call_tool}
        sdk: Server[Any] = Server(
            "gridbear" if server is None else server,
            version=__version__,
            get_tool_input_schema=self._input_schema,
            **handlers,
        )
        if server is None:
            offer_tasks(sdk, builtins.calls, _actor)
        self._manager = StreamableHTTPSessionManager(
            sdk,
            # The guard has checked Host and Origin for the whole application.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=body_bytes,
        )
        self._sessions = SdkSessions(self._manager, endings)
        self._short_way = ShortWay(
            gateway,
            server,
            self._sessions,
            {"tools/list": self._list_plainly, "tools/call": self._call_plainly},
            sdk.server_info_stamp,
        )
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

    async def _list_tools(self, context: Any, _params: PaginatedRequestParams | None) -> dict[str, Any]:
        return await self._listed(_actor(context), context.request.scope)

    async def _list_plainly(self, actor: Actor, _request: PlainRequest, scope: Scope) -> dict[str, Any]:
        return await self._listed(actor, scope)

    async def _call_plainly(self, actor: Actor, request: PlainRequest, scope: Scope) -> dict[str, Any]:
        result = await self._gateway.call(
            actor,
            request.name,
            request.arguments,
            server=self._server,
            meta=_relayed_meta(request.meta),
            client=_plain_client(request, scope),
        )
        return {**_COMPLETE, **result}

    async def _listed(self, actor: Actor, scope: Scope) -> dict[str, Any]:
        few = self._server is None and only_search(scope)
        tools = [] if few else await self._gateway.tools(actor, self._server)
        listed = [tool.as_listed(prefixed=self._server is None) for tool in tools]
        own = list(TOOLS.values()) if self._server is None else []
        # What a person sees depends on who they are, so no shared cache may keep it.
        return {"tools": [*own, *listed], "ttlMs": 0, "cacheScope": "private", **_COMPLETE}

    async def _call_tool(self, context: Any, params: CallToolRequestParams) -> dict[str, Any]:
        actor = _actor(context)
        arguments = params.arguments
        try:
            if self._server is None and params.name in TOOLS:
                answer = await self._builtins.call(
                    actor,
                    params.name,
                    arguments,
                    meta=_relayed_meta(params.meta),
                    progress=context.session.report_progress,
                    takes_tasks=takes_tasks(context),
                    client=_client(context),
                )
                return {**_COMPLETE, **answer}
            result = await self._gateway.call(
                actor,
                params.name,
                arguments,
                server=self._server,
                meta=_relayed_meta(params.meta),
                progress=context.session.report_progress,
                client=_client(context),
            )
            return {**_COMPLETE, **result}
        except CallFailed as error:
            raise MCPError(code=error.code, message=error.message, data=error.data) from error


def _actor(context: Any) -> Actor:
    """Who sent exactly this message: it travels with the HTTP request that carried it, never with the session."""
    actor = context.request.scope["state"].get(ACTOR_KEY) if context.request is not None else None
    if not isinstance(actor, Actor):
        raise Unauthorized("This message came without a caller.")
    return actor


def _client(context: Any) -> str | None:
    """The program that asks, as it names itself."""
    told = context.session.client_params
    return None if told is None else f"{told.client_info.name} {told.client_info.version}"


def _plain_client(request: PlainRequest, scope: Scope) -> str | None:
    """The same where the SDK does not look at the request; in a session it is the name that comes with HTTP."""
    told = request.meta.get(f"{_RESERVED_META}clientInfo")
    if told:
        return f"{told['name']} {told['version']}"
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), None)


def _relayed_meta(meta: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What of the caller's `_meta` is meant for the tool; tokens and protocol keys belong to this connection alone."""
    kept = {
        key: value for key, value in (meta or {}).items() if key not in _OWN_META and not key.startswith(_RESERVED_META)
    }
    return kept or None
