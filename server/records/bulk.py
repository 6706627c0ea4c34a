"""Changing or deleting all records that a filter selects, as one unit of work."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.access.actor import Actor
from server.access.policy import Permission
from server.db.conditions import Leaf, every
from server.db.deadline import TimeLimit
from server.db.statements import ListShape
from server.errors import FieldError, GridBearError, NotFound, ValidationFailed
from server.records.filters import truth
from server.records.planning import plan_values
from server.records.reading import Pairs
from server.records.rehearsal import rehearsed
from server.records.service import Records
from server.records.steady import steady_write
from server.records.values import BadValue
from server.records.work import Work

MAX_ROWS = 10_000
SELECT_SECONDS = 10.0
"""So long the filters may take: every other change waits for it."""
SHOWN_IDS = 100


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became, or with `dry_run` would become, of the selected records."""

    count: int
    ids: tuple[int, ...]
    """The first of them."""
    dry_run: bool
    undo: tuple[int, int] | None
    """What undoes it: the entries of the history, first and last. None where no history is kept."""


@steady_write
async def change_many(
    records: Records, actor: Actor, model: str, pairs: Pairs, values: Mapping[str, Any]
) -> BulkResult:
    """Change the sent fields of every record that the filters of `pairs` select.

    Raises ValidationFailed, Forbidden, Conflict; then nothing is changed.
    """
    if not values:
        raise ValidationFailed("There is nothing to change: send at least one field.")
    shelf = records.shelf
    may = shelf.policy.allow(actor, records.registry.get(model), "update")
    ready = await plan_values(shelf, actor, model, values)

    def change(work: Work, record_id: int) -> None:
        work.change(model, record_id, ready.columns, may, ("id",))

    return await _each(records, actor, model, may, pairs, change)


@steady_write
async def delete_many(records: Records, actor: Actor, model: str, pairs: Pairs) -> BulkResult:
    """Delete every record that the filters of `pairs` select. Raises Forbidden, Conflict, ValidationFailed."""
    may = records.policy.allow(actor, records.registry.get(model), "delete")

    def delete(work: Work, record_id: int) -> None:
        # One that is gone by now was deleted together with another of the selection.
        with contextlib.suppress(NotFound):
            work.delete(model, record_id, may)

    return await _each(records, actor, model, may, pairs, delete, always=True)


async def _each(
    records: Records, actor: Actor, model: str, may: Permission, pairs: Pairs, act: Any, *, always: bool = False
) -> BulkResult:
    filters, everything, dry_run = _options(pairs)
    listed = records.policy.allow(actor, records.registry.get(model), "list")
    shape, query = records.selection(actor, model, listed, filters)
    if shape.condition is None and not shape.search and not everything:
        raise ValidationFailed.of("all", "required", "give a filter, or all=true to mean every record")
    values = {**query.values, "row_limit": MAX_ROWS + 1}
    if may.owned_by is not None and shape.owned_by is None:
        shape = _own_only(shape, may.owned_by)
        values["own_only"] = actor.user_id
    sql = records.shelf.models[model].columns_where(shape, ("id",), limited=True)

    def run(work: Work, _: list[Any]) -> BulkResult:
        if shape.search:
            work.transaction.settle_search()
        with TimeLimit(work.transaction.connection, SELECT_SECONDS):
            ids = [row[0] for row in work.transaction.execute(sql, values).fetchall()]
        if len(ids) > MAX_ROWS:
            raise ValidationFailed(
                f"More than {MAX_ROWS} records are selected, which is the most for one request. Narrow the filter.",
                code="too_many_records",
            )
        for record_id in ids:
            try:
                act(work, record_id)
            except GridBearError as error:
                error.message = f"Record {record_id}: {error.message}"
                raise
        return BulkResult(len(ids), tuple(ids[:SHOWN_IDS]), dry_run, None if dry_run else work.remembered)

    return await rehearsed(records, actor, run, (model,), dry_run=dry_run, always=always)


def _own_only(shape: ListShape, column: str) -> ListShape:
    condition = every(shape.condition, Leaf(column, "eq", "own_only"))
    return ListShape(condition, search=shape.search)


def _options(pairs: Pairs) -> tuple[list[tuple[str, str]], bool, bool]:
    filters: list[tuple[str, str]] = []
    flags = {"all": False, "dry_run": False}
    for name, text in pairs:
        if name not in flags:
            filters.append((name, text))
            continue
        try:
            flags[name] = truth(text)
        except BadValue as bad:
            raise ValidationFailed(f"{name}: {bad.message}", fields={name: FieldError(bad.code, bad.message)}) from None
    return filters, flags["all"], flags["dry_run"]
