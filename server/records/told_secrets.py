"""What the answer to a create told once, for the moment in which its caller may have lost that answer on the way."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.access.actor import Actor
from server.asgi.request_key import RequestKey

KEPT = timedelta(minutes=2)
"""A browser sends again at once, a script within its own patience."""
MOST = 100

_Slot = tuple[Actor, str]


@dataclass(frozen=True, slots=True)
class _Told:
    text: str
    at: datetime


class ToldSecrets:
    """In memory alone, and for nobody but the same credential with the same key: nothing of it outlives the process."""

    def __init__(self) -> None:
        self._told: OrderedDict[_Slot, _Told] = OrderedDict()

    def keep(self, actor: Actor, key: RequestKey, text: str, now: datetime) -> None:
        """`text` was told to `actor` just now. The oldest go where there are too many."""
        self._forget_old(now)
        self._told[actor, key.key_hash] = _Told(text, now)
        while len(self._told) > MOST:
            self._told.popitem(last=False)

    def of(self, actor: Actor, key: RequestKey, now: datetime) -> str | None:
        """What was told to `actor`, None where it is forgotten or was never known."""
        self._forget_old(now)
        told = self._told.get((actor, key.key_hash))
        return None if told is None else told.text

    def _forget_old(self, now: datetime) -> None:
        # Also one from after `now`: the clock was put back.
        for slot in [slot for slot, told in self._told.items() if not timedelta(0) <= now - told.at < KEPT]:
            del self._told[slot]
