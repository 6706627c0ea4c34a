"""Creates that can't double: a key from the caller, stored in the transaction of the record that it was sent with.

What is kept is which record was made, not its text: an answer that is told again is read anew, by the rights of then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from server.access.actor import Actor
from server.asgi.request_key import RequestKey
from server.errors import Conflict, GridBearError, NotFound
from server.models.labels import in_sentence
from server.models.registry import ModelSpec
from server.records.kept_keys import MODEL, Clock, Known, keep, known_in, known_now, utc_now
from server.records.planning import plan_create
from server.records.service import Records
from server.records.steady import steady_write
from server.records.told_secrets import ToldSecrets
from server.records.work import Work


@dataclass(frozen=True, slots=True)
class Created:
    """A record that was made, now or earlier with the same key."""

    record_id: int
    text: str
    """The row as JSON, with what is told only once if it was made now."""
    replayed: bool
    told_once: bool = False
    """The text tells what no later answer will, but to the same request again."""


class KeyedCreates:
    """Creates with a key. `now` is asked when a key comes and when old ones go."""

    def __init__(self, records: Records, now: Clock = utc_now) -> None:
        self._records = records
        self._now = now
        self._told = ToldSecrets()
        self.shelf = records.shelf

    async def create_row(self, actor: Actor, model: str, values: Mapping[str, Any], key: RequestKey) -> Created:
        """Store a new row, or tell of the one that was made with `key`.

        Raises as a create does; ValidationFailed (`idempotency_key_reused`) when the key came with another request,
        Conflict when the record can't be told (`idempotency_record_gone`, `idempotency_told_once`).
        """
        spec = self.shelf.registry.get(model)
        self.shelf.policy.allow(actor, spec, "create")
        known = known_now(self.shelf, actor, key, self._now())
        if known is None:
            try:
                made = await self._create(actor, model, values, key)
            except GridBearError:
                # A twin of this request may have been stored meanwhile, and its record stand in the way of this one.
                known = known_now(self.shelf, actor, key, self._now())
                if known is None:
                    raise
            else:
                if isinstance(made, Created):
                    return made
                known = made
        return await self._again(actor, spec, known, key)

    @steady_write
    async def _create(self, actor: Actor, model: str, values: Mapping[str, Any], key: RequestKey) -> Created | Known:
        planned = await plan_create(self.shelf, actor, model, values)
        now = self._now()

        def run(work: Work, results: list[Any]) -> Created | Known:
            known = known_in(work, key, now)
            if known is not None:
                return known
            result = planned.run(work, results)
            keep(work, key, model, now, record_id=result.record_id, told_once=result.told_once)
            return Created(result.record_id, result.text, replayed=False, told_once=result.told_once)

        always = self._records.passes_guard(actor, planned)
        made = await self._records.work(actor, run, (model, MODEL), always=always)
        if isinstance(made, Created) and made.told_once:
            self._told.keep(actor, key, made.text, self._now())
        return made

    async def _again(self, actor: Actor, spec: ModelSpec, known: Known, key: RequestKey) -> Created:
        key.check(known.request_hash)
        label, record_id = in_sentence(spec.options.label), known.record_id
        unreadable = self.shelf.shown_to(actor, spec) == ("id",)
        told = self._told.of(actor, key, self._now()) if known.told_once else None
        if known.told_once and (told is None or unreadable):
            raise _told_already(label, record_id)
        if unreadable:
            # Whoever makes records that they can't read is told the id, whatever became of the record.
            return Created(record_id, f'{{"id":{record_id}}}', replayed=True)
        try:
            row = await self._records.read_row(actor, spec.name, record_id)
        except NotFound:
            raise record_gone(label) from None
        if told is None:
            return Created(record_id, row.text, replayed=True)
        first = orjson.loads(told)
        if {**first, **orjson.loads(row.text)} != first:
            # It was changed since, and perhaps its secret with it.
            raise _told_already(label, record_id)
        return Created(record_id, told, replayed=True)


def _told_already(label: str, record_id: int) -> Conflict:
    return Conflict(
        f"The {label} {record_id} was made already, and what is told only once was in its first answer. "
        "Delete it and make another one with a new key.",
        code="idempotency_told_once",
    )


def record_gone(label: str) -> Conflict:
    """The record that was made with a key can't be told any more; why is not said."""
    return Conflict(
        f"The {label} that was made with this Idempotency-Key was deleted, or is not yours to read any more. "
        "Take a new key for a new record.",
        code="idempotency_record_gone",
    )
