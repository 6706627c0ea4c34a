"""Delays that grow: told clock, no waiting."""

from __future__ import annotations

from server.limits.growing_delay import GrowingDelay


def fail(delays: GrowingDelay, times: int, now: float = 0.0, key: str = "a") -> None:
    for _ in range(times):
        delays.begin(key, now)


def test_the_first_failures_cost_nothing_and_the_next_double_the_wait_up_to_a_limit() -> None:
    delays = GrowingDelay(free=3, most=10.0)
    waits = []
    for _ in range(9):
        waits.append(delays.wait("a", 0.0))
        delays.begin("a", 0.0)
    assert waits == [0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_the_wait_ends_by_itself_and_one_more_failure_makes_it_longer() -> None:
    delays = GrowingDelay(free=1, most=100.0)
    fail(delays, 2)
    assert delays.wait("a", 0.5) == 1.5
    assert delays.wait("a", 2.0) == 0.0
    delays.begin("a", 2.0)
    assert delays.wait("a", 2.0) == 4.0


def test_success_forgets_and_others_are_not_touched() -> None:
    delays = GrowingDelay(free=1, most=100.0)
    fail(delays, 5)
    fail(delays, 5, key="b")
    delays.succeeded("a")
    assert delays.wait("a", 0.0) == 0.0 and delays.wait("b", 0.0) == 16.0


def test_what_was_no_guess_is_taken_back_and_the_others_still_count() -> None:
    delays = GrowingDelay(free=1, most=100.0, forget=100.0)
    fail(delays, 5)
    delays.take_back("a")
    assert delays.wait("a", 0.0) == 8.0 and delays.count("a", 0.0) == 4
    assert delays.count("a", 250.0) == 2, "forgotten once each"
    delays.take_back("a", 9)
    delays.take_back("nobody")
    assert delays.count("a", 0.0) == delays.count("nobody", 0.0) == 0


def test_failures_are_forgotten_one_by_one_with_time() -> None:
    delays = GrowingDelay(free=1, most=10_000.0, forget=100.0)
    fail(delays, 5)
    assert delays.wait("a", 0.0) == 16.0
    delays.begin("a", 250.0)
    # Five, two of them forgotten by now, and this one.
    assert delays.wait("a", 250.0) == 8.0


def test_a_clock_that_steps_back_makes_nobody_wait_for_ever() -> None:
    delays = GrowingDelay(free=1, most=30.0)
    fail(delays, 50, now=1000.0)
    assert delays.wait("a", 1000.0) == 30.0
    assert delays.wait("a", 1031.0) == 0.0


def test_many_keys_do_not_grow_memory_without_end() -> None:
    delays = GrowingDelay(free=1, most=30.0, max_keys=10)
    for number in range(1000):
        fail(delays, 3, key=str(number))
    assert delays.wait("0", 0.0) == 0.0 and delays.wait("999", 0.0) == 4.0
