"""What happened to records, undoing it, and bringing deleted ones back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from server.access.actor import Actor
from server.access.demands import demand_scope
from server.access.policy import Permission
from server.db import trash
from server.db.store import Store
from server.db.transaction import Transaction
from server.errors import Conflict, Forbidden, NotFound
from server.models.base import Verb
from server.models.labels import in_sentence
from server.models.registry import ModelSpec
from server.records.circles import Circles, circle_around
from server.records.service import Records
from server.records.steady import steady_read, steady_write
from server.records.times import to_text
from server.records.undo import Undone, bring_back, changes_to, deleted_row, earlier, put_back, undo_entries
from server.records.values import INTEGER_MAX
from server.records.work import Work, absent

_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries as a list of dicts, newest first."""

    rows: list[dict[str, Any]]
    count: int | None = None
    more: bool = False


class History:
    """Reads the history as far as the caller may read the records themselves."""

    def __init__(self, records: Records, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._records = records
        self.shelf = records.shelf
        self._store: Store = records.shelf.store
        self._now = now

    @steady_read
    async def of_record(
        self, actor: Actor, model: str, record_id: int, *, limit: int = 50, until: int | None = None
    ) -> Entries:
        """What happened to one record, also to a deleted one. Raises NotFound when it is not the caller's to read."""
        spec, may = self._spec(actor, model, "read")
        present = True
        try:
            await self._records.read_row(actor, model, record_id)
        except NotFound:
            present = False
        # Whoever reads the record reads its whole history; of a deleted one its owner does.
        sql = trash.entries_sql(owned=not present and may.owned_by is not None)
        values = {
            "model": model,
            "record_id": record_id,
            "until": INTEGER_MAX if until is None else until,
            "actor_id": actor.user_id,
            "row_limit": limit + 1,
        }
        [rows] = await self._store.read([(sql, values)], asker=actor.user_id)
        if not present and (not rows or await self._exists(model, record_id)):
            raise absent(spec, record_id)
        return Entries([_entry(may, row) for row in rows[:limit]], more=len(rows) > limit)

    async def deleted(self, actor: Actor, model: str, *, limit: int = 50, offset: int = 0) -> Entries:
        """Deleted records that can be brought back, the latest first."""
        spec, may = self._spec(actor, model, "list")
        values = {"since": self._oldest_deletion(), "actor_id": actor.user_id}
        page, count = trash.deleted_sql(spec.table.name, owned=may.owned_by is not None)
        rows, [(total,)] = await self._store.read(
            [(page, {**values, "row_limit": limit, "row_offset": offset}), (count, values)], asker=actor.user_id
        )
        return Entries([_entry(may, row) for row in rows], count=int(total))

    @steady_write
    async def restore(self, actor: Actor, model: str, record_id: int, *, before: int | None = None) -> str:
        """Bring a deleted record back, or put one back as it was before the change `before` (an entry's id).

        Returns the row as JSON. Raises NotFound, Forbidden, Conflict (not deleted, or its place is taken).
        """
        # What can't be changed, such as a file, can still come back.
        changeable = "update" in self._records.registry.get(model).options.verbs
        spec, change = self._spec(actor, model, "update" if changeable else "create")
        policy = self._records.policy
        make, read = policy.permission(actor, spec, "create"), policy.permission(actor, spec, "read")
        shown = self.shelf.shown_to(actor, spec)
        since = self._oldest_deletion()

        def run(work: Work, _: list[Any]) -> str:
            prepared = work.prepared(model)
            exists = work.transaction.execute(prepared.stored_row, {"id": record_id}).fetchone() is not None
            if exists:
                if before is None or not changeable:
                    work.stored(prepared, record_id, change)
                    raise Conflict(
                        "This record is not deleted. To undo a change, name it: ?before=… with an id of its history.",
                        code="not_deleted",
                    )
                return put_back(
                    work, spec, change, record_id, earlier(work.transaction, spec, record_id, before), shown
                )
            row, changes = deleted_row(work, spec, (make, read), record_id, since, {}), {}
            if before is not None:
                values = earlier(work.transaction, spec, record_id, before)
                changes = changes_to(work, spec, change, values, row)
            order = circle_around(work, (model, record_id), changes, since)
            circles = Circles(set(order))
            text = ""
            for name, one_id in order:
                if (name, one_id) == (model, record_id):
                    text = bring_back(work, spec, (make, read), record_id, since, changes, shown, circles)
                else:
                    self._bring_with(work, name, one_id, since, circles)
            return circles.close(work).get((model, record_id), text)

        try:
            return await self._records.work(actor, run, (model,))
        except Conflict as conflict:
            if conflict.code == Conflict.code and conflict.fields:
                conflict.message = f"It can't come back as it was: {conflict.message}"
            raise

    @steady_write
    async def undo(self, actor: Actor, first: int, last: int) -> Undone:
        """Undo what the actor did in the entries `first` to `last`, all or nothing: one request, with all its effects.

        Raises NotFound when there is nothing of theirs, Conflict when a record has changed since, Forbidden.
        """
        demand_scope(actor)
        since = self._oldest_deletion()

        def run(work: Work, _: list[Any]) -> Undone:
            return undo_entries(work, self._records, first, last, since)

        return await self._records.work(actor, run, (trash.HISTORY,))

    def _bring_with(self, work: Work, model: str, record_id: int, since: str, circles: Circles) -> None:
        """Bring back what a record can't come back without. Raises Conflict when that is not the caller's to do."""
        spec = self._records.registry.get(model)
        policy = self._records.policy
        wanted = (policy.permission(work.actor, spec, "create"), policy.permission(work.actor, spec, "read"))
        try:
            bring_back(work, spec, wanted, record_id, since, {}, ("id",), circles)
        except (NotFound, Forbidden):
            raise Conflict(
                "This record and others refer to each other in a circle, so that they come back together or not at "
                "all, and not all of them are yours to bring back. Ask an admin to restore it.",
                code="reference_conflict",
            ) from None

    async def expire(self) -> int:
        """Forget what is too old, a part at a time. Returns how many entries went."""
        settings = self.shelf.settings.current
        now = self._now()
        own_terms = {
            spec.name: spec.options.history_days for spec in self._records.registry if spec.options.history_days
        }
        others = orjson.dumps(sorted(own_terms)).decode()
        gone = await self._forget("deletions", settings.trash_days, "[]", now, models=False)
        gone += await self._forget("others", settings.history_days, others, now, models=False)
        for name, days in own_terms.items():
            gone += await self._forget("others", days, orjson.dumps([name]).decode(), now, models=True)
        return gone

    async def _forget(self, verbs: str, days: float, models_json: str, now: datetime, *, models: bool) -> int:
        shelf = self._records.shelf
        cap = shelf.caps[trash.HISTORY]
        sql = cap.deleting(trash.expire_sql(verbs, models=models))
        values = {"before": to_text(now - timedelta(days=days)), "models": models_json, "n": _CHUNK}
        gone = 0
        while True:

            def unit(transaction: Transaction) -> int:
                gone = [int(row[0]) for row in transaction.execute(sql, values)]
                cap.grown(transaction, -sum(gone), shelf.cap_of(trash.HISTORY))
                return len(gone)

            part: int = await self._store.write(unit, (trash.HISTORY,))
            gone += part
            if part < _CHUNK:
                return gone

    def _spec(self, actor: Actor, model: str, verb: Verb) -> tuple[ModelSpec, Permission]:
        spec = self._records.registry.get(model)
        may = self._records.policy.allow(actor, spec, verb)
        if not spec.options.history:
            raise NotFound(f"No history is kept of {in_sentence(spec.options.label_plural)}.", code="no_history")
        return spec, may

    def _oldest_deletion(self) -> str:
        return to_text(self._now() - timedelta(days=self.shelf.settings.current.trash_days))

    async def _exists(self, model: str, record_id: int) -> bool:
        sql = self.shelf.models[model].stored_row
        [rows] = await self._store.read([(sql, {"id": record_id})])
        return bool(rows)


def _entry(may: Permission, row: tuple[Any, ...]) -> dict[str, Any]:
    entry_id, record_id, verb, actor_id, actor_name, at, before, after = row
    return {
        "id": entry_id,
        "record_id": record_id,
        "verb": verb,
        "actor_id": actor_id,
        "actor_name": actor_name,
        "at": at,
        "before": _seen(may, before),
        "after": _seen(may, after),
    }


def _seen(may: Permission, text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    values = orjson.loads(text)
    return {name: values[name] for name in may.shown if name in values}
