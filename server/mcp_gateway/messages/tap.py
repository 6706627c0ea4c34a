"""Where messages pass on one connection. While nobody watches, one look at `watch.ring` is all that it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from server.mcp_gateway.messages.message import Direction
from server.mcp_gateway.messages.message_ring import MessageRing

WATCH_SECONDS = 1800.0
"""A watching ends so long after an admin last looked."""


class MessageWatch:
    """Of one server, with all its connections. `ring` is None while nobody watches."""

    __slots__ = ("_clock", "_listeners", "_wall", "ends_at", "last", "readers", "ring")

    def __init__(self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._wall = wall
        self._listeners: set[Callable[[], None]] = set()
        self.ring: MessageRing | None = None
        self.last = 0
        """The newest sequence of the watching before."""
        self.ends_at = 0.0
        """By the clock."""
        self.readers: set[int | None] = set()
        """Who has looked since it began."""

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.ends_at - self._clock())

    def begin(self) -> bool:
        """Watch from now on, for `WATCH_SECONDS`. Whether nobody did before."""
        self.sweep()
        self.ends_at = self._clock() + WATCH_SECONDS
        if self.ring is not None:
            return False
        self.ring = MessageRing(self._wall(), self.last + 1)
        self._tell()
        return True

    def end(self) -> bool:
        """Forget all of it. Whether somebody watched."""
        ring, self.ring = self.ring, None
        self.readers.clear()
        if ring is not None:
            self.last = ring.last
        self._tell()
        return ring is not None

    def sweep(self) -> None:
        """End it when nobody has looked for too long."""
        if self.ring is not None and self._clock() >= self.ends_at:
            self.end()

    def note(self, direction: Direction, message: dict[str, Any], person: int | None) -> None:
        """A message passes while somebody watches."""
        self.sweep()
        if self.ring is not None:
            self.ring.note(direction, message, person, self._wall(), self._clock())
            self._tell()

    def lost(self, number: str, reason: str, person: int | None) -> None:
        """No answer to a request will come, while somebody watches."""
        if self.ring is not None:
            self.ring.lost(number, reason, person, self._wall(), self._clock())
            self._tell()

    def hear(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever something is new: a message, or a begin or an end. Returns what stops it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


class Tap:
    """Of one connection; `person`: whose it is, where everybody has their own."""

    __slots__ = ("_person", "watch")

    def __init__(self, watch: MessageWatch, person: int | None = None) -> None:
        self.watch = watch
        self._person = person

    def to_server(self, message: dict[str, Any]) -> None:
        """A message is sent. Ask `watch.ring` first: this is not for when nobody watches."""
        self.watch.note("to_server", message, self._person)

    def from_server(self, message: dict[str, Any]) -> None:
        """A message has come. Ask `watch.ring` first."""
        self.watch.note("from_server", message, self._person)

    def lost(self, number: str, reason: str) -> None:
        """No answer to our request of this id will come. Ask `watch.ring` first."""
        self.watch.lost(number, reason, self._person)


UNWATCHED = Tap(MessageWatch())
"""For connections that nobody can watch."""
