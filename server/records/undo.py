"""Taking back what was done: a deletion, a change, or everything that one request did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from server.access.policy import Permission
from server.db import trash
from server.db.transaction import Transaction
from server.errors import Conflict, Forbidden, NotFound, ValidationFailed
from server.models.base import Verb
from server.models.labels import in_sentence
from server.models.registry import ModelSpec
from server.records.circles import Circles
from server.records.prepared import PreparedModel
from server.records.service import Records
from server.records.values import BadValue, stored_value, writable
from server.records.work import Work, absent

MAX_ENTRIES = 50_000
_OPPOSITES: dict[str, Verb] = {"delete": "create", "update": "update"}


@dataclass(frozen=True, slots=True)
class Undone:
    """How many changes were taken back, and the entries (first, last) whose undoing brings them again."""

    count: int
    entries: tuple[int, int] | None


def undo_entries(work: Work, records: Records, first: int, last: int, since: str) -> Undone:
    """Take back what the actor of `work` did in these entries, the newest first, as far as their rights reach.

    `since`: deletions before it can't come back. Raises NotFound, Conflict (changed since, its place is taken),
    Forbidden, ValidationFailed (too many).
    """
    values = {"first": first, "last": last, "actor_id": work.actor.user_id, "row_limit": MAX_ENTRIES + 1}
    entries = work.transaction.execute(trash.entries_between_sql(), values).fetchall()
    if not entries:
        raise NotFound("There is nothing of yours to undo: no such change, or it is too old.", code="nothing_to_undo")
    if len(entries) > MAX_ENTRIES:
        raise ValidationFailed(f"At most {MAX_ENTRIES} changes can be undone at once.", code="too_many_records")
    circles = Circles({(model, record_id) for _, model, record_id, verb, *_ in entries if verb == "delete"})
    for _, model, record_id, verb, before, after in entries:
        spec = records.registry.get(model)
        if verb == "import":
            raise Conflict("An import can't be undone here; delete its records by their ids.", code="import")
        may = records.policy.allow(work.actor, spec, _OPPOSITES.get(verb, "delete"))
        if verb == "delete":
            bring_back(work, spec, (may,), record_id, since, {}, ("id",), circles)
        elif verb == "update":
            _unchanged(work, spec, may, record_id, orjson.loads(after))
            put_back(work, spec, may, record_id, _columns(spec, orjson.loads(before)), ("id",))
        else:
            work.delete(model, record_id, may)
    circles.close(work)
    return Undone(len(entries), work.remembered)


def bring_back(
    work: Work, spec: ModelSpec, wanted: tuple[Permission, ...], record_id: int, since: str,
    changes: Mapping[str, Any], shown: tuple[str, ...], circles: Circles,
) -> str:  # fmt: skip
    """Make a deleted record again, with `changes` (columns), if all `wanted` permissions reach it.

    Returns its JSON text. Raises NotFound, Forbidden, Conflict.
    """
    row = deleted_row(work, spec, wanted, record_id, since, changes)
    circles.open(work.prepared(spec.name), wanted[0], row, shown)
    return work.bring_back(spec.name, row, shown)


def deleted_row(
    work: Work, spec: ModelSpec, wanted: tuple[Permission, ...], record_id: int, since: str, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The row that a deleted record would come back with, `changes` (columns) included. Raises NotFound, Forbidden."""
    # Before anything is looked up: who may not bring records back learns of none.
    if any(may.extent == "none" for may in wanted):
        plural = in_sentence(spec.options.label_plural)
        raise Forbidden(f"You may not create and read {plural}, so none can be brought back.")
    prepared = work.prepared(spec.name)
    found = work.transaction.execute(trash.last_deletion_sql(), {"model": spec.name, "record_id": record_id}).fetchone()
    if found is None or found[3] < since:
        raise absent(spec, record_id)
    if found[2] != work.actor.user_id and any(may.owned_by is not None for may in wanted):
        raise absent(spec, record_id)
    # A value that its field does not take any more gives way to the default: else nothing of the record came back.
    row, _ = columns_of(prepared, {"id": record_id, **orjson.loads(found[1])})
    row.update(changes)
    row.update({name: prepared.defaults.get(name) for name in prepared.columns if name not in row})
    if spec.owner_column == "owner_id" and work.is_gone("users", row["owner_id"]):
        # Its owner has left: it is theirs who brings it back.
        row["owner_id"] = work.actor.user_id
    if any(may.owned_by is not None and row[may.owned_by] != work.actor.user_id for may in wanted):
        # They deleted it when they might do more.
        raise absent(spec, record_id)
    row["updated_at"] = work.now
    return row


