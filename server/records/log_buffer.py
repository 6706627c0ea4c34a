"""What a log has heard and not stored yet: whoever is noted waits for no disk, and a batch shares one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from server.errors import Busy, GridBearError

log = logging.getLogger(__name__)
T = TypeVar("T")

_RETRY_SECONDS = 1.0


class LogBuffer(Generic[T]):
    """Made and used on the event loop. It knows no bound: who adds to it minds how much waits.

    `gather` is awaited before each flush of its own, so that the entries of a moment share a transaction. `store`
    stores a batch; when it raises, the batch waits again, in front.
    """

    def __init__(
        self, name: str, gather: Callable[[], Awaitable[None]], store: Callable[[list[T]], Awaitable[None]], batch: int
    ) -> None:
        self._name = name
        self._gather = gather
        self._store = store
        self._batch = batch
        self._waiting: deque[T] = deque()
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._storing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many wait, without those that are being stored."""
        return len(self._waiting)

    def add(self, entry: T) -> None:
        """Takes no time."""
        self._waiting.append(entry)
        self._wake.set()

    def start(self) -> None:
        """Begin to store."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Store what waits, and end."""
        # Not cancelled: a batch that is being stored would be stored once more.
        self._ended.set()
        self._wake.set()
        if self._task is not None:
            await self._task
        try:
            while self._waiting:
                await self.flush()
        except GridBearError as error:
            log.warning("%d entries of the %s could not be kept: %s", len(self), self._name, error.message)

    async def flush(self) -> None:
        """Store all that waits now. What another flush is storing is stored as well when this one returns."""
        async with self._storing:
            # What comes meanwhile is left for the next flush: under load it would be a transaction for each few.
            left = len(self._waiting)
            while left:
                batch = [self._waiting.popleft() for _ in range(min(self._batch, left))]
                left -= len(batch)
                try:
                    await self._store(batch)
                except BaseException:
                    self._waiting.extendleft(reversed(batch))
                    raise

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    async def _run(self) -> None:
        while not self._ended.is_set():
            await self._wake.wait()
            await self._gather()
            self._wake.clear()
            try:
                await self.flush()
            except Busy:
                await self.pause(_RETRY_SECONDS)
                self._wake.set()
            except GridBearError as error:
                log.warning("the %s could not be kept: %s", self._name, error.message)
