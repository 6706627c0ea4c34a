"""Notices that this computer slept: connections that looked fine before may be gone."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_SECONDS = 10.0
"""Whoever holds a connection looks at least this often."""
_JUMP_SECONDS = 10.0
_GAP_SECONDS = 3 * LOOK_SECONDS


class Vigil:
    """Shared by all connections. `clock` is monotonic, `wall` the time of day, both in seconds."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float] = time.time) -> None:
        self.wall = wall
        self._clock = clock
        self._seen: tuple[float, float] | None = None
        self._sleeps = 0

    def sleeps(self) -> int:
        """How often the computer slept so far. Asking is looking."""
        now, wall = self._clock(), self.wall()
        if self._seen is not None:
            passed, on_the_wall = now - self._seen[0], wall - self._seen[1]
            # Some systems' monotonic clocks stop during sleep, others' go on: then nobody has looked for too long.
            if on_the_wall - passed > _JUMP_SECONDS or passed > _GAP_SECONDS:
                self._sleeps += 1
        self._seen = (now, wall)
        return self._sleeps
