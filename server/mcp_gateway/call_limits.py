"""How often a person may call a server: one bucket for each of both, of whatever way the call came."""

from __future__ import annotations

from collections.abc import Callable

from server.access.actor import Actor
from server.config import SettingsHolder
from server.limits.token_bucket import TokenBuckets
from server.mcp_gateway.failures import rate_limited


class CallLimits:
    """Rate and burst are those that the settings say now."""

    def __init__(self, settings: SettingsHolder, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._buckets = TokenBuckets()

    def count(self, actor: Actor, server: str) -> None:
        """Count a call. Raises CallFailed when it is over the limit."""
        rate, burst = self._limit()
        decision = self._buckets.take(_key(actor, server), rate=rate / 60, burst=burst, now=self._clock())
        if not decision.allowed:
            raise rate_limited(server, decision.retry_after, rate, burst)

    def check(self, actor: Actor, server: str) -> None:
        """Raise CallFailed if a call would be over the limit now; nothing is counted."""
        wait = self.wait(actor, server)
        if wait:
            raise rate_limited(server, wait, *self._limit())

    def wait(self, actor: Actor, server: str) -> float:
        """Seconds until a call is within the limit, 0 when it is now."""
        rate, burst = self._limit()
        return self._buckets.wait(_key(actor, server), rate=rate / 60, burst=burst, now=self._clock())

    def _limit(self) -> tuple[float, int]:
        settings = self._settings.current
        return settings.mcp_rate_per_minute, settings.mcp_rate_burst


def _key(actor: Actor, server: str) -> tuple[int | str, str]:
    return actor.user_id or actor.kind, server
