"""The resources of one server whose changes somebody wants to hear of."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

_TOLD_SECONDS = 2.0
"""So long is waited until a server says that it heard of what is wanted."""


class Watched:
    """Counts who wants each; what the connection has told its server is its own business."""

    def __init__(self) -> None:
        self._wanted: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self.told = asyncio.Event()
        """Set when the server has heard of the set as it is."""

    def __contains__(self, uri: object) -> bool:
        return self._wanted[str(uri)] > 0

    def __bool__(self) -> bool:
        return bool(self._wanted)

    @property
    def uris(self) -> list[str]:
        return sorted(self._wanted)

    def add(self, uri: str) -> bool:
        """One more wants it. Whether it is the first."""
        self._wanted[uri] += 1
        if self._wanted[uri] == 1:
            self.told.clear()
            self._changed.set()
        return self._wanted[uri] == 1

    def remove(self, uri: str) -> bool:
        """One less wants it. Whether it was the last."""
        self._wanted[uri] -= 1
        if self._wanted[uri] > 0:
            return False
        del self._wanted[uri]
        self._changed.set()
        return True

    async def settled(self) -> None:
        """Wait until the server has heard of the set as it is; about two seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TOLD_SECONDS):
                await self.told.wait()

    async def change(self) -> None:
        """Wait until the set of them is another than at the last call."""
        await self._changed.wait()
        self._changed.clear()
