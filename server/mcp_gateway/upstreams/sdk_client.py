"""The client side of the official SDK: transports and raw requests. Imported only when a server is first used."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types as types
from mcp.client import Client
from mcp.client.subscriptions import ListenNotSupportedError, Subscription, SubscriptionLost
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from server import __version__
from server.limits.circuit_breaker import FailureKind
from server.mcp_gateway.caller import Caller, Progress
from server.mcp_gateway.catalogue.tool import has_header_fields
from server.mcp_gateway.messages.tap import Tap
from server.mcp_gateway.upstreams.config import LaunchSpec
from server.mcp_gateway.upstreams.direct_calls import DirectCalls
from server.mcp_gateway.upstreams.heard import Heard
from server.mcp_gateway.upstreams.http_faults import HttpFaults, noted
from server.mcp_gateway.upstreams.http_transport import http_transport
from server.mcp_gateway.upstreams.line_reader import MAX_LINE_BYTES
from server.mcp_gateway.upstreams.listing import Listing
from server.mcp_gateway.upstreams.pending_calls import ABANDONED
from server.mcp_gateway.upstreams.process_guardian import Guardian
from server.mcp_gateway.upstreams.raw_client import UI_EXTENSION, RawClient
from server.mcp_gateway.upstreams.request_failed import (
    REFUSED_BY_HTTP,
    RequestFailed,
    checked,
    http_status,
    no_answer,
    session_gone,
    too_large,
    unsendable,
)
from server.mcp_gateway.upstreams.stdio_transport import stdio_transport
from server.mcp_gateway.upstreams.tapped_streams import tapped
from server.mcp_gateway.upstreams.watched import Watched
from server.mcp_gateway.wire import Unwritable, to_wire, writable

_log = logging.getLogger(__name__)
_MAX_PAGES = 100
_ASKED = ("sampling", "elicitation", "roots")
_LISTEN_AGAIN_SECONDS, _LISTEN_MOST_SECONDS = 1.0, 60.0
_RELAYED_EXTENSIONS = (UI_EXTENSION,)
_CLIENT = types.Implementation(name="gridbear-desktop", version=__version__)


class SdkSession:
    """A `Session` by the SDK's client, with the short way for requests beside it."""

    def __init__(self, client: Client, direct: DirectCalls) -> None:
        self._client = client
        self._direct = direct
        self._is_modern = self.is_modern
        self._on_each = self._stamped()
        """What the SDK puts into the `_meta` of each request."""
        if not self._is_modern:
            direct.when_abandoned(self._tell_abandoned)

    @property
    def protocol_version(self) -> str:
        return self._client.protocol_version

    async def ping(self) -> None:
        try:
            await self._send("server/discover" if self.is_modern else "ping", {}, None)
        except RequestFailed as error:
            # Whatever it says to it, it is there.
            if error.kind is not None or error.broken:
                raise

    @property
    def is_modern(self) -> bool:
        return self.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def server_version(self) -> str | None:
        told = self._client.server_info
        return told.version if told is not None and told.version else None

    @property
    def instructions(self) -> str | None:
        """What the server says to models about all of it."""
        return self._client.instructions

    @property
    def may_log(self) -> bool:
        return self._client.server_capabilities.logging is not None

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset(self._client.server_capabilities.model_dump(by_alias=True, exclude_none=True))

    def tells_changes(self, capability: str) -> bool:
        found = getattr(self._client.server_capabilities, capability)
        return found is not None and bool(found.list_changed)

    async def set_log_level(self, level: str) -> None:
        await self._send("logging/setLevel", {"level": level}, None)

    @property
    def takes_subscriptions(self) -> bool:
        resources = self._client.server_capabilities.resources
        return resources is not None and bool(resources.subscribe)

    async def list_tools(self) -> Listing:
        tools = await self.listed("tools/list", "tools")
        if self.is_modern and any(has_header_fields(tool) for tool in tools.items):
            # The SDK mirrors annotated arguments into headers only for tools that its own listing has seen.
            await self._client.session.list_tools()
        return tools

    async def listed(self, method: str, field: str) -> Listing:
        pages: list[dict[str, Any]] = []
        cursor: str | None = None
        size = 0
        for _ in range(_MAX_PAGES):
            result = await self._send(method, {"cursor": cursor} if cursor else {}, None)
            pages.append(result)
            cursor = result.get("nextCursor")
            if not cursor:
                break
            size += len(to_wire(result))
            if size > MAX_LINE_BYTES:
                raise too_large(MAX_LINE_BYTES)
        return Listing.of(pages, field)

    async def request(
        self,
        method: str,
        params: Mapping[str, Any],
        meta: Mapping[str, Any] | None,
        caller: Caller,
        progress: Progress | None,
    ) -> dict[str, Any]:
        sent = {**params, "_meta": dict(meta or {})}
        options: CallOptions = {}
        if self._direct.has_headers:
            # What the SDK puts on each request of this connection: version, identity, mirrored arguments.
            self._client.session._stamp({"method": method, "params": sent}, options)
        else:
            sent["_meta"] |= self._on_each
        if self._is_modern:
            sent["_meta"][types.CLIENT_CAPABILITIES_META_KEY] = _of_caller(caller)
            if caller.log_level is not None:
                sent["_meta"][types.LOG_LEVEL_META_KEY] = caller.log_level
        if not self._direct.offered:
            return checked(method, await self._send_stamped(method, sent, options, progress))
        return checked(method, await self._direct.call(method, sent, options.get("headers") or {}, progress))

    def _stamped(self) -> dict[str, Any]:
        params: dict[str, Any] = {"_meta": {}}
        self._client.session._stamp({"method": "ping", "params": params}, {})
        found: dict[str, Any] = params["_meta"]
        return found

    async def _tell_abandoned(self, call_id: str) -> None:
        params = types.CancelledNotificationParams(request_id=call_id, reason=ABANDONED)
        await self._client.session.send_notification(types.CancelledNotification(params=params))

    async def tell_folders_changed(self) -> None:
        with contextlib.suppress(MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError, OSError, RuntimeError):
            await self._client.session.send_notification(types.RootsListChangedNotification())

    async def watch(self, watched: Watched, missed: Callable[[], None]) -> None:
        if not self.is_modern:
            # The connection is new, and its server knows of none; later ones are subscribed to when they are wanted.
            for uri in watched.uris:
                with contextlib.suppress(RequestFailed):
                    await self._send("resources/subscribe", {"uri": uri}, None)
            watched.told.set()
            return
        pause = _LISTEN_AGAIN_SECONDS
        while True:
            began = anyio.current_time()
            try:
                await self._listen(watched)
            except (ListenNotSupportedError, MCPError) as error:
                # Those that have no such thing: they are asked again only for another set of resources.
                _log.debug("no subscription to changes: %s", error)
                await watched.change()
                continue
            except (SubscriptionLost, OSError, RuntimeError, TimeoutError) as error:
                _log.debug("a subscription to changes was lost: %s", error)
            pause = _LISTEN_AGAIN_SECONDS if anyio.current_time() - began > _LISTEN_MOST_SECONDS else pause
            await anyio.sleep(pause)
            pause = min(2 * pause, _LISTEN_MOST_SECONDS)
            missed()

    async def _listen(self, watched: Watched) -> None:
        kinds = {kind: self.tells_changes(kind) for kind in ("tools", "prompts", "resources")}
        while True:
            uris = watched.uris if self.takes_subscriptions else []
            if not (any(kinds.values()) or uris):
                await watched.change()
                continue
            async with self._client.listen(
                tools_list_changed=kinds["tools"],
                prompts_list_changed=kinds["prompts"],
                resources_list_changed=kinds["resources"],
                resource_subscriptions=uris,
            ) as subscription:
                # What was wanted while the server was being told, it is told next.
                if not self.takes_subscriptions or uris == watched.uris:
                    watched.told.set()
                changed = asyncio.ensure_future(watched.change())
                ended = asyncio.ensure_future(_drained(subscription))
                try:
                    await asyncio.wait({changed, ended}, return_when=asyncio.FIRST_COMPLETED)
                    if not changed.done():
                        return
                finally:
                    changed.cancel()
                    ended.cancel()
                    await asyncio.gather(changed, ended, return_exceptions=True)

    async def _send(self, method: str, params: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
        options: CallOptions = {}
        self._client.session._stamp({"method": method, "params": params}, options)
        return await self._send_stamped(method, params, options, progress)

    async def _send_stamped(
        self, method: str, params: dict[str, Any], options: CallOptions, progress: Progress | None
    ) -> dict[str, Any]:
        try:
            params = writable(params)
        except Unwritable as error:
            raise unsendable(error) from error
        if progress is not None:

            async def report(progress: float, total: float | None, message: str | None) -> None:
                await told(progress, total, message)

            told, options["on_progress"] = progress, report
        faults = HttpFaults()
        try:
            with noted() as faults:
                # Below the SDK's models, which drop what they don't know.
                return await self._client.session._dispatcher.send_raw_request(method, params, options)
        except MCPError as error:
            if error.message == "Session terminated":
                raise session_gone() from error
            if error.code == types.PARSE_ERROR and error.message.startswith("Failed to parse"):
                raise no_answer("neither a result nor an error") from error
            if error.message == REFUSED_BY_HTTP:
                # Our own transport says it with the error, the SDK's has it noted.
                status = error.data if isinstance(error.data, int) else faults.status
                if status >= 400:
                    raise http_status(status) from error
            kind: FailureKind | None = None
            broken = error.code == types.CONNECTION_CLOSED
            if broken or faults.transport:
                kind = "transport"
            elif faults.server:
                kind = "slow"
            raise RequestFailed(error.code, error.message, error.data, kind, broken, status=faults.status) from error
        except ValueError as error:
            raise no_answer(str(error)) from error
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, OSError, RuntimeError) as error:
            raise RequestFailed(
                types.CONNECTION_CLOSED, str(error) or "connection closed", None, "transport", True
            ) from error


