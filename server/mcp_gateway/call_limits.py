"""How often a person may call a server: one bucket for each of both, of whatever way the call came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server.access.actor import Actor
from server.config import SettingsHolder
from server.limits.token_bucket import TokenBuckets
from server.mcp_gateway.builtin_tools.definitions import OWN_SERVER
from server.mcp_gateway.failures import rate_limited
from server.mcp_gateway.upstreams.config import ServerConfig

_OWN_TIMES = 10
"""So many times the limit of a server is that of our own tools and lists: clients ask each second for each task."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Calls of one person. `own`: the server's record says so, and not the settings."""

    per_minute: float
    burst: int
    own: bool = False


class CallLimits:
    """Rate and burst are those that the settings, or a server's own record, say now."""

    def __init__(self, settings: SettingsHolder, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._common = Limit(0, 0)
        self._buckets: dict[str, TokenBuckets] = {}
        """By server."""
        self._own = TokenBuckets()

    def of(self, config: ServerConfig | None) -> Limit:
        """The limit of a server; None: one of this program, which have the common one."""
        settings, common = self._settings.current, self._common
        if (common.per_minute, common.burst) != (settings.mcp_rate_per_minute, settings.mcp_rate_burst):
            common = self._common = Limit(settings.mcp_rate_per_minute, settings.mcp_rate_burst)
        if config is None or config.rate_per_minute is config.rate_burst is None:
            return common
        per_minute = common.per_minute if config.rate_per_minute is None else config.rate_per_minute
        # A server that takes 10 in a minute does not take 100 at once.
        burst = min(common.burst, max(1, int(per_minute))) if config.rate_burst is None else config.rate_burst
        if config.owner is not None:
            per_minute, burst = min(per_minute, common.per_minute), min(burst, common.burst)
        return Limit(per_minute, burst, own=True)

    def count(self, actor: Actor, server: str, config: ServerConfig | None = None, *, typing: bool = False) -> None:
        """Count a call, or a question while its person is `typing`, which have the same limit, each its own.

        Raises CallFailed when it is over.
        """
        limit = self.of(config)
        buckets = self._buckets.get(server)
        if buckets is None:
            buckets = self._buckets[server] = TokenBuckets()
        key = f"typing {_key(actor)}" if typing else _key(actor)
        decision = buckets.take(key, rate=limit.per_minute / 60, burst=limit.burst, now=self._clock())
        if not decision.allowed:
            raise rate_limited(server, decision.retry_after, limit.per_minute, limit.burst, own=limit.own)

    def wait_own(self, actor: Actor) -> float:
        """Seconds until a use of the gateway's own tools is within the limit, 0 when it is now."""
        limit = self._of_own()
        return self._own.wait(_key(actor), rate=limit.per_minute / 60, burst=limit.burst, now=self._clock())

    def count_own(self, actor: Actor) -> None:
        """Count a use of the gateway's own tools, a list of what there is, or a look at a task. Raises CallFailed."""
        limit = self._of_own()
        decision = self._own.take(_key(actor), rate=limit.per_minute / 60, burst=limit.burst, now=self._clock())
        if not decision.allowed:
            raise rate_limited(OWN_SERVER, decision.retry_after, limit.per_minute, limit.burst)

    def _of_own(self) -> Limit:
        common = self.of(None)
        return Limit(common.per_minute * _OWN_TIMES, common.burst * _OWN_TIMES)

    def check(self, actor: Actor, server: str, config: ServerConfig | None = None) -> None:
        """Raise CallFailed if a call would be over the limit now; nothing is counted."""
        wait = self.wait(actor, server, config)
        if wait:
            limit = self.of(config)
            raise rate_limited(server, wait, limit.per_minute, limit.burst, own=limit.own)

    def wait(self, actor: Actor, server: str, config: ServerConfig | None = None) -> float:
        """Seconds until a call is within the limit, 0 when it is now."""
        buckets = self._buckets.get(server)
        if buckets is None:
            return 0.0
        limit = self.of(config)
        return buckets.wait(_key(actor), rate=limit.per_minute / 60, burst=limit.burst, now=self._clock())

    def forget(self, server: str) -> None:
        """Everybody begins anew at a server."""
        self._buckets.pop(server, None)


def _key(actor: Actor) -> int | str:
    return actor.user_id or actor.kind
