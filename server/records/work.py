"""One run of a unit of work: every row that changes goes through here, is settled, remembered and told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from server.access.actor import Actor
from server.access.policy import Permission
from server.db import trash
from server.db.faults import translate
from server.db.transaction import Transaction
from server.errors import Conflict, NotFound, PreconditionFailed, StorageFull
from server.events.bus import RecordChanged
from server.models.base import WriteVerb
from server.models.labels import in_sentence
from server.models.registry import ModelSpec
from server.records.audit import AUDIT, audit_entry, changed_fields
from server.records.etag import etag_of
from server.records.prepared import PreparedModel
from server.records.relations import check_relations
from server.records.shelf import Shelf
from server.records.times import now_text

IfMatch = Callable[[str], bool]
"""Gets the present entity tag of a row; False refuses the change."""
HISTORY = "history"
_UNSEEN = frozenset(("updated_at",))


class _Going(NamedTuple):
    """A row to be deleted, with its columns as they lie."""

    prepared: PreparedModel
    record_id: int
    row: dict[str, Any]

    @property
    def key(self) -> tuple[str, int]:
        return self.prepared.spec.name, self.record_id


class Work:
    """Lives for one run in the writer thread. A unit may run twice, so nothing of it is kept elsewhere."""

    def __init__(self, shelf: Shelf, transaction: Transaction, actor: Actor, now: str | None = None) -> None:
        self._shelf = shelf
        self.transaction = transaction
        self.actor = actor
        self.now = now or now_text()
        self.address: str | None = None
        """Where the request of this work comes from."""
        self.events: list[RecordChanged] = []
        self.remembered: tuple[int, int] | None = None
        """First and last entry of the history that this run wrote."""

    def prepared(self, model: str) -> PreparedModel:
        """The statements of a model."""
        return self._shelf.models[model]

    def insert(self, model: str, row: dict[str, Any], shown: tuple[str, ...]) -> tuple[int, str]:
        """Insert a whole row of columns. Returns its id and its JSON text as `shown`."""
        prepared = self._shelf.models[model]
        self.check_log(prepared.spec)
        self._check_relations(prepared, row, {})
        self.transaction.touched.add(model)
        told = self.told(prepared, row, shown)
        sql = prepared.create(told)
        if any(row.get(name) is not None for name in prepared.spec.sealed):
            # What is sealed is bound to its row, so the id is taken first.
            new_id = int(self.transaction.execute(prepared.next_id).fetchone()[0])
            sql, row = prepared.create(told, with_id=True), prepared.sealed(new_id, {**row, "id": new_id})
        record_id, text = self._store(prepared, sql, row).fetchone()
        owner = owner_of(prepared.spec, row, record_id)
        self._settle(prepared, "create", record_id)
        self._count(model, None, row)
        self._remember(prepared.spec, "create", record_id, owner, None, None)
        self._audit(prepared.spec, "create", record_id, row)
        self.events.append(RecordChanged(model, "create", record_id, owner))
        return record_id, text

    def change(
        self,
        model: str,
        record_id: int,
        changes: Mapping[str, Any],
        may: Permission,
        shown: tuple[str, ...],
        if_match: IfMatch | None = None,
        *,
        from_history: bool = False,
    ) -> str:
        """Change columns of a row. Returns its JSON text as `shown`. Raises NotFound, PreconditionFailed, Conflict.

        `from_history`: the values are the record's own of an earlier time.
        """
        prepared = self._shelf.models[model]
        before = self.stored(prepared, record_id, may, if_match)
        self._check_relations(prepared, changes, before, from_history=from_history)
        self.transaction.touched.add(model)
        stored = prepared.sealed(record_id, changes) if prepared.spec.sealed else changes
        parameters = {**stored, "updated_at": self.now, "id": record_id, "actor_id": self.actor.user_id}
        columns = (*(name for name in changes if name != "updated_at"), "updated_at")
        told = self.told(prepared, before, shown)
        found = self._store(prepared, prepared.update(columns, may.owned_by, told), parameters).fetchone()
        if found is None:
            raise absent(prepared.spec, record_id)
        self._settle(prepared, "update", record_id, before)
        # A behaviour may have completed the row, so what was really stored is looked up.
        after = self._row(prepared, record_id) or before
        self._count(model, before, after)
        self._tell_change(prepared, record_id, before, after)
        return str(found[1])

    def delete(self, model: str, record_id: int, may: Permission, if_match: IfMatch | None = None) -> None:
        """Delete a row, and what its references say of others. Raises NotFound, PreconditionFailed, Conflict."""
        prepared = self._shelf.models[model]
        before = self.stored(prepared, record_id, may, if_match)
        self._delete(prepared, record_id, before)

    def erase(self, model: str, record_id: int) -> None:
        """Delete a row that nothing refers to, for good: nobody is to bring it back."""
        prepared = self._shelf.models[model]
        before = self._row(prepared, record_id)
        if before is None:
            raise absent(prepared.spec, record_id)
        self.transaction.touched.add(model)
        self.transaction.execute(prepared.delete(None), {"id": record_id})
        self._settle(prepared, "delete", record_id, before)
        self._count(model, before, None)
        self.events.append(RecordChanged(model, "delete", record_id, owner_of(prepared.spec, before, record_id)))

    def bring_back(self, model: str, row: dict[str, Any], shown: tuple[str, ...]) -> str:
        """Insert a deleted row under its old id. Returns its JSON text. Raises Conflict when that can't be."""
        prepared = self._shelf.models[model]
        self._check_relations(prepared, row, {}, from_history=True)
        self.transaction.touched.add(model)
        self._store(prepared, prepared.insert_with_id, row)
        record_id = int(row["id"])
        text = self._text(prepared, row, shown)
        self._settle(prepared, "create", record_id)
        self._count(model, None, row)
        owner = owner_of(prepared.spec, row, record_id)
        self._audit(prepared.spec, "create", record_id, row, detail="brought back")
        self._remember(prepared.spec, "restore", record_id, owner, None, prepared.kept(row))
        self.events.append(RecordChanged(model, "create", record_id, owner))
        return text

    def imported(self, model: str, owner: int | None, details: Mapping[str, Any], ids: Sequence[int]) -> None:
        """Many rows came in at once: one entry in the history, and events of `ids` or one for all."""
        spec = self._shelf.models[model].spec
        self._remember(spec, "import", 0, owner, None, orjson.dumps(details).decode())
        if model in self._shelf.caps:
            self._shelf.caps[model].recount(self.transaction, self._shelf.cap_of(model))
        self.events += [RecordChanged(model, "create", record_id, owner) for record_id in ids] or [
            RecordChanged(model, "import", 0, owner)
        ]

    def forget_history(self, model: str) -> None:
        """Delete everything that is remembered of a model."""
        cap = self._shelf.caps[HISTORY]
        gone = self.transaction.execute(cap.deleting(trash.forget_model_sql()), {"model": model})
        self.transaction.touched.add(HISTORY)
        cap.grown(self.transaction, -sum(row[0] for row in gone), self._shelf.cap_of(HISTORY))

    def stored(
        self, prepared: PreparedModel, record_id: int, may: Permission, if_match: IfMatch | None = None
    ) -> dict[str, Any]:
        """The row's columns as they lie, if it is the actor's to change. Raises NotFound, PreconditionFailed."""
        row = self._row(prepared, record_id)
        if row is None or (may.owned_by is not None and row[may.owned_by] != self.actor.user_id):
            raise absent(prepared.spec, record_id)
        if if_match is not None:
            shown = self._shelf.shown_to(self.actor, prepared.spec)
            if not if_match(etag_of(self._text(prepared, row, shown))):
                raise PreconditionFailed(
                    "The record was changed by somebody else. Read it again, then repeat the change."
                )
        return row

    def _store(self, prepared: PreparedModel, sql: str, row: Mapping[str, Any]) -> sqlite3.Cursor:
        """Run a statement that stores a row. What refuses it names no field that the actor may not know of."""
        try:
            return self.transaction.execute(sql, row)
        except sqlite3.IntegrityError as error:
            raise translate(error, self._shelf.unknown_to(self.actor, prepared.spec)) from error

    def _text(self, prepared: PreparedModel, row: Mapping[str, Any], shown: tuple[str, ...]) -> str:
        """A stored row as JSON, as far as the actor may see it."""
        sql = prepared.read(self.told(prepared, row, shown), None)
        return str(self.transaction.execute(sql, {"id": row["id"]}).fetchone()[0])

    def told(self, prepared: PreparedModel, row: Mapping[str, Any], shown: tuple[str, ...]) -> tuple[str, ...]:
        """`shown`, or the id alone where the actor may change a row that they may not read."""
        owner = self._shelf.policy.permission(self.actor, prepared.spec, "read").owned_by
        return shown if owner is None or row.get(owner) == self.actor.user_id else ("id",)

    def _row(self, prepared: PreparedModel, record_id: int) -> dict[str, Any] | None:
        found = self.transaction.execute(prepared.stored_row, {"id": record_id}).fetchone()
        return None if found is None else dict(zip(prepared.columns, found, strict=True))

    def is_gone(self, model: str, record_id: int | None) -> bool:
        """Whether there is no such record any more."""
        return record_id is not None and self._row(self._shelf.models[model], record_id) is None

    def _delete(self, prepared: PreparedModel, record_id: int, before: dict[str, Any]) -> None:
        going = self._going(_Going(prepared, record_id, before))
        if len(going) == 1:
            self._delete_alone(prepared, record_id, before)
            return
        for one in going:
            # References between them are emptied by now; in a circle, SQLite has taken the row along already.
            row = self._row(one.prepared, one.record_id) or one.row
            self._delete_alone(one.prepared, one.record_id, row)

    def _going(self, first: _Going) -> list[_Going]:
        """The row and all that go with it, who refers first. Not by recursion: a chain may be as long as a table."""
        waiting = [first]
        seen: set[tuple[str, int]] = set()
        going: dict[tuple[str, int], _Going] = {}
        while waiting:
            one = waiting[-1]
            if one.key in seen:
                going.setdefault(one.key, waiting.pop())
                continue
            seen.add(one.key)
            waiting += [other for other in self._release(one.prepared.spec, one.record_id) if other.key not in seen]
        return list(going.values())

    def _delete_alone(self, prepared: PreparedModel, record_id: int, before: dict[str, Any]) -> None:
        spec = prepared.spec
        self.transaction.touched.add(spec.name)
        self.transaction.execute(prepared.delete(None), {"id": record_id})
        self._settle(prepared, "delete", record_id, before)
        self._count(spec.name, before, None)
        owner = owner_of(spec, before, record_id)
        self._remember(spec, "delete", record_id, owner, prepared.kept(before), None)
        self._audit(spec, "delete", record_id, before)
        self.events.append(RecordChanged(spec.name, "delete", record_id, owner))

    def _release(self, target: ModelSpec, target_id: int) -> list[_Going]:
        """Empty the references to a row that goes, by hand, so that history and events know. Returns what goes too."""
        going: list[_Going] = []
        for referrer in self._shelf.referrers.get(target.name, ()):
            prepared = self._shelf.models[referrer.model]
            way_out = target.options.before_delete
            taken = referrer.on_delete in ("CASCADE", "SET NULL")
            if not taken and not way_out:
                continue
            found = self.transaction.execute(prepared.referring(referrer.column), {"id": target_id}).fetchall()
            if found and not taken:
                kind = in_sentence(target.options.label)
                plural = in_sentence(prepared.spec.options.label_plural)
                raise Conflict(f"This {kind} has {plural}. {way_out.format(id=target_id)}", code="has_records")
            for [record_id] in found:
                row = self._row(prepared, record_id)
                if row is None:
                    continue
                if referrer.on_delete == "CASCADE":
                    going.append(_Going(prepared, record_id, row))
                else:
                    self._empty(prepared, referrer.column, record_id, row)
        return going

    def _empty(self, prepared: PreparedModel, column: str, record_id: int, before: dict[str, Any]) -> None:
        self.transaction.touched.add(prepared.spec.name)
        parameters = {column: None, "updated_at": self.now, "id": record_id, "actor_id": None}
        self.transaction.execute(prepared.update((column, "updated_at"), None, ("id",)), parameters).fetchone()
        self._tell_change(prepared, record_id, before, {**before, column: None})

    def _tell_change(
        self, prepared: PreparedModel, record_id: int, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        spec = prepared.spec
        owner = owner_of(spec, after, record_id)
        changed = {name for name in prepared.kept_columns if before[name] != after[name] and name not in _UNSEEN}
        if changed:
            kept = [prepared.kept(row, changed) for row in (before, after)]
            self._remember(spec, "update", record_id, owner, *kept)
        if spec.options.audited and (fields := changed_fields(spec, before, after)):
            self._audit(spec, "update", record_id, after, fields=fields)
        self.events.append(RecordChanged(spec.name, "update", record_id, owner))

    def check_log(self, spec: ModelSpec) -> None:
        """Raises StorageFull while a log takes no new rows."""
        options = spec.options
        if options.log_cap_setting and not options.log_goes_on and self._shelf.store.storage.logs_stopped:
            raise StorageFull(
                f"{options.label_plural} take no new rows: the disk is nearly full. Free some space; they go on by "
                "themselves.",
                code="logs_stopped",
            )

    def _check_relations(
        self,
        prepared: PreparedModel,
        columns: Mapping[str, Any],
        before: Mapping[str, Any],
        *,
        from_history: bool = False,
    ) -> None:
        check_relations(self._shelf, self.transaction, self.actor, prepared, columns, before, from_history=from_history)

    def _settle(
        self, prepared: PreparedModel, verb: WriteVerb, record_id: int, before: Mapping[str, Any] | None = None
    ) -> None:
        behaviour = self._shelf.behaviours.get(prepared.spec.name)
        if behaviour is not None:
            found = self.transaction.execute(prepared.stored_row, {"id": record_id}).fetchone()
            behaviour.settle(self.transaction, verb, record_id, None if found is None else prepared.revealed(found))
            if before is not None:
                behaviour.settle_loss(self.transaction, before)

    def count_log(self, model: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep a log within its bytes, now that these rows came in."""
        self._shelf.caps[model].added(self.transaction, rows, self._shelf.cap_of(model))

    def _count(self, model: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        cap = self._shelf.caps.get(model)
        if cap is not None:
            self.transaction.touched.add(model)
            cap.changed(self.transaction, before, after, self._shelf.cap_of(model))

    def _remember(
        self, spec: ModelSpec, verb: str, record_id: int, owner: int | None, before: str | None, after: str | None
    ) -> None:
        if not self.remembers(spec):
            return
        entry = self.entry(spec, verb, record_id, owner, before, after)
        self.transaction.touched.add(HISTORY)
        entry_id = self.transaction.execute(self._shelf.models[HISTORY].insert, entry).lastrowid or 0
        self.remembered = (self.remembered[0] if self.remembered else entry_id, entry_id)
        self.count_log(HISTORY, [entry])

    def note(self, kind: str, **what: Any) -> None:
        """Add to the audit log; `what` as for `audit_entry`."""
        entry = audit_entry(self.actor, self.address, self.now, kind, **what)
        self.transaction.touched.add(AUDIT)
        self.transaction.execute(self._shelf.models[AUDIT].insert, entry)
        self.count_log(AUDIT, [entry])

    def _audit(self, spec: ModelSpec, verb: WriteVerb, record_id: int, row: Mapping[str, Any], **what: Any) -> None:
        # What the program does by itself, it does for somebody: that is noted where they asked for it.
        if verb in spec.options.audited and self.actor.kind != "system":
            title = row.get(spec.options.title_field)
            about = None if title is None else str(title)
            self.note(verb, model=spec.name, record_id=record_id, about=about, **what)

    def remembers(self, spec: ModelSpec) -> bool:
        """Whether history is kept of a model just now."""
        stopped = self._shelf.store.storage.logs_stopped
        return spec.options.history and HISTORY in self._shelf.models and not stopped

    def entry(
        self, spec: ModelSpec, verb: str, record_id: int, owner: int | None, before: str | None, after: str | None
    ) -> dict[str, Any]:
        """An entry of the history, as columns."""
        return {
            "model": spec.name,
            "record_id": record_id,
            "verb": verb,
            "actor_id": self.actor.user_id,
            "actor_name": self.actor.username or self.actor.kind,
            "record_owner_id": owner,
            "before": before,
            "after": after,
            "created_at": self.now,
            "updated_at": self.now,
        }


def absent(spec: ModelSpec, record_id: int) -> NotFound:
    """There is no such record, or the caller may not know of it."""
    return NotFound(f"There is no {in_sentence(spec.options.label)} {record_id}.")


def owner_of(spec: ModelSpec, row: Mapping[str, Any], record_id: int) -> int | None:
    """Whose a row is."""
    if spec.owner_column is None:
        return None
    return record_id if spec.owner_column == "id" else row.get(spec.owner_column)
