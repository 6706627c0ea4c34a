"""A batch with an Idempotency-Key: stored with its changes, and what it did is told again from the records."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from server.access.actor import Actor
from server.asgi.request_key import RequestKey
from server.errors import Conflict, GridBearError, NotFound
from server.records.batch import run_batch
from server.records.kept_keys import MODEL, Clock, Known, keep, known_in, known_now, utc_now
from server.records.planning import Result
from server.records.service import Records
from server.records.work import Work


class _DoneBefore(GridBearError):
    """Carries what is known of the key out of a unit of work that then does nothing."""

    def __init__(self, known: Known) -> None:
        super().__init__("This was done before.")
        self.known = known


async def run_batch_once(
    records: Records, actor: Actor, operations: Sequence[Any], key: RequestKey, now: Clock = utc_now
) -> tuple[list[Result], bool]:
    """`run_batch` with a key: the results, and whether they are those of an earlier batch.

    What is told again is read anew, by the rights of now: a record that is gone, or is not theirs to read any more, is
    `null`. Raises besides ValidationFailed (`idempotency_key_reused`) when the key came with another request, Conflict
    (`idempotency_told_once`) when the first answer told what is told only once.
    """
    known = known_now(records.shelf, actor, key, now())
    if known is None:
        try:
            return await run_batch(records, actor, operations, beside=(MODEL, _Key(key, now))), False
        except _DoneBefore as done:
            known = done.known
        except GridBearError:
            # A twin of this batch may have been stored meanwhile, and its records stand in the way of these.
            known = known_now(records.shelf, actor, key, now())
            if known is None:
                raise
    key.check(known.request_hash)
    return [await _again(records, actor, *one) for one in known.answer], True


class _Key:
    """What is done in the transaction of the changes, before them and after them."""

    def __init__(self, key: RequestKey, now: Clock) -> None:
        self._key = key
        self._now = now()

    def before(self, work: Work) -> None:
        known = known_in(work, self._key, self._now)
        if known is not None:
            raise _DoneBefore(known)

    def after(self, work: Work, models: Sequence[str], results: Sequence[Result]) -> None:
        answer = [
            (result.status, None if result.text == "null" else model, result.record_id, result.told_once)
            for model, result in zip(models, results, strict=True)
        ]
        keep(work, self._key, models[0], self._now, answer=answer)


async def _again(
    records: Records, actor: Actor, status: int, model: str | None, record_id: int, told_once: bool
) -> Result:
    if told_once:
        raise Conflict(
            f"This batch was done already, and what is told only once of {model} {record_id} was in its first answer.",
            code="idempotency_told_once",
        )
    text = "null"
    if model is not None and model in records.registry:
        if records.shelf.shown_to(actor, records.registry.get(model)) == ("id",):
            return Result(status, record_id, f'{{"id":{record_id}}}')
        with contextlib.suppress(NotFound):
            text = (await records.read_row(actor, model, record_id)).text
    return Result(status, record_id, text)
