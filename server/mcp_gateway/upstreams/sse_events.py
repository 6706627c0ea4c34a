"""The events of a stream (`text/event-stream`), however large; one over the limit does not end the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from server.mcp_gateway.upstreams import line_reader
from server.mcp_gateway.upstreams.line_reader import TooLong, lines_of


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `data` is what it says, or that this is too long."""

    name: str
    data: bytes | TooLong


async def events_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """Event after event that has data, until the stream ends. One that has no end is none."""
    name, data, size = "message", list[bytes](), 0
    too_long: TooLong | None = None
    async for line in lines_of(_Newlines(chunks)):
        if isinstance(line, TooLong):
            too_long = line
        elif not line:
            if too_long is not None:
                yield Event(name, too_long)
            elif any(data):
                yield Event(name, b"\n".join(data))
            name, data, size, too_long = "message", [], 0, None
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
            size += len(line)
            if size > line_reader.MAX_LINE_BYTES and too_long is None:
                too_long = TooLong()
                for part in data:
                    too_long.see(part)
                data = []
        elif line.startswith(b"event:"):
            name = line[6:].strip().decode("utf-8", "replace")


class _Newlines:
    """The bytes of a stream, whose lines may end with CR, LF or both, with LF alone."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._after_cr = False

    async def read(self, _most: int = -1, /) -> bytes:
        """The next bytes; none at the end."""
        async for chunk in self._chunks:
            told = chunk[1:] if self._after_cr and chunk.startswith(b"\n") else chunk
            if not told:
                self._after_cr = self._after_cr and not chunk
                continue
            self._after_cr = told.endswith(b"\r")
            return told.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in told else told
        return b""
