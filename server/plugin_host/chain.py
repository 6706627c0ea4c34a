"""Which changes a plugin's own hooks made: a hook that calls itself through them is told apart from a busy one."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator
from contextvars import ContextVar

MOST_ROUNDS = 10
_MOST_KNOWN = 10_000


class Chain:
    """Counts, for each change, the hooks that led to it one by the other."""

    def __init__(self) -> None:
        self._round: ContextVar[int] = ContextVar("round", default=0)
        self._made: OrderedDict[tuple[str, int], int] = OrderedDict()

    @contextlib.contextmanager
    def hook(self, rounds: int) -> Iterator[None]:
        """Inside runs a hook for a change that took `rounds`."""
        token = self._round.set(rounds + 1)
        try:
            yield
        finally:
            self._round.reset(token)

    def made(self, model: str, record_id: int) -> None:
        """The plugin changed this record just now."""
        if rounds := self._round.get():
            self._made[model, record_id] = rounds
            if len(self._made) > _MOST_KNOWN:
                self._made.popitem(last=False)

    def rounds(self, model: str, record_id: int) -> int:
        """How many hooks led to the change of a record; 0 for one from outside."""
        return self._made.pop((model, record_id), 0)
