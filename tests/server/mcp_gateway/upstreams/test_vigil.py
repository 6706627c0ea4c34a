"""Sleep is noticed whatever the system's monotonic clock does meanwhile."""

from __future__ import annotations

import pytest

from server.mcp_gateway.upstreams.vigil import Vigil

HOURS = 8 * 3600.0


class Clocks:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.now, self.wall = 50.0, 1e9
        self.vigil = Vigil(lambda: self.now, lambda: self.wall)

    def passes(self, seconds: float, on_the_wall: float | None = None) -> int:
        self.now += seconds
        self.wall += seconds if on_the_wall is None else on_the_wall
        return self.vigil.sleeps()


def test_while_everybody_looks_no_sleep_is_seen() -> None:
    clocks = Clocks()
    assert [clocks.passes(10.0) for _ in range(100)] == [0] * 100


@pytest.mark.parametrize("goes_on", [0.0, HOURS])
def test_eight_hours_are_one_sleep_also_where_the_monotonic_clock_stands_still(goes_on: float) -> None:
    clocks = Clocks()
    clocks.passes(10.0)
    assert clocks.passes(goes_on, HOURS) == 1
    assert [clocks.passes(10.0) for _ in range(5)] == [1] * 5
    assert clocks.passes(goes_on, HOURS) == 2


def test_a_clock_that_is_set_right_by_seconds_or_back_is_no_sleep() -> None:
    clocks = Clocks()
    clocks.passes(10.0)
    assert clocks.passes(1.0, 5.0) == 0
    assert clocks.passes(1.0, -3600.0) == 0
