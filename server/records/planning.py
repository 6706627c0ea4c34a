"""Plans of single changes: checked and prepared on the event loop, run in the writer thread, alone or together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.access.actor import Actor
from server.access.policy import Permission
from server.db.statements import unique_shape
from server.errors import Conflict, FieldError, ValidationFailed
from server.models.base import WriteVerb
from server.models.registry import FieldSpec, ModelSpec
from server.records.behaviour import Prepared
from server.records.shelf import Shelf
from server.records.values import BadValue, checked, raise_for, stored_value
from server.records.work import IfMatch, Work, absent

Reference = Callable[[list[Any]], Any]
"""Gives a value from the results of earlier operations."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one change."""

    status: int
    """201 created, 200 otherwise."""
    record_id: int
    text: str
    """The row as JSON, `null` after a delete."""
    told_once: bool = False
    """The text tells what no later answer will."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One change that is ready to run. `run` may be called twice, each time with a fresh Work."""

    model: str
    verb: WriteVerb
    run: Callable[[Work, list[Any]], Result]


async def plan_create(
    shelf: Shelf, actor: Actor, model: str, values: Mapping[str, Any], references: Mapping[str, Reference] | None = None
) -> Planned:
    """A new row. Raises Forbidden, ValidationFailed, NotFound (model)."""
    spec = shelf.registry.get(model)
    may = shelf.policy.allow(actor, spec, "create")
    shown = shelf.shown_to(actor, spec)
    columns = checked(actor, spec, values, creating=True, hidden=may.hidden, pending=frozenset(references or ()))
    ready = await shelf.behaviour(model).prepare(actor, columns, record_id=None)
    row = _whole_row(shelf, actor, spec, ready)

    def run(work: Work, results: list[Any]) -> Result:
        complete = {**row, "created_at": work.now, "updated_at": work.now, **ready.columns}
        record_id, text = work.insert(model, _resolved(spec, complete, references, results), shown)
        return Result(201, record_id, _told_once(text, ready), bool(ready.told_once))

    return Planned(model, "create", run)


async def plan_change(
    shelf: Shelf,
    actor: Actor,
    model: str,
    record_id: int | Reference,
    values: Mapping[str, Any],
    *,
    replace: bool = False,
    if_match: IfMatch | None = None,
    references: Mapping[str, Reference] | None = None,
) -> Planned:
    """A changed row. Raises Forbidden, ValidationFailed, NotFound (model)."""
    spec = shelf.registry.get(model)
    may = shelf.policy.allow(actor, spec, "update")
    shown = shelf.shown_to(actor, spec)
    pending = frozenset(references or ())
    # What they can't see they can't send either: like what is only written, it stays.
    unseen = shelf.policy.permission(actor, spec, "read").hidden
    wanted = _complete(actor, spec, may.hidden | unseen | pending, values) if replace else values
    columns = checked(actor, spec, wanted, creating=False, hidden=may.hidden, pending=pending)
    known_id = record_id if isinstance(record_id, int) else 0
    ready = await shelf.behaviour(model).prepare(actor, columns, record_id=known_id)

    def run(work: Work, results: list[Any]) -> Result:
        target = record_id if isinstance(record_id, int) else _as_id(record_id(results))
        changes = _resolved(spec, dict(ready.columns), references, results)
        return Result(200, target, work.change(model, target, changes, may, shown, if_match))

    return Planned(model, "update", run)


async def plan_values(shelf: Shelf, actor: Actor, model: str, values: Mapping[str, Any]) -> Prepared:
    """The same changed fields for many rows. Raises Forbidden, ValidationFailed."""
    spec = shelf.registry.get(model)
    may = shelf.policy.allow(actor, spec, "update")
    columns = checked(actor, spec, values, creating=False, hidden=may.hidden)
    return await shelf.behaviour(model).prepare(actor, columns, record_id=0)


