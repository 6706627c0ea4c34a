"""Changes that go on when whoever asked for them gives up: what is committed must also come into force."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Detached:
    """Keeps the changes that are being made, also those that nobody waits for any more."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def __call__(self, change: Coroutine[Any, Any, T]) -> T:
        """Await `change`, which goes on to its end when the caller is cancelled."""
        task = asyncio.ensure_future(change)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)
