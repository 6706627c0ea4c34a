"""Token buckets: what passes, when the next passes, and that keys never mix."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.limits.token_bucket import TokenBuckets


def test_a_burst_passes_and_then_one_per_interval() -> None:
    buckets = TokenBuckets()
    assert [buckets.take("a", rate=2.0, burst=3, now=0.0).remaining for _ in range(3)] == [2, 1, 0]
    refused = buckets.take("a", rate=2.0, burst=3, now=0.0)
    assert not refused.allowed
    assert refused.retry_after == 0.5
    assert buckets.take("a", rate=2.0, burst=3, now=0.5).allowed
    assert not buckets.take("a", rate=2.0, burst=3, now=0.5).allowed


def test_a_refused_request_takes_nothing() -> None:
    buckets = TokenBuckets()
    buckets.take("a", rate=1.0, burst=1, now=0.0)
    for step in range(9):
        assert not buckets.take("a", rate=1.0, burst=1, now=step / 10).allowed
    assert buckets.take("a", rate=1.0, burst=1, now=1.0).allowed


def test_one_key_does_not_pay_for_another() -> None:
    buckets = TokenBuckets()
    assert buckets.take("a", rate=1.0, burst=1, now=0.0).allowed
    assert not buckets.take("a", rate=1.0, burst=1, now=0.0).allowed
    assert buckets.take("b", rate=1.0, burst=1, now=0.0).allowed


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    buckets = TokenBuckets()
    buckets.take("a", rate=1.0, burst=1, now=100.0)
    assert not buckets.take("a", rate=1.0, burst=1, now=50.0).allowed
    assert not buckets.take("a", rate=1.0, burst=1, now=100.5).allowed
    assert buckets.take("a", rate=1.0, burst=1, now=101.0).allowed


def test_the_least_recently_used_keys_are_forgotten_first() -> None:
    buckets = TokenBuckets(max_keys=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, rate=0.001, burst=1, now=0.0)
    assert not buckets.take("a", rate=0.001, burst=1, now=0.0).allowed, "used lately: kept"
    assert buckets.take("b", rate=0.001, burst=1, now=0.0).allowed, "forgotten, so full again"


@given(
    st.lists(st.floats(0.0, 5.0, allow_nan=False), max_size=100),
    st.floats(0.1, 50.0, allow_nan=False),
    st.integers(1, 50),
)
def test_over_any_time_no_more_passes_than_burst_and_rate_allow(pauses: list[float], rate: float, burst: int) -> None:
    buckets, now, passed = TokenBuckets(), 0.0, 0
    for pause in pauses:
        now += pause
        decision = buckets.take("a", rate=rate, burst=burst, now=now)
        passed += decision.allowed
        assert passed <= burst + now * rate + 1e-6
        assert 0 <= decision.remaining <= burst
        assert decision.allowed == (decision.retry_after == 0.0)


@given(st.floats(0.1, 50.0, allow_nan=False), st.integers(1, 20))
def test_who_waits_as_long_as_told_passes(rate: float, burst: int) -> None:
    buckets = TokenBuckets()
    decision = buckets.take("a", rate=rate, burst=burst, now=0.0)
    while decision.allowed:
        decision = buckets.take("a", rate=rate, burst=burst, now=0.0)
    assert buckets.take("a", rate=rate, burst=burst, now=decision.retry_after * (1 + 1e-9)).allowed


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=30), st.integers(1, 4))
def test_asking_how_long_to_wait_takes_nothing_and_says_what_the_next_take_will_do(
    steps: list[tuple[bool, float]], burst: int
) -> None:
    buckets, now = TokenBuckets(), 0.0
    for takes, pause in steps:
        now += pause
        waits = [buckets.wait("a", rate=1.0, burst=burst, now=now) for _ in range(2)]
        assert waits[0] == waits[1]
        if takes:
            decision = buckets.take("a", rate=1.0, burst=burst, now=now)
            assert decision.allowed == (waits[0] == 0.0) and decision.retry_after == waits[0]
