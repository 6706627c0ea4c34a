"""Idempotency keys as they lie in the file: stored in the transaction of what they were sent with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from server.access.actor import Actor
from server.asgi.request_key import RequestKey
from server.models import idempotency_key as sql
from server.records.shelf import Shelf
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

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of this moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a key."""

    request_hash: str
    record_id: int
    told_once: bool
    created_at: str
    answer: Any = None
    """For what is more than one record."""


def known_now(shelf: Shelf, actor: Actor, key: RequestKey, now: datetime) -> Known | None:
    """What is known of a key, unless its time is over."""
    rows = shelf.store.read_now(sql.FIND_SQL, _parameters(actor, key))
    return _fresh(rows[0] if rows else None, now)


def known_in(work: Work, key: RequestKey, now: datetime) -> Known | None:
    """The same inside of a unit of work."""
    return _fresh(work.transaction.execute(sql.FIND_SQL, _parameters(work.actor, key)).fetchone(), now)


def keep(
    work: Work,
    key: RequestKey,
    model: str,
    now: datetime,
    *,
    record_id: int = 0,
    told_once: bool = False,
    answer: Any = None,
) -> None:
    """Store a key, in the place of what is known of it."""
    transaction, owner, moment = work.transaction, work.actor.user_id, to_text(now)
    transaction.touched.add(MODEL)
    # One that is past its time may still lie there.
    transaction.execute(sql.FORGET_SQL, _parameters(work.actor, key))
    row = {
        "owner_id": owner,
        "key_hash": key.key_hash,
        "request_hash": key.request_hash,
        "model": model,
        "record_id": record_id,
        "told_once": told_once,
        "answer": None if answer is None else orjson.dumps(answer).decode(),
        "created_at": moment,
        "updated_at": moment,
    }
    new_id = transaction.execute(work.prepared(MODEL).insert, row).lastrowid or 0
    transaction.execute(sql.KEEP_LATEST_OF_OWNER_SQL, {"owner_id": owner, "most": MOST_OF_A_PERSON})
    if new_id % _LOOKED_AT_EVERY == 0:
        transaction.execute(sql.KEEP_LATEST_SQL, {"most": MOST})


async def expire_keys(shelf: Shelf, now: Clock = utc_now) -> int:
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
    """Delete the keys of a model that is dropped: the ids of a later one of the same name begin anew.

    A batch that changed other models as well is not done again for that; its records of this one are gone.
    """
    transaction = work.transaction
    transaction.touched.add(MODEL)
    transaction.execute(sql.FORGET_MODEL_SQL, {"model": model})
    for key_id, answer in transaction.execute(sql.BATCHES_WITH_SQL, {"model": model}).fetchall():
        operations = orjson.loads(answer)
        if all(operation[1] == model for operation in operations):
            transaction.execute(sql.FORGET_ID_SQL, {"id": key_id})
            continue
        left = [(status, None if of == model else of, *more) for status, of, *more in operations]
        transaction.execute(sql.SET_ANSWER_SQL, {"id": key_id, "answer": orjson.dumps(left).decode()})


def _parameters(actor: Actor, key: RequestKey) -> dict[str, Any]:
    return {"owner_id": actor.user_id, "key_hash": key.key_hash}


def _fresh(row: tuple[Any, ...] | None, now: datetime) -> Known | None:
    if row is None or str(row[3]) < to_text(now - timedelta(hours=KEPT_HOURS)):
        return None
    answer = None if row[4] is None else orjson.loads(row[4])
    return Known(str(row[0]), int(row[1]), bool(row[2]), str(row[3]), answer)
