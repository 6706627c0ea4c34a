"""Delays that grow with each failure: guessing becomes slow, a typing error stays cheap."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class GrowingDelay:
    """Failures by key. `free` of them cost nothing; each more doubles the wait, from 1 s up to `most` seconds.

    Failures are forgotten one by one, each after `forget` seconds without a new one. The least recently used keys go
    beyond `max_keys`. Times are monotonic seconds.
    """

    def __init__(self, *, free: int, most: float, forget: float = 900.0, max_keys: int = 10_000) -> None:
        self._free = free
        self._most = most
        self._forget = forget
        self._max_keys = max_keys
        self._failures: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until `key` may try again; 0 when it may now."""
        failures, last = self._known(key, now)
        if failures < self._free:
            return 0.0
        return max(0.0, last + self._delay(failures) - now)

    def begin(self, key: Hashable, now: float) -> None:
        """Count an attempt as a failure before its end is known: many at once must not all count as the first."""
        failures, _ = self._known(key, now)
        self._failures[key] = (failures + 1, now)
        self._failures.move_to_end(key)
        if len(self._failures) > self._max_keys:
            self._failures.popitem(last=False)

    def count(self, key: Hashable, now: float) -> int:
        """The attempts that count at present."""
        return self._known(key, now)[0]

    def take_back(self, key: Hashable, count: int = 1) -> None:
        """`count` of the attempts were no guesses; the others still count."""
        failures, last = self._failures.get(key, (0, 0.0))
        if failures > count:
            self._failures[key] = (failures - count, last)
        else:
            self._failures.pop(key, None)

    def succeeded(self, key: Hashable) -> None:
        """The attempt was good: everything before it is forgotten."""
        self._failures.pop(key, None)

    def _delay(self, failures: int) -> float:
        # 2^30 s is more than any limit; a larger exponent would only cost.
        return min(self._most, 2.0 ** min(30, failures - self._free))

    def _known(self, key: Hashable, now: float) -> tuple[int, float]:
        failures, last = self._failures.get(key, (0, now))
        forgotten = int(max(0.0, now - last) // self._forget)
        return (max(0, failures - forgotten), last)