def plan_delete(
    shelf: Shelf, actor: Actor, model: str, record_id: int | Reference, *, if_match: IfMatch | None = None
) -> Planned:
    """A deleted row. Raises Forbidden, NotFound (model)."""
    may = shelf.policy.allow(actor, shelf.registry.get(model), "delete")

    def run(work: Work, results: list[Any]) -> Result:
        target = record_id if isinstance(record_id, int) else _as_id(record_id(results))
        work.delete(model, target, may, if_match)
        return Result(200, target, "null")

    return Planned(model, "delete", run)


async def plan_upsert(shelf: Shelf, actor: Actor, model: str, key: Sequence[str], values: Mapping[str, Any]) -> Planned:
    """Change the record with the same unique value, else create one. Raises as create and change do."""
    spec = shelf.registry.get(model)
    may = shelf.policy.allow(actor, spec, "update")
    field = _unique_field(spec, key, may)
    creating = await plan_create(shelf, actor, model, values)
    shown = shelf.shown_to(actor, spec)
    create_only = {name for name, found in spec.fields.items() if found.info.create_only}
    sent = {name: value for name, value in values.items() if name not in create_only}
    columns = checked(actor, spec, sent, creating=False, hidden=may.hidden)
    ready = await shelf.behaviour(model).prepare(actor, columns, record_id=0)
    value = stored_value(field, values.get(field.name))
    per_owner = "owner_id" if field.unique_per_owner else None
    sql = shelf.models[model].columns_where(unique_shape(field.name, per_owner), ("id",))

    def run(work: Work, results: list[Any]) -> Result:
        parameters = {"f0": value, "actor_id": actor.user_id}
        found = work.transaction.execute(sql, parameters).fetchone()
        if found is None:
            return creating.run(work, results)
        try:
            return Result(200, found[0], work.change(model, found[0], ready.columns, may, shown))
        except type(absent(spec, 0)):
            # Somebody else's record: say no more than a plain create would.
            raise not_unique([field.name]) from None

    return Planned(model, "create", run)


def not_unique(fields: Sequence[str]) -> Conflict:
    """Another record has these values already."""
    message = "another record already has this value"
    return Conflict(
        f"{' and '.join(fields)}: {message}.", fields={name: FieldError("not_unique", message) for name in fields}
    )


def _unique_field(spec: ModelSpec, key: Sequence[str], may: Permission) -> FieldSpec:
    field = spec.fields.get(key[0]) if len(key) == 1 else None
    if field is None or not field.unique or field.name in may.hidden or field.info.write_only:
        unique = [
            name
            for name, found in spec.fields.items()
            if found.unique and name not in may.hidden and not found.info.write_only
        ]
        known = f"one of {', '.join(unique)}" if unique else "a unique field, and this model has none"
        raise ValidationFailed.of("upsert", "not_unique_field", f"{known} is wanted")
    return field


def _whole_row(shelf: Shelf, actor: Actor, spec: ModelSpec, ready: Prepared) -> dict[str, Any]:
    row = dict(shelf.models[spec.name].defaults)
    if "owner_id" in row and spec.owner_column == "owner_id":
        row["owner_id"] = actor.user_id
    row.update(ready.columns)
    return row


def _complete(actor: Actor, spec: ModelSpec, but: frozenset[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with every other field that the actor may write, `but` some, so that nothing of the old row remains."""
    fixed = {
        name: field.info.default
        for name, field in spec.fields.items()
        if not (field.info.read_only or field.info.create_only or field.info.write_only)
        and (actor.is_admin or not field.info.admin_only)
        and name not in but
    }
    return {**fixed, **values}


def _resolved(
    spec: ModelSpec, columns: dict[str, Any], references: Mapping[str, Reference] | None, results: list[Any]
) -> dict[str, Any]:
    for name, reference in (references or {}).items():
        try:
            columns[name] = stored_value(spec.fields[name], reference(results))
        except BadValue as bad:
            raise_for({name: FieldError(bad.code, bad.message)})
    return columns


def _as_id(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationFailed.of("id", "wrong_type", "the referred field is no whole number")
    return value


def _told_once(text: str, ready: Prepared) -> str:
    return orjson.dumps({**orjson.loads(text), **ready.told_once}).decode() if ready.told_once else text
