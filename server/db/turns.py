"""Turns at what everybody shares: nobody has all of it at once, however much they ask for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class _Gate:
    places: asyncio.Semaphore
    users: int = 0
    """Those inside, and those who wait."""


class Turns:
    """Lets each asker have at most `most` turns at a time; their others wait, first come, first served."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._gates: dict[Hashable, _Gate] = {}

    @contextlib.asynccontextmanager
    async def turn(self, asker: Hashable | None) -> AsyncIterator[None]:
        """Around one turn. None is the program itself, which waits for nobody."""
        if asker is None:
            yield
            return
        gate = self._gates.setdefault(asker, _Gate(asyncio.Semaphore(self._most)))
        gate.users += 1
        try:
            async with gate.places:
                yield
        finally:
            gate.users -= 1
            if not gate.users:
                del self._gates[asker]
