"""Secrets that work once and not for long, kept in memory alone."""

from __future__ import annotations

from collections.abc import Callable

from server.auth.tokens import new_token, token_hash

MAX_ONE_TIME = 16


class OneTimeTokens:
    """Secrets that work once and not for long."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ends: dict[str, float] = {}

    def make(self) -> str:
        """A fresh one. The oldest stop working when there are too many."""
        token = new_token()
        self._ends[token_hash(token)] = self._clock() + self._seconds
        while len(self._ends) > MAX_ONE_TIME:
            del self._ends[next(iter(self._ends))]
        return token

    def is_good(self, token: str) -> bool:
        """Whether `token` would work now."""
        return self._ends.get(token_hash(token), 0.0) > self._clock()

    def use(self, token: str) -> bool:
        """Whether `token` works; it never does again."""
        return self._ends.pop(token_hash(token), 0.0) > self._clock()

    def clear(self) -> None:
        self._ends.clear()
