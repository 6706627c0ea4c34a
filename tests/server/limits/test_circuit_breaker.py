"""The circuit breaker: every transition, with a clock that the test moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.limits.circuit_breaker import BreakerLimits, CircuitBreaker, FailureKind, Permit

LIMITS = BreakerLimits()


def _fail(breaker: CircuitBreaker, kind: FailureKind, *times: float) -> None:
    for now in times:
        breaker.record_failure(breaker.acquire(now), kind, now)


def _opened(at: float = 2.0) -> CircuitBreaker:
    breaker = CircuitBreaker()
    _fail(breaker, "transport", 0.0, 1.0, at)
    return breaker


def test_three_transport_errors_within_two_minutes_open_it_for_thirty_seconds() -> None:
    breaker = CircuitBreaker()
    _fail(breaker, "transport", 0.0, 60.0)
    assert breaker.state(60.0) == "closed"
    _fail(breaker, "transport", 120.0)
    assert breaker.state(120.0) == "open"
    assert breaker.acquire(125.0) == Permit(False, retry_after=25.0)


def test_transport_errors_further_apart_than_the_window_leave_it_closed() -> None:
    breaker = CircuitBreaker()
    _fail(breaker, "transport", 0.0, 60.0, 120.1, 190.0, 250.0)
    assert breaker.state(250.0) == "closed"


def test_nine_slow_answers_are_borne_and_the_tenth_opens_it() -> None:
    breaker = CircuitBreaker()
    _fail(breaker, "slow", *(float(n) for n in range(9)))
    assert breaker.state(9.0) == "closed"
    _fail(breaker, "slow", 299.0)
    assert breaker.state(299.0) == "open"


def test_slow_answers_outside_five_minutes_are_forgotten() -> None:
    breaker = CircuitBreaker()
    _fail(breaker, "slow", *(n * 40.0 for n in range(30)))
    assert breaker.state(1200.0) == "closed"


def test_a_success_between_them_forgets_transport_errors() -> None:
    breaker = CircuitBreaker()
    _fail(breaker, "transport", 0.0, 1.0)
    breaker.record_success(breaker.acquire(2.0))
    _fail(breaker, "transport", 3.0, 4.0)
    assert breaker.state(4.0) == "closed"


def test_after_the_rest_one_probe_passes_and_the_others_wait_for_its_lease() -> None:
    breaker = _opened(2.0)
    assert breaker.state(31.9) == "open"
    assert breaker.state(32.0) == "half_open"
    assert breaker.acquire(32.0).allowed
    second = breaker.acquire(33.0)
    assert not second.allowed
    assert second.retry_after == LIMITS.lease_seconds - 1.0


def test_a_probe_that_succeeds_closes_it_and_forgets_everything() -> None:
    breaker = _opened()
    breaker.record_success(breaker.acquire(40.0))
    assert breaker.state(40.0) == "closed"
    _fail(breaker, "transport", 41.0, 42.0)
    assert breaker.state(42.0) == "closed"


def test_a_probe_that_fails_opens_it_for_another_thirty_seconds() -> None:
    breaker = _opened()
    breaker.record_failure(breaker.acquire(40.0), "slow", 45.0)
    assert breaker.state(74.9) == "open"
    assert breaker.acquire(75.0).allowed


def test_a_probe_that_says_nothing_gives_its_place_to_the_next() -> None:
    breaker = _opened()
    breaker.release(breaker.acquire(40.0))
    assert breaker.acquire(40.0).allowed


def test_a_probe_that_is_lost_blocks_only_until_its_lease_ends() -> None:
    breaker = _opened()
    lost = breaker.acquire(40.0)
    assert not breaker.acquire(40.0 + LIMITS.lease_seconds - 0.1).allowed
    assert breaker.acquire(40.0 + LIMITS.lease_seconds).allowed
    breaker.record_success(lost)
    assert breaker.state(131.0) == "half_open", "the lost probe has no say any more"


def test_calls_that_began_before_it_opened_change_nothing() -> None:
    breaker = CircuitBreaker()
    early = breaker.acquire(0.0)
    _fail(breaker, "transport", 0.0, 1.0, 2.0)
    breaker.record_success(early)
    assert breaker.state(3.0) == "open"
    breaker.record_failure(early, "transport", 20.0)
    assert breaker.state(32.0) == "half_open", "a late failure does not prolong the rest"


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["success", "transport", "slow", "release", "lost"]), st.floats(0.0, 100.0, allow_nan=False)
    ),
    max_size=80,
)


@given(_EVENTS)
def test_whatever_happens_it_never_refuses_longer_than_a_rest_or_a_lease(events: list[tuple[str, float]]) -> None:
    breaker, now = CircuitBreaker(), 0.0
    for outcome, pause in events:
        now += pause
        permit = breaker.acquire(now)
        if not permit.allowed:
            assert 0 < permit.retry_after <= max(LIMITS.open_seconds, LIMITS.lease_seconds)
            later = now + permit.retry_after + 1e-6
            assert breaker.retry_after(later) == 0.0, "what it says about waiting is true"
        elif outcome == "success":
            breaker.record_success(permit)
        elif outcome == "transport":
            breaker.record_failure(permit, "transport", now)
        elif outcome == "slow":
            breaker.record_failure(permit, "slow", now)
        elif outcome == "release":
            breaker.release(permit)
