"""How many requests there were, what became of them, and how long they waited for their answer to begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from starlette.types import Scope

from server.latency import Latency

_SURFACES = (("/api/v1/", "rest"), ("/mcp", "mcp"), ("/ui/", "ui"), ("/auth/", "auth"), ("/api/", "plugins"))

Heard = Callable[[str, Scope, int, float], None]
"""Is told of each answer when it has begun: surface, scope, status, seconds."""


class Traffic:
    """Counts since the start. A surface is a part of the addresses: `rest`, `mcp`, `ui`, `auth`, `plugins`, `other`."""

    __slots__ = ("_heard", "answers", "latency")

    def __init__(self, heard: Heard | None = None) -> None:
        self._heard = heard
        self.answers: Counter[tuple[str, str, int]] = Counter()
        """By surface, method and status."""
        self.latency: dict[str, Latency] = {}

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """An answer has begun, `seconds` after its request."""
        path, method = scope["path"], scope["method"]
        surface = _surface(path)
        # What anybody sends for a method would else make a counter of its own.
        self.answers[surface, method if method in _METHODS else "other", status] += 1
        latency = self.latency.get(surface)
        if latency is None:
            latency = self.latency[surface] = Latency()
        latency.add(seconds)
        if self._heard is not None:
            self._heard(surface, scope, status, seconds)


def _surface(path: str) -> str:
    for start, name in _SURFACES:
        if path.startswith(start):
            return name
    return "other"


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
