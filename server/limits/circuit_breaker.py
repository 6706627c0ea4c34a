"""A circuit breaker: after too many failures it refuses for a while, then lets one leased probe through."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]
FailureKind = Literal["transport", "slow"]


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When the circuit opens and for how long; all times in seconds.

    `transport`: the connection broke or never came about. `slow`: a timeout or a 5xx answer.
    """

    transport_failures: int = 3
    transport_window: float = 120.0
    slow_failures: int = 10
    slow_window: float = 300.0
    open_seconds: float = 30.0
    lease_seconds: float = 90.0
    """A probe that reports nothing for this long loses its lease, so that a lost probe can't block for ever."""


@dataclass(frozen=True, slots=True)
class Permit:
    """The answer to one `acquire`. An allowed one is handed back through success, failure or release."""

    allowed: bool
    retry_after: float = 0.0
    probe: int | None = None
    age: int = 0
    """How often the circuit had been forgotten when this was given: what began before says nothing about it since."""


class CircuitBreaker:
    """One circuit. It reads no clock: every call takes `now`, a monotonic time in seconds.

    Results that say nothing about the connection (a cancelled call, 401, 403) are handed back with `release`;
    an answer that the tool itself calls an error is a success of the connection.
    """

    def __init__(self, limits: BreakerLimits | None = None) -> None:
        self._limits = limits or BreakerLimits()
        self._failures: dict[FailureKind, deque[float]] = {"transport": deque(), "slow": deque()}
        self._opened_at: float | None = None
        self._probe: tuple[int, float] | None = None
        self._probes = self._age = 0
        self._allowed = Permit(True)

    def state(self, now: float) -> BreakerState:
        """`open` refuses everything, `half_open` lets one probe through, `closed` lets everything through."""
        if self._opened_at is None:
            return "closed"
        return "open" if now - self._opened_at < self._limits.open_seconds else "half_open"

    def retry_after(self, now: float) -> float:
        """Seconds until a call may pass, 0 when one may pass now."""
        if self._opened_at is None:
            return 0.0
        if self.state(now) == "open":
            return self._opened_at + self._limits.open_seconds - now
        return max(0.0, self._probe[1] - now) if self._probe else 0.0

    def acquire(self, now: float) -> Permit:
        """Ask to make one call."""
        if self._opened_at is None:
            return self._allowed
        wait = self.retry_after(now)
        if wait > 0:
            return Permit(False, retry_after=wait)
        self._probes += 1
        self._probe = (self._probes, now + self._limits.lease_seconds)
        return Permit(True, probe=self._probes, age=self._age)

    def forget(self) -> None:
        """Begin anew: whoever mended the connection wants to know how it is now. Calls under way have no say in it."""
        self._close()
        self._age += 1
        self._allowed = Permit(True, age=self._age)

    def record_success(self, permit: Permit) -> None:
        """The connection answered. A probe that still holds its lease closes the circuit."""
        if permit.age != self._age:
            return
        if self._opened_at is None:
            self._failures["transport"].clear()
        elif self._holds_lease(permit):
            self._close()

    def record_failure(self, permit: Permit, kind: FailureKind, now: float) -> None:
        """The connection failed. Enough of these within their window open the circuit; a failed probe reopens it."""
        if permit.age != self._age:
            return
        if self._opened_at is not None:
            if self._holds_lease(permit):
                self._opened_at, self._probe = now, None
            return
        limits = self._limits
        allowed, window = (
            (limits.transport_failures, limits.transport_window)
            if kind == "transport"
            else (limits.slow_failures, limits.slow_window)
        )
        times = self._failures[kind]
        times.append(now)
        while times and now - times[0] > window:
            times.popleft()
        if len(times) >= allowed:
            self._opened_at, self._probe = now, None

    def release(self, permit: Permit) -> None:
        """The call said nothing about the connection; a probe gives its place to the next caller."""
        if self._holds_lease(permit):
            self._probe = None

    def _holds_lease(self, permit: Permit) -> bool:
        return permit.probe is not None and self._probe is not None and self._probe[0] == permit.probe

    def _close(self) -> None:
        self._opened_at = self._probe = None
        for times in self._failures.values():
            times.clear()
