"""A histogram of durations: small, exact in its counts, good to a quarter in its quantiles."""

from __future__ import annotations

from bisect import bisect_left

_STEPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
BOUNDS = tuple(round(step * 10.0**power, 9) for power in range(-4, 2) for step in _STEPS if step * 10.0**power <= 60)
"""Upper ends of the buckets in seconds; what is longer is in one more."""
TOLD_BOUNDS = tuple(bound for bound in BOUNDS if f"{bound:e}"[:3] in ("1.0", "2.5", "5.0"))
"""The bounds that a reader of metrics is told."""


class Latency:
    """Durations in seconds."""

    __slots__ = ("_buckets", "count", "total")

    def __init__(self) -> None:
        self._buckets = [0] * (len(BOUNDS) + 1)
        self.count = 0
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self.count += 1
        self.total += seconds

    def quantile(self, part: float) -> float | None:
        """The duration in seconds that `part` (0 to 1) of all stay below, None before there is one."""
        if not self.count:
            return None
        wanted, seen = part * self.count, 0
        for place, number in enumerate(self._buckets):
            if number and seen + number >= wanted:
                below = BOUNDS[place - 1] if place else 0.0
                above = BOUNDS[place] if place < len(BOUNDS) else below
                return below + (above - below) * (wanted - seen) / number
            seen += number
        return BOUNDS[-1]

    def told(self) -> list[tuple[float, int]]:
        """How many took at most each of `TOLD_BOUNDS`."""
        found, seen = [], 0
        for bound, number in zip(BOUNDS, self._buckets, strict=False):
            seen += number
            if bound in TOLD_BOUNDS:
                found.append((bound, seen))
        return found
