"""Whole answers, written in one go: uvicorn writes head and body apart, two calls of the system and two packets."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

_STEADY = frozenset(
    (
        b"content-type", b"cache-control", b"content-security-policy", b"x-content-type-options", b"x-frame-options",
        b"referrer-policy", b"permissions-policy", b"cross-origin-opener-policy", b"cross-origin-resource-policy",
        b"date", b"vary",
    )
)  # fmt: skip
"""Headers that mostly have the same few values."""
_LEFT_TO_UVICORN = frozenset((b"connection", b"transfer-encoding"))
_MAX_LINES = 256
_lines: dict[tuple[bytes, bytes], bytes] = {}
_begins: dict[bytes, bytes] = {}
"""What the lines of headers of a valid name begin with."""


class WholeAnswer:
    """The `send` of one request. Holds back the head of an answer of known length until its body is there.

    Everything but a whole answer on a connection that stays open is left to uvicorn.
    """

    __slots__ = ("_cycle", "_head", "_send")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._send = cycle.send
        self._head: Any = None

    async def __call__(self, message: Any) -> None:
        """Send an ASGI message."""
        head = self._head
        if head is None:
            if self._cycle.response_started or not _tells_length(message):
                await self._send(message)
            else:
                self._head = message
                self._cycle.response_started = True
            return
        self._head = None
        self._cycle.response_started = False
        if not self._write(head, message):
            await self._send(head)
            await self._send(message)

    def _write(self, head: Any, message: Any) -> bool:
        """Write head and body at once. False, and nothing is done, where that is uvicorn's to do."""
        cycle = self._cycle
        body = message.get("body", b"")
        if (
            message["type"] != "http.response.body"
            or message.get("more_body", False)
            or cycle.disconnected
            or cycle.flow.write_paused
            or not cycle.keep_alive
            or cycle.scope["method"] == "HEAD"
        ):
            return False
        parts = [STATUS_LINE[head["status"]]]
        length = None
        for header in (*cycle.default_headers, *head["headers"]):
            name, value = header
            if name in _LEFT_TO_UVICORN:
                return False
            if name == b"content-length":
                length = value
            parts.append(_lines.get(header) or _line(name, value))
        if length != b"%d" % len(body):
            return False
        parts += (b"\r\n", body)
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(b"".join(parts))
        cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True


def _tells_length(message: Any) -> bool:
    return message["type"] == "http.response.start" and any(
        name == b"content-length" for name, _ in message.get("headers", ())
    )


def _line(name: bytes, value: bytes) -> bytes:
    if HEADER_VALUE_RE.search(value):
        raise RuntimeError("Invalid HTTP header value.")
    line = (_begins.get(name) or _begin(name)) + value + b"\r\n"
    if name in _STEADY:
        if len(_lines) >= _MAX_LINES:
            _lines.clear()
        _lines[(name, value)] = line
    return line


def _begin(name: bytes) -> bytes:
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    if len(_begins) >= _MAX_LINES:
        _begins.clear()
    begin = _begins[name] = name.lower() + b": "
    return begin
