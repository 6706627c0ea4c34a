"""The lines that a server writes, however it writes them; one that is too long does not end the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

MAX_LINE_BYTES = 64 << 20
BUFFER_BYTES = 1 << 18
"""Of what was not read yet; with more it waits."""
_END_BYTES = 256
_TURN = 64


class Chunks(Protocol):
    """What of a stream reader is used."""

    async def read(self, n: int = -1, /) -> bytes:
        """The next bytes, however many; none at the end."""


class TooLong:
    """A line over the limit, which was thrown away but for its ends."""

    def __init__(self) -> None:
        self.limit = MAX_LINE_BYTES
        self.head = self.tail = b""

    def see(self, part: bytes) -> None:
        if len(self.head) < _END_BYTES:
            self.head += part[: _END_BYTES - len(self.head)]
        self.tail = (self.tail + part[-_END_BYTES:])[-_END_BYTES:]


async def lines_of(stream: Chunks) -> AsyncIterator[bytes | TooLong]:
    """Line after line without its end, until the stream ends; others have their turn between them.

    The stream's own `readline` gives up with the first line over its limit, and reads ahead twice as much.
    """
    parts: list[bytes] = []
    size = given = 0
    too_long: TooLong | None = None
    while chunk := await stream.read(BUFFER_BYTES):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            if too_long is not None:
                too_long.see(end)
                yield too_long
                too_long = None
            else:
                yield b"".join((*parts, end))
            parts, size = [], 0
            given += 1
            if given % _TURN == 0:
                await asyncio.sleep(0)
        size += len(rest)
        if too_long is None and size > MAX_LINE_BYTES:
            too_long = TooLong()
            for part in parts:
                too_long.see(part)
            parts = []
        if too_long is not None:
            too_long.see(rest)
        elif rest:
            parts.append(rest)
    if parts:
        yield b"".join(parts)
