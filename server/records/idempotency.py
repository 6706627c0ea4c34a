"""Creates that can't double: a key from the caller, stored in the transaction of the record that it was sent with.

What is kept is which record was made, not its text: an answer that is told again is read anew, by the rights of then.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from server.access.actor import Actor
from server.errors import BadRequest, Conflict, GridBearError, NotFound, ValidationFailed
from server.models import idempotency_key as sql
from server.models.registry import ModelSpec
from server.records.planning import plan_create
from server.records.service import Records
from server.records.shelf import Shelf
from server.records.steady import steady_write
from server.records.times import to_text
from server.records.work import Work

MODEL = sql.IdempotencyKey.__tablename__
KEPT_HOURS = 24
MOST_OF_A_PERSON = 1_000
MOST = 100_000
_LOOKED_AT_EVERY = 256
"""So many keys come in between two looks at how many there are in all."""
_PART = 500
"""So many are forgotten in one transaction, so that other writers come in between."""
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class CreateKey:
    """A key with the request that it came with, as far as either is stored: a hash of the key, and one of the request
    that says nothing to whoever does not have the key."""

    key_hash: str
    request_hash: str

    @classmethod
    def of(cls, key: bytes, model: str, body: bytes) -> CreateKey:
        """Raises BadRequest for what can't be a key."""
        if not _KEY.fullmatch(key):
            raise BadRequest(
                "Idempotency-Key wants 1 to 255 visible ASCII characters, such as a random UUID.",
                code="idempotency_key_invalid",
            )
        request = model.encode() + b"\0" + body
        return cls(hashlib.sha256(key).hexdigest(), hmac.new(key, request, hashlib.sha256).hexdigest())


@dataclass(frozen=True, slots=True)
class Created:
    """A record that was made, now or earlier with the same key."""

    record_id: int
    text: str
    """The row as JSON, with what is told only once if it was made now."""
    replayed: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored of a key."""

    request_hash: str
    record_id: int
    told_once: bool
    created_at: str


class KeyedCreates:
    """Creates with a key. `now` is asked when a key comes and when old ones go."""

    def __init__(self, records: Records, now: Clock = lambda: datetime.now(UTC)) -> None:
        self._records = records
        self._now = now
        self.shelf = records.shelf

    async def create_row(self, actor: Actor, model: str, values: Mapping[str, Any], key: CreateKey) -> Created:
        """Store a new row, or tell of the one that was made with `key`.

        Raises as a create does; ValidationFailed (`idempotency_key_reused`) when the key came with another request,
        Conflict when the record can't be told (`idempotency_record_gone`, `idempotency_told_once`).
        """
        spec = self.shelf.registry.get(model)
        self.shelf.policy.allow(actor, spec, "create")
        known = self._known(actor, key)
        if known is None:
            try:
                made = await self._create(actor, model, values, key)
            except GridBearError:
                # A twin of this request may have been stored meanwhile, and its record stand in the way of this one.
                known = self._known(actor, key)
                if known is None:
                    raise
            else:
                if isinstance(made, Created):
                    return made
                known = made
        return await self._again(actor, spec, known, key)

    @steady_write
    async def _create(self, actor: Actor, model: str, values: Mapping[str, Any], key: CreateKey) -> Created | _Known:
        planned = await plan_create(self.shelf, actor, model, values)
        now = self._now()

        def run(work: Work, results: list[Any]) -> Created | _Known:
            known = _fresh(work.transaction.execute(sql.FIND_SQL, _parameters(actor, key)).fetchone(), now)
            if known is not None:
                return known
            result = planned.run(work, results)
            _keep(work, key, _Known(key.request_hash, result.record_id, result.told_once, to_text(now)), model)
            return Created(result.record_id, result.text, replayed=False)

        always = self._records.passes_guard(actor, planned)
        return await self._records.work(actor, run, (model, MODEL), always=always)

    def _known(self, actor: Actor, key: CreateKey) -> _Known | None:
        rows = self.shelf.store.read_now(sql.FIND_SQL, _parameters(actor, key))
        return _fresh(rows[0] if rows else None, self._now())

    async def _again(self, actor: Actor, spec: ModelSpec, known: _Known, key: CreateKey) -> Created:
        if not hmac.compare_digest(known.request_hash, key.request_hash):
            raise ValidationFailed(
                "This Idempotency-Key was sent before with other content. Take a new key for a new record.",
                code="idempotency_key_reused",
            )
        label, record_id = spec.options.label.lower(), known.record_id
        if known.told_once:
            raise Conflict(
                f"The {label} {record_id} was made already, and what is told only once was in its first answer. "
                "Delete it and make another one with a new key.",
                code="idempotency_told_once",
            )
        if self.shelf.shown_to(actor, spec) == ("id",):
            # Whoever makes records that they can't read is told the id, whatever became of the record.
            return Created(record_id, f'{{"id":{record_id}}}', replayed=True)
        try:
            row = await self._records.read_row(actor, spec.name, record_id)
        except NotFound:
            raise Conflict(
                f"The {label} that was made with this Idempotency-Key was deleted, or is not yours to read any more. "
                "Take a new key for a new record.",
                code="idempotency_record_gone",
            ) from None
        return Created(record_id, row.text, replayed=True)


async def expire_keys(shelf: Shelf, now: Clock = lambda: datetime.now(UTC)) -> int:
    """Forget the keys that are past their time, a part at a time. Returns how many went."""
    before = to_text(now() - timedelta(hours=KEPT_HOURS))
    gone, part = 0, _PART
    while part == _PART:
        part = await shelf.store.write(
            lambda transaction: transaction.execute(sql.EXPIRE_SQL, {"before": before, "n": _PART}).rowcount, (MODEL,)
        )
        gone += part
    return gone


def forget_keys(work: Work, model: str) -> None:
    """Delete the keys of a model that is dropped: the ids of a later one of the same name begin anew."""
    work.transaction.touched.add(MODEL)
    work.transaction.execute(sql.FORGET_MODEL_SQL, {"model": model})


def _keep(work: Work, key: CreateKey, known: _Known, model: str) -> None:
    transaction, owner = work.transaction, work.actor.user_id
    transaction.touched.add(MODEL)
    # One that is past its time may still lie there.
    transaction.execute(sql.FORGET_SQL, _parameters(work.actor, key))
    row = {
        "owner_id": owner,
        "key_hash": key.key_hash,
        "request_hash": known.request_hash,
        "model": model,
        "record_id": known.record_id,
        "told_once": known.told_once,
        "created_at": known.created_at,
        "updated_at": known.created_at,
    }
    new_id = transaction.execute(work.prepared(MODEL).insert, row).lastrowid or 0
    transaction.execute(sql.KEEP_LATEST_OF_OWNER_SQL, {"owner_id": owner, "most": MOST_OF_A_PERSON})
    if new_id % _LOOKED_AT_EVERY == 0:
        transaction.execute(sql.KEEP_LATEST_SQL, {"most": MOST})


def _parameters(actor: Actor, key: CreateKey) -> dict[str, Any]:
    return {"owner_id": actor.user_id, "key_hash": key.key_hash}


def _fresh(row: tuple[Any, ...] | None, now: datetime) -> _Known | None:
    """What is stored of a key, unless its time is over."""
    if row is None:
        return None
    known = _Known(str(row[0]), int(row[1]), bool(row[2]), str(row[3]))
    return known if known.created_at >= to_text(now - timedelta(hours=KEPT_HOURS)) else None
