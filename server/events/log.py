"""The latest changes in memory, numbered, so that a listener who was away can go on where it left off."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from itertools import islice

import orjson

from server.events.bus import Bus, RecordChanged


class Logged:
    """One change and its message, written once for all listeners, when the first asks."""

    __slots__ = ("_boot", "_message", "event", "number")

    def __init__(self, number: int, event: RecordChanged, boot: str) -> None:
        self.number = number
        self.event = event
        self._boot = boot
        self._message: bytes | None = None

    @property
    def message(self) -> bytes:
        """The change as a server-sent event."""
        if self._message is None:
            event = self.event
            data = orjson.dumps({"model": event.model, "verb": event.verb, "id": event.record_id or None})
            self._message = b"id: %s-%d\nevent: change\ndata: %s\n\n" % (self._boot.encode(), self.number, data)
        return self._message


class EventLog:
    """Keeps the latest `limit` changes. Numbers begin anew with each start, so an id names the start as well."""

    def __init__(self, bus: Bus, limit: int) -> None:
        self.boot = secrets.token_hex(4)
        self.ended = False
        self._events: deque[Logged] = deque(maxlen=limit)
        self._last = 0
        self._waiting: set[asyncio.Future[bool]] = set()
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
        found = list(islice(reversed(self._events), self._last - place))
        found.reverse()
        return found

    async def wait(self, place: int, seconds: float) -> bool:
        """Wait until there is something after `place`, or the log ends. False when the time was up."""
        if self._last > place or self.ended:
            return True
        # By hand: with hundreds of listeners, what asyncio.wait_for does around each wait is most of their cost.
        loop = asyncio.get_running_loop()
        news: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(seconds, _tell, news, False)
        self._waiting.add(news)
        try:
            return await news
        finally:
            timer.cancel()
            self._waiting.discard(news)

    def end(self) -> None:
        """Let every listener end."""
        self.ended = True
        self._wake()

    def _first(self) -> int:
        return self._last - len(self._events) + 1

    def _add(self, event: RecordChanged) -> None:
        self._last += 1
        self._events.append(Logged(self._last, event, self.boot))
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            _tell(self._waiting.pop(), True)


def _tell(news: asyncio.Future[bool], answer: bool) -> None:
    if not news.done():
        news.set_result(answer)
