"""What is remembered of lists that took work: which fields they compare and sort by, and how long. Never a value."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from server.db.statements import ListShape

MAX_LISTS = 200
"""The list that was asked for longest ago goes first."""
KEPT_TIMES = 64
SLOW_SECONDS = 0.1
"""A list with a good plan is remembered too when it took so long."""


@dataclass(slots=True)
class Seen:
    """How one list went."""

    last: datetime
    count: int = 0
    interrupted: int = 0
    """How often it was begun as a cheap one and overran its budget."""
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_TIMES))
    """The latest durations, waiting for a thread included."""

    def share(self, part: float) -> float:
        """The duration that `part` (0 to 1) of the latest ones do not exceed, in seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    @property
    def total(self) -> float:
        """About how many seconds all of them took."""
        return self.count * sum(self.seconds) / len(self.seconds)


class SlowLists:
    """Lists since the start of the server, by model and shape. Used on the event loop alone."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._seen: OrderedDict[tuple[str, ListShape], Seen] = OrderedDict()

    def note(self, model: str, shape: ListShape, seconds: float, *, interrupted: bool = False) -> None:
        """A list took so long."""
        key = (model, plain_shape(shape))
        seen = self._seen.pop(key, None) or Seen(self._now())
        seen.last = self._now()
        seen.count += 1
        seen.interrupted += interrupted
        seen.seconds.append(seconds)
        self._seen[key] = seen
        if len(self._seen) > MAX_LISTS:
            self._seen.popitem(last=False)

    def known(self) -> list[tuple[str, ListShape, Seen]]:
        """All that is remembered, the costliest first."""
        found = [(model, shape, seen) for (model, shape), seen in self._seen.items()]
        return sorted(found, key=lambda one: -one[2].total)

    def forget(self, model: str) -> None:
        """Begin anew with a model."""
        for key in [key for key in self._seen if key[0] == model]:
            del self._seen[key]


def plain_shape(shape: ListShape) -> ListShape:
    """The shape without what an index has no say in: shown fields, and where the page begins."""
    return replace(shape, fields=("id",), expand=(), rank_by=(), after=None, walk=False)
