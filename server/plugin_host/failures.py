"""What running plugins raised of late: counted within a window, and a flood of it is few writes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from server.errors import GridBearError
from server.plugin_host.live import Failed

log = logging.getLogger(__name__)

WINDOW_SECONDS = 600.0
PAUSE_SECONDS = 1.0

Write = Callable[[str, Failed, int], Awaitable[object]]
"""Keeps a plugin's newest failure, and that there were so many more."""


@dataclass(slots=True)
class _Of:
    """The failures of one plugin."""

    times: deque[float] = field(default_factory=deque)
    newest: Failed | None = None
    unwritten: int = 0
    pause: asyncio.TimerHandle | None = None
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


class Failures:
    """The first failure is written at once, and what comes within `pause` seconds after it in one write."""

    def __init__(
        self, write: Write, clock: Callable[[], float], *, window: float = WINDOW_SECONDS, pause: float = PAUSE_SECONDS
    ) -> None:
        self._write = write
        self._clock = clock
        self._window = window
        self._pause = pause
        self._of: dict[str, _Of] = {}

    async def add(self, plugin_id: str, failure: Failed, *, counts: bool = True) -> int:
        """One more. Returns how many that count there were within the window; this one is told in any case."""
        of = self._of.setdefault(plugin_id, _Of())
        of.newest = failure
        of.unwritten += 1
        now = self._clock()
        if counts:
            of.times.append(now)
        while of.times and of.times[0] < now - self._window:
            of.times.popleft()
        count = len(of.times)
        if of.pause is None:
            await self._write_and_pause(plugin_id, of)
        return count

    async def forget(self, plugin_id: str) -> None:
        """Write what is unwritten, and begin anew."""
        of = self._of.pop(plugin_id, None)
        if of is None:
            return
        if of.pause is not None:
            of.pause.cancel()
        await self._write_down(plugin_id, of)

    async def close(self) -> None:
        """Forget all plugins."""
        for plugin_id in list(self._of):
            await self.forget(plugin_id)

    async def _write_and_pause(self, plugin_id: str, of: _Of) -> None:
        of.pause = asyncio.get_running_loop().call_later(self._pause, self._after_pause, plugin_id, of)
        await self._write_down(plugin_id, of)

    def _after_pause(self, plugin_id: str, of: _Of) -> None:
        of.pause = None
        if of.unwritten and self._of.get(plugin_id) is of:
            of.task = asyncio.get_running_loop().create_task(self._write_and_pause(plugin_id, of))

    async def _write_down(self, plugin_id: str, of: _Of) -> None:
        async with of.writing:
            if not of.unwritten or of.newest is None:
                return
            more, of.unwritten = of.unwritten, 0
            try:
                await self._write(plugin_id, of.newest, more)
            except GridBearError as error:
                # A full disk, say; the log has the failure itself.
                log.warning("the failures of plugin %s could not be kept: %s", plugin_id, error.message)
