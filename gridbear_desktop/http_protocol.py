"""HTTP/1.1 as uvicorn speaks it, with an end to patience: slow heads, stalled bodies, huge heads, unread bodies."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gridbear_desktop.http_answer import WholeAnswer

log = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
UNREAD_SECONDS = 5.0
UNREAD_BYTES = 32 << 20
HEAD_BYTES = 64 << 10
SWEEP_SECONDS = 1.0
REFUSALS_TOLD_SECONDS = 60.0
HANG_UP = "gridbear.hang_up"
"""The ASGI extension of `server.asgi.hang_up`."""
_TELLING_BODY = frozenset((b"content-length", b"transfer-encoding"))


def _answer(status: bytes, code: str, text: str) -> bytes:
    body = json.dumps({"ok": False, "error": text, "code": code}).encode()
    head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close" % len(body)
    return b"HTTP/1.1 %b\r\n%b\r\n\r\n%b" % (status, head, body)


_HEAD_TOO_LARGE = _answer(
    b"431 Request Header Fields Too Large", "head_too_large", f"The head of a request has at most {HEAD_BYTES} bytes."
)
_UNREADABLE = _answer(b"400 Bad Request", "bad_request", "This is no HTTP request that can be read.")
_NO_WEBSOCKET = _answer(
    b"400 Bad Request", "no_websocket", "GridBear has no WebSockets: /api/v1/events tells changes, /mcp is for MCP."
)


class Refusals:
    """Tells in the log of what is refused before it is a request: one line in a while, since anybody can ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at: float | None = None
        self._untold = 0

    def tell(self, what: str, client: tuple[str, int] | None) -> None:
        """Tell of one more, from `client`."""
        now = self._clock()
        if self._told_at is not None and now - self._told_at < REFUSALS_TOLD_SECONDS:
            self._untold += 1
            return
        others = f"; {self._untold} others since the last line" if self._untold else ""
        self._told_at, self._untold = now, 0
        log.info("refused %s from %s%s", what, "nobody known" if client is None else client[0], others)


_refusals = Refusals()


class PatientProtocol(HttpToolsProtocol):
    """One connection. Only moments are noted on the way; `sweep` looks at all connections once a second.

    A request that is answered before its body was read whole (413, say) is not cut off: the rest is thrown away, up to
    `UNREAD_BYTES` or `UNREAD_SECONDS`, since closing at once would destroy the answer on its way to the client.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self._in_head = True
        self._head_bytes = 0
        self._unread: int | None = None
        """Bytes of an answered request that may still be thrown away; None when none are awaited."""
        self._closes_after = False
        self._since = self.loop.time()
        self._lost = False
        self._watchers: dict[object, Callable[[], None]] = {}
        """Who wants to hear that the client hung up."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lost = True
        watchers, self._watchers = self._watchers, {}
        for told in watchers.values():
            told()

    def data_received(self, data: bytes) -> None:
        if self._unread is not None:
            self._unread -= len(data)
            if self._unread < 0:
                self.transport.close()
                return
        elif not self._in_head:
            self._since = self.loop.time()
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse_head()

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = self._without_upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError:
                _refusals.tell("what is no HTTP request", self.client)
                self.send_400_response("")
                return

    def _without_upgrade(self, rest: bytes) -> bytes:
        """The request as if it had asked for no other protocol, to be read anew, and `rest`; nothing if it is refused.

        To the parser what follows such a request is no body of it. Java's HttpClient asks with every first one.
        """
        if self.transport.is_closing():
            return b""
        kept: list[bytes] = []
        for name, value in self.headers:
            if name == b"connection":
                value = b", ".join(part for part in value.split(b",") if part.strip().lower() != b"upgrade")
            if name == b"upgrade" and value.lower() == b"websocket":
                _refusals.tell("a WebSocket", self.client)
                self.transport.write(_NO_WEBSOCKET)
                self.transport.close()
                return b""
            if name != b"upgrade":
                kept.append(b"%b: %b\r\n" % (name, value))
        head = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        self.parser = httptools.HttpRequestParser(self)
        return b"%b%b\r\n%b" % (head, b"".join(kept), rest)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        # As uvicorn does it, without one more call for each header.
        # Blanks around a value are no part of it (RFC 9110, 5.5); the parser cuts off those before it alone.
        name, value = name.lower(), value.rstrip(b" \t")
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if sum([len(name) + len(value) + 4 for name, value in self.headers]) + len(self.url) > HEAD_BYTES:
            self._refuse_head()
            return
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            # Comes once more, without that.
            return
        self._in_head = False
        super().on_headers_complete()
        if self.cycle is not None:
            self.scope["extensions"] = cast(Any, {HANG_UP: self._watch})
            if self._has_body():
                self.cycle.transport = cast(asyncio.Transport, _Lingering(self))
            self.cycle.send = WholeAnswer(self.cycle)  # type: ignore[method-assign]  # read when the task begins

    def on_body(self, body: bytes) -> None:
        if not self._in_head:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._in_head:
            return
        super().on_message_complete()
        if self._unread is not None:
            self._unread = None
            if self._closes_after:
                self.transport.close()
            elif self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

    def on_response_complete(self) -> None:
        # A pipelined request has taken the place of this one where their bodies are no more awaited.
        if self._unread is None and self.cycle.response_complete and self.cycle.more_body:
            self.linger(closes_after=False)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        self.transport.write(_UNREADABLE)
        self.transport.close()

    def linger(self, *, closes_after: bool) -> None:
        """Throw away what still comes of a request that was answered; close then, if that is wanted."""
        if self._unread is None:
            self._unread, self._since = UNREAD_BYTES, self.loop.time()
        self._closes_after = self._closes_after or closes_after
        self.flow.resume_reading()

    def is_overdue(self, now: float) -> bool:
        """Whether the client has had its time."""
        waited = now - self._since
        if self._unread is not None:
            return waited > UNREAD_SECONDS
        if self._in_head:
            # Between two requests uvicorn's own timer for idle connections runs.
            return waited > HEAD_SECONDS and self.timeout_keep_alive_task is None
        cycle = self.cycle
        waiting = cycle is not None and cycle.more_body and not cycle.response_complete and not self.flow.read_paused
        return waiting and waited > BODY_SECONDS

    def _watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback`, once, when the connection is gone. Returns what stops watching."""
        if self._lost:
            return self.loop.call_soon(callback).cancel
        # While nothing is read, nobody sees its end.
        self.flow.resume_reading()
        key = object()
        self._watchers[key] = callback

        def stop() -> None:
            self._watchers.pop(key, None)

        return stop

    def _has_body(self) -> bool:
        return not _TELLING_BODY.isdisjoint([name for name, _ in self.headers])

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()


class _Lingering:
    """The transport that a request with a body sees: closing waits until the body is over."""

    def __init__(self, protocol: PatientProtocol) -> None:
        self._protocol = protocol
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing

    def close(self) -> None:
        if self._protocol.cycle.more_body and not self.is_closing():
            self._protocol.linger(closes_after=True)
        else:
            self._protocol.transport.close()


async def sweep(connections: set[Any], seconds: float = SWEEP_SECONDS) -> None:
    """Close overdue connections, for ever. `connections` is the live set of uvicorn's server state."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(seconds)
        close_overdue(connections, loop.time())


def close_overdue(connections: set[Any], now: float) -> None:
    """Close those connections whose clients have had their time at `now`."""
    for connection in tuple(connections):
        if isinstance(connection, PatientProtocol) and connection.is_overdue(now):
            # Not `close`: it waits for a client that may not read either.
            connection.transport.abort()
