"""The watches of all servers: those that an admin configured by their id, those of this program by their name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from server.errors import Conflict
from server.mcp_gateway.messages.tap import WATCH_SECONDS, MessageWatch, Tap

MOST_WATCHED = 10
"""Servers at a time, so that the memory for it has a limit."""


class MessageWatches:
    """Made on the event loop. Nothing of it is kept when the program ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._watches: dict[int | str, MessageWatch] = {}
        self._timer: asyncio.TimerHandle | None = None

    def of(self, server: int | str) -> MessageWatch:
        """That of a server; also before anybody watches it."""
        if (found := self._watches.get(server)) is None:
            found = self._watches[server] = MessageWatch(self._clock)
        return found

    def knows(self, server: int | str, watch: MessageWatch) -> bool:
        """Whether `watch` is that of a server still."""
        return self._watches.get(server) is watch

    def tap(self, server: int | str, person: int | None = None) -> Tap:
        """For a connection to a server."""
        return Tap(self.of(server), person)

    def begin(self, server: int | str) -> bool:
        """Watch a server. Whether nobody did before. Raises Conflict when too many are watched already."""
        self.sweep()
        watch = self.of(server)
        if watch.ring is None and sum(one.ring is not None for one in self._watches.values()) >= MOST_WATCHED:
            raise Conflict(
                f"The messages of {MOST_WATCHED} servers are watched already: stop watching one of them first.",
                code="too_many_watched",
            )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self._look)
        return watch.begin()

    def forget(self, server: int | str) -> None:
        """The server is gone."""
        if (watch := self._watches.pop(server, None)) is not None:
            watch.end()

    def sweep(self) -> None:
        """End what nobody has looked at for too long."""
        for watch in self._watches.values():
            watch.sweep()

    def stop(self) -> None:
        """Forget everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for watch in self._watches.values():
            watch.end()

    def _look(self) -> None:
        self.sweep()
        left = [watch.seconds_left for watch in self._watches.values() if watch.ring is not None]
        self._timer = asyncio.get_running_loop().call_later(min(left) + 1, self._look) if left else None