@asynccontextmanager
async def open_session(
    spec: LaunchSpec,
    *,
    stderr: deque[str],
    guardian: Guardian | None,
    faults: HttpFaults,
    heard: Heard,
    tap: Tap,
    on_child: Callable[[int | None], None],
    on_end: Callable[[], None],
) -> AsyncGenerator[SdkSession, None]:
    """Reach the server and agree on a protocol version. Must be entered and left by the same task.

    `on_child` is told the child's process id, and None when it ends; `on_end` that a server has ended the stream that
    all its answers come on. `faults` notes what the SDK hides of the opening. Raises
    OSError, ValueError, MCPError, httpx2 errors or an ExceptionGroup of them when the server can't be reached.
    """

    direct = DirectCalls(tap)
    transport = (
        stdio_transport(spec, stderr, guardian, on_child, direct)
        if spec.transport == "stdio"
        else http_transport(spec, faults, direct, on_end)
    )
    client = RawClient(tapped(transport, tap), mode="auto", cache=None, client_info=_CLIENT)
    client.heard = heard
    async with client:
        yield SdkSession(client, direct)


async def _drained(subscription: Subscription) -> None:
    """To the end; what comes on it is heard where it comes in."""
    async for _event in subscription:
        pass


def _of_caller(caller: Caller) -> dict[str, Any]:
    """What a server may count on for this call: what its client can, as far as it is passed on."""
    if not caller.capabilities:
        return {}
    # Only the newest era has words for what a server wants; extensions that change results are not passed on.
    takes = caller.modern or caller.asked_in_either_era
    found = {name: caller.capabilities[name] for name in _ASKED if takes and name in caller.capabilities}
    known = [name for name in _RELAYED_EXTENSIONS if caller.takes(name)]
    if known:
        found["extensions"] = {name: caller.capabilities["extensions"][name] for name in known}
    return found
