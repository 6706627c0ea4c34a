"""The Idempotency-Key of an import: stored with its first rows, its report with the last, so that none comes twice."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from server.access.actor import Actor
from server.asgi.request_key import RequestKey, interrupted, key_digest
from server.records.kept_keys import MODEL as KEYS
from server.records.kept_keys import keep, known_in, known_now, utc_now
from server.records.shelf import Shelf
from server.records.work import Work

__all__ = ["KEYS", "ImportKeys", "KeptImport", "SentImport"]


@dataclass(frozen=True, slots=True)
class KeptImport:
    """How one import stores its key. In the writer thread; a unit may run twice."""

    key: RequestKey
    model: str
    now: datetime

    def begin(self, work: Work) -> None:
        """With rows that others follow: without `end` it was broken off."""
        self._keep(work, None)

    def end(self, work: Work, report: dict[str, Any]) -> None:
        """With the last rows."""
        self._keep(work, report)

    def _keep(self, work: Work, report: dict[str, Any] | None) -> None:
        known = known_in(work, self.key, self.now)
        if known is not None:
            # A create may have taken it meanwhile.
            self.key.check(known.request_hash)
        first = 0 if report is None else report["first_id"] or 0
        keep(work, self.key, self.model, self.now, record_id=first, answer=report)


class SentImport:
    """An import on its way in, whose key is whole once its file is."""

    def __init__(self, key: bytes, target: str) -> None:
        """`target` has all that decides what becomes of the file. Raises BadRequest for what can't be a key."""
        self._key = key
        self._digest: hmac.HMAC = key_digest(key, target)
        self.key_hash = RequestKey.made(key, self._digest).key_hash

    async def fed(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The file, on its way past."""
        async for chunk in chunks:
            self._digest.update(chunk)
            yield chunk

    @property
    def key(self) -> RequestKey:
        """Of the file as far as it came."""
        return RequestKey.made(self._key, self._digest)


@dataclass(slots=True, eq=False)
class Flight:
    """An import with a key that is under way."""

    request_hash: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    report: dict[str, Any] | None = None
    error: Exception | None = None


class ImportKeys:
    """Which keyed imports are under way, and what became of those before."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._flights: dict[tuple[int | None, str], Flight] = {}

    def is_known(self, actor: Actor, sent: SentImport) -> bool:
        """Whether the key came before, with whatever."""
        flying = (actor.user_id, sent.key_hash) in self._flights
        return flying or known_now(self._shelf, actor, sent.key, utc_now()) is not None

    async def answer(self, actor: Actor, key: RequestKey) -> dict[str, Any] | None:
        """The report of the import that the key came with, once it has ended. None when nothing came of it.

        Raises what the import raised that was waited for; ValidationFailed when the key came with another request,
        Conflict when the import was broken off.
        """
        flight = self._flights.get((actor.user_id, key.key_hash))
        if flight is not None:
            key.check(flight.request_hash)
            await flight.ended.wait()
            if flight.error is not None:
                raise flight.error
            return flight.report
        known = known_now(self._shelf, actor, key, utc_now())
        if known is None:
            return None
        key.check(known.request_hash)
        if known.answer is None:
            raise interrupted("The import with this Idempotency-Key was broken off when some of its rows were stored.")
        report: dict[str, Any] = known.answer
        return report

    def take_off(self, actor: Actor, key: RequestKey) -> Flight:
        """An import begins."""
        flight = self._flights[actor.user_id, key.key_hash] = Flight(key.request_hash)
        return flight

    def land(self, actor: Actor, key: RequestKey) -> None:
        """It has ended."""
        self._flights.pop((actor.user_id, key.key_hash)).ended.set()
