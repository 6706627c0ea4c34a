"""Token buckets, one per key, refilled by elapsed time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple


class BucketDecision(NamedTuple):
    """The answer to one `take`: whether it may pass and, if not, after how many seconds it may."""

    allowed: bool
    remaining: int
    retry_after: float


class TokenBuckets:
    """Buckets for many keys; the least recently used are forgotten beyond `max_keys` (a forgotten key is full)."""

    def __init__(self, *, max_keys: int = 10_000) -> None:
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._max_keys = max_keys

    def wait(self, key: Hashable, *, rate: float, burst: float, now: float) -> float:
        """Seconds until `take` would let one pass, 0 when it would now. Takes nothing."""
        level, then = self._levels.get(key, (burst, now))
        level = min(burst, level + max(0.0, now - then) * rate)
        return 0.0 if level >= 1.0 else (1.0 - level) / rate if rate > 0 else 3600.0

    def take(self, key: Hashable, *, rate: float, burst: float, now: float) -> BucketDecision:
        """Take one token of `key`: `rate` tokens come back per second, at most `burst` are kept.

        `now` is a monotonic time in seconds. A clock that steps back refills nothing and takes nothing away.
        """
        level, then = self._levels.get(key, (burst, now))
        level = min(burst, level + max(0.0, now - then) * rate)
        allowed = level >= 1.0
        if allowed:
            level -= 1.0
        self._levels[key] = (level, max(now, then))
        self._levels.move_to_end(key)
        if len(self._levels) > self._max_keys:
            self._levels.popitem(last=False)
        retry_after = 0.0 if allowed else (1.0 - level) / rate if rate > 0 else 3600.0
        return BucketDecision(allowed, int(level), retry_after)
