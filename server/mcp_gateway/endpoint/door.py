"""The door of /mcp and /mcp/{server}: who may enter, and which endpoint serves them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.types import Message, Receive, Scope, Send

from server.access.actor import Actor
from server.asgi.mcp_refusals import REFUSED
from server.asgi.replies import CHALLENGE, send_error
from server.auth.endings import Endings
from server.auth.oauth.addresses import NEEDS_HTTPS, challenge, issuer_of
from server.config import SettingsHolder
from server.errors import Busy, Forbidden, GridBearError, NotFound, TooLarge, Unauthorized
from server.mcp_gateway.builtin_tools.builtins import Builtins
from server.mcp_gateway.endpoint.address_options import limited, only_search
from server.mcp_gateway.endpoint.machine_owner import as_person
from server.mcp_gateway.failures import cut_off
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.relay import Relay
from server.mcp_gateway.relay.subscriptions import Subscriptions
from server.records.service import Records

if TYPE_CHECKING:
    from server.mcp_gateway.endpoint.sdk_server import McpEndpoint

Authenticate = Callable[[Scope], Actor]


class GatewayEndpoint:
    """The ASGI app of the gateway. The SDK is imported at the first request: it costs 0.5 s and 30 MB."""

    def __init__(
        self,
        gateway: Gateway,
        builtins: Builtins,
        relay: Relay,
        subscriptions: Subscriptions,
        settings: SettingsHolder,
        records: Records,
        authenticate: Authenticate,
        endings: Endings,
    ) -> None:
        self._endings = endings
        self._records = records
        self._gateway = gateway
        self._builtins = builtins
        self._relay = relay
        self._subscriptions = subscriptions
        self._settings = settings
        self._authenticate = authenticate
        self._endpoints: dict[str | None, McpEndpoint] = {}
        self._opening = asyncio.Lock()
        self._ended = False
        gateway.on_gone(self._server_gone)
        self._leaving: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            actor = self._actor(scope)
            if actor.kind == "owner":
                actor = await as_person(self._records, actor)
            if actor.user_id is None or not actor.reaches_tools:
                self._challenge(scope, insufficient=True)
                raise Forbidden("This credential may not use tools: a token with the scope mcp is wanted.")
            self._check_length(scope)
            only_search(scope)
            actor = limited(actor, scope)
            endpoint = await self._endpoint(self._server(actor, scope["path"]))
        except GridBearError as error:
            await send_error(error, scope, receive, send)
            return
        await self._while_welcome(endpoint, actor, scope, receive, send)

    async def _while_welcome(
        self, endpoint: McpEndpoint, actor: Actor, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve the request; it is over at once when its credential has ended, in the middle of a stream or a call."""
        started = ended = unwelcome = False
        task = asyncio.current_task()
        assert task is not None
        cancelling = task.cancelling()

        def end() -> None:
            nonlocal unwelcome
            unwelcome = True
            task.cancel()

        async def watched(message: Message) -> None:
            nonlocal started, ended
            started = True
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        stop_watching = self._endings.watch(actor, end)
        try:
            await endpoint(actor, scope, receive, watched)
            return
        except asyncio.CancelledError:
            # Somebody else may have cancelled the task in the same moment: then it is cancelled.
            if not unwelcome or task.uncancel() > cancelling:
                if self._ended and not started:
                    with contextlib.suppress(OSError):
                        await send_error(_stopping(), scope, receive, send)
                raise
        finally:
            stop_watching()
        if ended:
            return
        if started:
            await send({"type": "http.response.body", "body": b""})
        else:
            self._challenge(scope, insufficient=False)
            gone = Unauthorized("What you came in with has ended. Sign in again, or send another token.")
            await send_error(gone, scope, receive, send)

    def _actor(self, scope: Scope) -> Actor:
        try:
            return self._authenticate(scope)
        except Unauthorized as error:
            if self._challenge(scope, insufficient=False) is None:
                raise Unauthorized(f"{error.message} {NEEDS_HTTPS}", code=error.code) from None
            raise

    def _challenge(self, scope: Scope, *, insufficient: bool) -> str | None:
        """Say with the refusal how a client gets a token; returns who issues them."""
        issuer = issuer_of(scope, self._settings.current.base_path)
        header = challenge(issuer, scope["path"], insufficient=insufficient)
        scope["state"] = {**scope.get("state", {}), CHALLENGE: header}
        return issuer

    def end(self) -> None:
        """End every stream; new requests are refused."""
        self._ended = True
        for endpoint in self._endpoints.values():
            endpoint.end(_as_rpc_error(_stopping()))

    async def stop(self) -> None:
        """End every session and wait for it."""
        self.end()
        why = _as_rpc_error(_stopping())
        await asyncio.gather(*(endpoint.stop(why) for endpoint in self._endpoints.values()), *self._leaving)

    def _server(self, actor: Actor, path: str) -> str | None:
        name = path.removeprefix("/mcp").strip("/")
        if not name:
            return None
        if not self._gateway.serves(actor, name):
            raise NotFound(f"There is no MCP server {name!r}.")
        return name

    def _check_length(self, scope: Scope) -> None:
        limit = self._settings.current.mcp_body_bytes
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > limit:
                raise TooLarge(f"The body is larger than the limit of {limit} bytes (mcp_body_bytes).")

    async def _endpoint(self, server: str | None) -> McpEndpoint:
        if self._ended:
            raise _stopping()
        found = self._endpoints.get(server)
        if found is not None:
            return found
        async with self._opening:
            found = self._endpoints.get(server)
            if found is None:
                found = await self._open(server)
                self._endpoints[server] = found
        return found

    async def _open(self, server: str | None) -> McpEndpoint:
        kind = await asyncio.to_thread(_load_endpoint)
        body_bytes = self._settings.current.mcp_body_bytes
        return kind(self._gateway, self._builtins, self._relay, self._subscriptions, server, body_bytes, self._endings)

    def _server_gone(self, name: str) -> None:
        endpoint = self._endpoints.pop(name, None)
        if endpoint is not None:
            gone = cut_off(name)
            why = {"code": gone.code, "message": gone.message, "data": gone.data}
            task = asyncio.get_running_loop().create_task(endpoint.stop(why))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)


def _stopping() -> Busy:
    return Busy("The server is stopping.", retry_after=2.0)


def _as_rpc_error(busy: Busy) -> dict[str, Any]:
    data = {"code": busy.code, "retry_after": busy.retry_after}
    return {"code": REFUSED, "message": busy.message, "data": data}


def _load_endpoint() -> type[McpEndpoint]:
    from server.mcp_gateway.endpoint.sdk_server import McpEndpoint

    return McpEndpoint