def earlier(transaction: Transaction, spec: ModelSpec, record_id: int, entry_id: int) -> dict[str, Any]:
    """The fields that were different before the entry, as they were. Raises NotFound when there is no such change."""
    values = {"model": spec.name, "record_id": record_id, "since": entry_id}
    rows = transaction.execute(trash.entries_since_sql(), values).fetchall()
    if not rows or rows[-1][0] != entry_id or rows[-1][1] != "update":
        raise NotFound(f"The history of this {in_sentence(spec.options.label)} has no change {entry_id}.")
    found: dict[str, Any] = {}
    for _, verb, before, _ in rows:
        if verb in ("update", "delete") and before is not None:
            found.update(orjson.loads(before))
    return _columns(spec, found)


def put_back(
    work: Work, spec: ModelSpec, may: Permission, record_id: int, values: Mapping[str, Any], shown: tuple[str, ...]
) -> str:
    """Give a record earlier values. Returns its JSON text. Raises NotFound, Forbidden, Conflict."""
    now = work.stored(work.prepared(spec.name), record_id, may)
    return work.change(spec.name, record_id, changes_to(work, spec, may, values, now), may, shown, from_history=True)


def changes_to(
    work: Work, spec: ModelSpec, may: Permission, values: Mapping[str, Any], row: Mapping[str, Any]
) -> dict[str, Any]:
    """What makes `row` have earlier `values` again, as columns, if it is the actor's to write them.

    `may`: how far they may change records. Raises NotFound, Forbidden.
    """
    if may.owned_by is not None and row[may.owned_by] != work.actor.user_id:
        raise absent(spec, row["id"])
    stored, unfit = columns_of(work.prepared(spec.name), values)
    changes = {name: value for name, value in stored.items() if value != row[name] and name != "updated_at"}
    for name in (*changes, *unfit):
        field = spec.fields.get(name)
        kept_by_server = field is not None and field.info.read_only and work.actor.is_admin
        if field is None or name in may.hidden or not (kept_by_server or writable(work.actor, field, creating=False)):
            raise Forbidden("This change touched fields that you may not write, so you can't undo it.")
    if unfit:
        raise Conflict(
            f"The field {unfit[0]} was changed since, and does not take the value that it had then.",
            code="does_not_fit",
        )
    return changes


def columns_of(prepared: PreparedModel, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Values of the history as columns, and the names of those that their fields of today do not take."""
    if not prepared.spec.options.made_here:
        return prepared.stored(dict(values)), []
    columns: dict[str, Any] = {}
    unfit: list[str] = []
    for name, value in values.items():
        try:
            columns[name] = stored_value(prepared.spec.fields[name], value) if name in prepared.spec.fields else value
        except BadValue:
            unfit.append(name)
    return columns, unfit


def _columns(spec: ModelSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in spec.table.c and name != "id"}


def _unchanged(work: Work, spec: ModelSpec, may: Permission, record_id: int, after: Mapping[str, Any]) -> None:
    """Nobody's later change may be lost by undoing an earlier one."""
    prepared: PreparedModel = work.prepared(spec.name)
    now = work.stored(prepared, record_id, may)
    expected, unfit = columns_of(prepared, _columns(spec, after))
    if unfit or any(now[name] != value for name, value in expected.items()):
        raise Conflict(
            f"{spec.options.label} {record_id} has changed since; its history can put it back.", code="changed_since"
        )
