"""Answers that our own calls wait for, taken where they come in: without a task that is woken for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_MOST_LINES = 64
"""In one piece; others must have their turn between more of them."""


class FirstLook:
    """In front of a stream and in the place of its reader. `take` says whether a line, without its end, was for it.

    A line is taken here only while the reader waits for more, with everything before it seen to: so nothing overtakes
    what the server said earlier.
    """

    def __init__(self, stream: asyncio.StreamReader, take: Callable[[bytes], bool]) -> None:
        self._stream = stream
        self._take = take
        self._all_seen = self._mid_line = False

    def __call__(self, data: bytes) -> bytes:
        """Look at what came in. Returns what is left for the stream."""
        if not self._all_seen or data.count(b"\n") > _MOST_LINES:
            self._all_seen = False
            return data
        start = 0
        while (end := data.find(b"\n", start)) >= 0 and self._take(data[start:end]):
            start = end + 1
        rest = data[start:] if start else data
        if rest:
            self._all_seen = False
        return rest

    async def read(self, n: int = -1, /) -> bytes:
        """What the reader of the stream asks for."""
        self._all_seen = not self._mid_line
        chunk = await self._stream.read(n)
        self._all_seen = False
        self._mid_line = not chunk.endswith(b"\n")
        return chunk
