"""Counters of what goes through the gateway since the start, by server."""

from __future__ import annotations

from collections import Counter
from typing import Any

from server.latency import Latency
from server.models.tool_call import OUTCOMES

NO_SERVER = ""
"""Stands for calls of tools that no server has: their names are anybody's invention."""


class Meter:
    """Of one server."""

    __slots__ = ("in_flight", "latency", "outcomes")

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.latency = Latency()
        self.in_flight = 0

    def told(self) -> dict[str, Any]:
        """`calls`, by outcome, in flight, and p50 and p95 in milliseconds."""
        return {
            "calls": self.latency.count,
            "outcomes": {outcome: self.outcomes[outcome] for outcome in OUTCOMES},
            "in_flight": self.in_flight,
            "p50_ms": _milliseconds(self.latency.quantile(0.5)),
            "p95_ms": _milliseconds(self.latency.quantile(0.95)),
        }


class Meters:
    """Of all servers, by name."""

    def __init__(self) -> None:
        self.by_server: dict[str, Meter] = {}

    def of(self, server: str | None) -> Meter:
        """The meter of a server."""
        found = self.by_server.get(server or NO_SERVER)
        if found is None:
            found = self.by_server[server or NO_SERVER] = Meter()
        return found


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
