"""The last word on a stream that ends without the answer which it was opened for, because its endpoint ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.types import Message, Send

from server.mcp_gateway.wire import to_wire

_STREAM = b"text/event-stream"
Why = Callable[[], dict[str, Any] | None]
"""The error for those whom the end cuts off; None while the endpoint goes on."""


class LastWord:
    """Of one request, by its id.

    The SDK ends the streams of its sessions without a word when it is stopped; what has no session is cancelled.
    """

    def __init__(self, send: Send, number: str | int, why: Why) -> None:
        self._send = send
        self._number = number
        self._why = why
        self._is_stream = False
        self._is_over = False
        self._last = b""

    async def send(self, message: Message) -> None:
        """In the place of the `send` of the request."""
        if message["type"] == "http.response.start":
            self._is_stream = any(
                name.lower() == b"content-type" and value.startswith(_STREAM) for name, value in message["headers"]
            )
        elif self._is_stream and message["type"] == "http.response.body":
            body: bytes = message.get("body", b"")
            if body and not body.startswith(b":"):
                self._last = body
            self._is_over = not message.get("more_body", False)
            if self._is_over and (error := self._why()) is not None and not self._is_answered():
                told = to_wire({"jsonrpc": "2.0", "id": self._number, "error": error})
                event = b"event: message\r\ndata: %s\r\n\r\n" % told
                await self._send({"type": "http.response.body", "body": event, "more_body": True})
        await self._send(message)

    async def after(self, work: Awaitable[None]) -> None:
        """Let `work` answer through `send`; where it is cancelled in the middle of a stream, that ends here."""
        try:
            await work
        except asyncio.CancelledError:
            if self._is_stream and not self._is_over and self._why() is not None:
                with contextlib.suppress(OSError):
                    await self.send({"type": "http.response.body", "body": b""})
            raise

    def _is_answered(self) -> bool:
        """Whether what was sent last is the answer: the SDK sends nothing after it."""
        for line in self._last.splitlines():
            if line.startswith(b"data: "):
                try:
                    found = orjson.loads(line[6:])
                except orjson.JSONDecodeError:
                    return True
                return isinstance(found, dict) and "method" not in found
        return False
