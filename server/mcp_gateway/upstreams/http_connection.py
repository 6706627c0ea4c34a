"""One keep-alive connection of HTTP/1.1: a request, then its answer, whole or as server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httptools

MAX_BYTES = 64 << 20
"""Of one answer, or of one event of a stream."""
_HEAD_BYTES = 1 << 18
"""Of all that stands before an answer's body."""
_AHEAD_BYTES = 1 << 18
"""Of a stream, read and not looked at yet; with more the server waits."""
_TURN = 64
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class AnswerTooLarge(ConnectionError):
    """It was not read to its end."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"its answer is larger than {limit >> 20} MB")
        self.limit = limit


class Answer:
    """What comes back for one request. Everything raises ConnectionError when the connection ends too early."""

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.is_stream = False
        self.complete = False
        self._pause, self._resume = pause, resume
        self._parts = bytearray()
        self._searched = 0
        self._changed = asyncio.Event()
        self._failed: ConnectionError | None = None

    async def body(self) -> bytes:
        """The whole body."""
        while not self.complete:
            await self._more()
        return bytes(self._parts)

    async def events(self) -> AsyncIterator[bytes]:
        """The data of one event after the other; others have their turn between them."""
        given = 0
        while True:
            found = _BLANK_LINE.search(self._parts, self._searched)
            if found is not None:
                start, end = found.span()
                event = bytes(self._parts[:start])
                del self._parts[:end]
                self._searched = 0
                if data := _data(event):
                    yield data
                given += 1
                if given % _TURN == 0:
                    await asyncio.sleep(0)
            elif self.complete:
                return
            else:
                self._searched = max(0, len(self._parts) - 3)
                self._resume()
                await self._more()

    def fed(self, data: bytes) -> None:
        self._parts += data
        if len(self._parts) > MAX_BYTES:
            self.failed(AnswerTooLarge(MAX_BYTES))
        if self.is_stream and len(self._parts) > _AHEAD_BYTES:
            self._pause()
        self._changed.set()

    def failed(self, error: ConnectionError) -> None:
        self._failed = self._failed or error
        if not self.status.done():
            self.status.set_exception(error)
            self.status.exception()  # whoever waits gets it; nobody may be waiting any more
        self._changed.set()

    def completed(self) -> None:
        self.complete = True
        self._changed.set()

    async def _more(self) -> None:
        if self._failed is None:
            self._changed.clear()
            await self._changed.wait()
        elif not self.complete:
            raise self._failed


class HttpConnection(asyncio.Protocol):
    """`ask` once at a time, again when `is_free`."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._parser: Any = None
        self._answer: Answer | None = None
        self._open = False
        self._type = b""
        self._head_bytes = 0

    @property
    def is_free(self) -> bool:
        """Whether another request may be sent."""
        return self._open and self._answer is None

    def ask(self, request: bytes) -> Answer:
        """Send a whole request."""
        answer = self._answer = Answer(self._transport.pause_reading, self._resume)
        if not self._open:
            answer.failed(ConnectionError("the server closed the connection"))
            return answer
        self._parser = httptools.HttpResponseParser(self)
        self._type = b""
        self._head_bytes = 0
        self._transport.write(request)
        return answer

    def close(self) -> None:
        self._open = False
        if self._transport is not None:
            self._transport.close()

    def _resume(self) -> None:
        if self._open:
            self._transport.resume_reading()

    # What the transport and the parser call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._open = transport, True

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.close()
            return
        waits = self._answer
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(ConnectionError(f"its answer is no valid HTTP: {error}"))
            self.close()
            return
        if not waits.status.done():
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self._end(ConnectionError(f"the head of its answer is larger than {_HEAD_BYTES >> 10} KB"))
                self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open = False
        self._end(ConnectionError("the server closed the connection"))

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self._type = value.lower()

    def on_headers_complete(self) -> None:
        answer = self._answer
        if answer is not None and not answer.status.done() and not self._is_interim():
            answer.is_stream = self._type.startswith(b"text/event-stream")
            answer.status.set_result(self._parser.get_status_code())

    def on_body(self, data: bytes) -> None:
        if self._answer is not None:
            self._answer.fed(data)

    def on_message_complete(self) -> None:
        if self._is_interim():
            self._type = b""
            return
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.completed()
        if not self._parser.should_keep_alive():
            self.close()

    def _is_interim(self) -> bool:
        # 100 Continue, 103 Early Hints: the answer comes after it.
        status: int = self._parser.get_status_code()
        return 100 <= status < 200

    def _end(self, error: ConnectionError) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.failed(error)


def _data(event: bytes) -> bytes:
    rows = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"\n".join(row[5:].removeprefix(b" ") for row in rows if row.startswith(b"data:"))
