"""The latest changes in memory, numbered, so that a listener who was away can go on where it left off."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import orjson

from server.events.bus import Bus, RecordChanged


@dataclass(frozen=True, slots=True)
class Logged:
    """One change and its message, written once for all listeners."""

    number: int
    event: RecordChanged
    message: bytes


class EventLog:
    """Keeps the latest `limit` changes. Numbers begin anew with each start, so an id names the start as well."""

    def __init__(self, bus: Bus, limit: int) -> None:
        self.boot = secrets.token_hex(4)
        self.ended = False
        self._events: deque[Logged] = deque(maxlen=limit)
        self._last = 0
        self._news = asyncio.Event()
        bus.subscribe(self._add)

    @property
    def last(self) -> int:
        """The number of the latest change; 0 before the first."""
        return self._last

    def place_of(self, event_id: str) -> int | None:
        """The number that `event_id` stands for, or None when it is of another start, forged, or already forgotten."""
        boot, _, number = event_id.partition("-")
        if boot != self.boot or not number.isascii() or not number.isdigit() or len(number) > 18:
            return None
        place = int(number)
        return place if self._first() - 1 <= place <= self._last else None

    def since(self, place: int) -> Sequence[Logged] | None:
        """The changes after `place`, or None when some of them are forgotten."""
        if place < self._first() - 1:
            return None
        return list(islice(self._events, max(0, len(self._events) - (self._last - place)), None))

    async def wait(self, place: int, seconds: float) -> bool:
        """Wait until there is something after `place`, or the log ends. False when the time was up."""
        if self._last > place or self.ended:
            return True
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def end(self) -> None:
        """Let every listener end."""
        self.ended = True
        self._wake()

    def _first(self) -> int:
        return self._last - len(self._events) + 1

    def _add(self, event: RecordChanged) -> None:
        self._last += 1
        data = orjson.dumps({"model": event.model, "verb": event.verb, "id": event.record_id or None})
        message = b"id: %s-%d\nevent: change\ndata: %s\n\n" % (self.boot.encode(), self._last, data)
        self._events.append(Logged(self._last, event, message))
        self._wake()

    def _wake(self) -> None:
        # Whoever waits holds the old one; the next wait begins with a fresh one.
        self._news.set()
        self._news = asyncio.Event()
