"""The server side of the official SDK: one MCP server per endpoint. Imported only when a client first asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Message, Receive, Scope, Send

from server import __version__
from server.access.actor import Actor
from server.auth.endings import Endings
from server.mcp_gateway.builtin_tools.builtins import Builtins
from server.mcp_gateway.builtin_tools.definitions import TOOLS
from server.mcp_gateway.endpoint.answers import Answers
from server.mcp_gateway.endpoint.audience import Audience
from server.mcp_gateway.endpoint.callers import ACTOR_KEY, actor_of
from server.mcp_gateway.endpoint.large_results import LargeResults
from server.mcp_gateway.endpoint.middleware import Middleware
from server.mcp_gateway.endpoint.sdk_sessions import SdkSessions, owner_of
from server.mcp_gateway.endpoint.short_way import ShortWay
from server.mcp_gateway.endpoint.task_methods import offer_tasks
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.relay import Relay
from server.mcp_gateway.relay.subscriptions import Subscriptions

_RESUMED = b"last-event-id"
_asking: ContextVar[Actor | None] = ContextVar("asking", default=None)
"""Whose request the SDK looks at: it asks for schemas before it asks anything of ours."""


class McpEndpoint:
    """Serves `/mcp` (`server` None: all servers, prefixed names, our own tools) or `/mcp/{server}` in both eras."""

    def __init__(
        self,
        gateway: Gateway,
        builtins: Builtins,
        relay: Relay,
        subscriptions: Subscriptions,
        server: str | None,
        body_bytes: int,
        endings: Endings,
    ) -> None:
        self._gateway = gateway
        self._server = server
        answers = Answers(gateway, builtins, relay)
        self._audience = Audience(gateway, subscriptions)
        sdk: Server[Any] = Server(
            "gridbear" if server is None else server,
            version=__version__,
            get_tool_input_schema=self._input_schema,
        )
        if server is None:
            offer_tasks(sdk, builtins.calls, actor_of)
        self._manager = StreamableHTTPSessionManager(
            sdk,
            # The guard has checked Host and Origin for the whole application.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=body_bytes,
        )
        self._sessions = SdkSessions(self._manager, endings)
        info = sdk.server_info_stamp
        sdk.middleware.append(Middleware(answers, relay, self._audience, server, info, self._sessions.has_stream))
        large = LargeResults(builtins.calls, info) if server is None else None
        self._short_way = ShortWay(
            gateway, server, self._sessions, answers.by_method, info, body_bytes, large, lambda: self._why
        )
        self._ready = asyncio.Event()
        self._end = asyncio.Event()
        self._why: dict[str, Any] | None = None
        self._task = asyncio.create_task(self._serve(), name=f"mcp-endpoint-{server or 'all'}")

    async def __call__(self, actor: Actor, scope: Scope, receive: Receive, send: Send) -> None:
        await self._ready.wait()

        async def go_on(receive: Receive, send: Send) -> None:
            # Binds a session of the older protocol versions to the credential that opened it.
            token = AccessToken(token="", client_id=owner_of(actor), scopes=[], subject=str(actor.user_id))
            state = {**scope.get("state", {}), ACTOR_KEY: actor}
            whole = {**scope, "state": state, "user": AuthenticatedUser(token)}
            if scope["method"] == "GET":
                send = self._telling(scope, send)
                # No stream is kept to be taken up again, and asked for one the SDK would answer nothing at all.
                whole["headers"] = [header for header in scope["headers"] if header[0] != _RESUMED]
            asking = _asking.set(actor)
            try:
                await self._manager.handle_request(whole, receive, send)
            finally:
                _asking.reset(asking)

        await self._short_way(actor, scope, receive, send, go_on)

    def end(self, why: dict[str, Any]) -> None:
        """End all sessions and streams, without waiting for it. `why`: the error for calls that it cuts off."""
        self._why = why
        self._audience.end()
        self._end.set()

    async def stop(self, why: dict[str, Any]) -> None:
        """End all sessions and streams."""
        self.end(why)
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _telling(self, scope: Scope, send: Send) -> Send:
        """A `send` of a session's stream: what waited for a stream goes out when there is one."""
        session = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"mcp-session-id"), None)

        async def told(message: Message) -> None:
            await send(message)
            asyncio.get_running_loop().call_soon(self._audience.flush, session)

        return told

    async def _serve(self) -> None:
        async with self._manager.run():
            self._ready.set()
            await self._end.wait()
            await self._sessions.stop()

    def _input_schema(self, name: str) -> Mapping[str, Any] | None:
        if self._server is None and name in TOOLS:
            schema: Mapping[str, Any] = TOOLS[name]["inputSchema"]
            return schema
        actor = _asking.get()
        tool = None if actor is None else self._gateway.known_tool(actor, name, self._server)
        return None if tool is None else tool.input_schema
