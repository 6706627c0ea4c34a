"""For admins: lists that take work, indexes that would help them, and making and removing such indexes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Table

from server.access.actor import Actor, Scope
from server.access.demands import demand_admin
from server.db.conditions import leaves
from server.db.made_indexes import (
    Fields,
    columns_of,
    create_sql,
    drop_sql,
    entry_bytes_sql,
    index_name,
    present_indexes,
    serves,
)
from server.db.rebuild import column_types
from server.db.statements import ListShape, SortKey, list_statement
from server.errors import Conflict, FieldError, NotFound, ValidationFailed
from server.models.registry import ModelSpec
from server.records.audit import AUDIT
from server.records.detached import Detached
from server.records.index_advice import DDL_SQL, MAX_FIELDS, UNINDEXED_TYPES, Advice, Trial
from server.records.service import Records
from server.records.slow_lists import Seen, plain_shape
from server.records.work import Work

T = TypeVar("T")

MAX_MADE = 10
"""Per model: every write keeps all of them up to date."""


@dataclass(frozen=True, slots=True)
class SlowList:
    """One list that took work, and what is to be done about it."""

    model: str
    shape: ListShape
    seen: Seen
    rows: int
    """That the table has now."""
    advice: Advice
    index_bytes: int | None
    """About what the suggested index would take."""


@dataclass(frozen=True, slots=True)
class MadeIndex:
    """One index that an admin has made."""

    model: str
    fields: Fields
    rows: int
    bytes: int
    """About what it takes."""
    superfluous: bool
    """Another index of the model does all that it does."""


@dataclass(frozen=True, slots=True)
class Making:
    """What it took to make an index."""

    model: str
    fields: Fields
    bytes: int
    seconds: float


class IndexDesk:
    """Reading wants an admin with `api:read`, making and removing one with `api`."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._detached = Detached()

    async def slow_lists(self, actor: Actor) -> list[SlowList]:
        """The lists that took work since the start, the costliest first."""
        admins_only(actor, "api:read")
        registry = self._records.registry
        known = [
            (registry.get(model), shape, seen)
            for model, shape, seen in self._records.slow_lists.known()
            if model in registry and _is_of(registry.get(model), shape)
        ]
        by_model: dict[str, list[ListShape]] = {}
        for spec, shape, _ in known:
            by_model.setdefault(spec.name, []).append(shape)
        rows = await self._rows(by_model)
        advice: dict[tuple[str, ListShape], Advice] = {}
        for name, shapes in by_model.items():
            given = await asyncio.to_thread(self._advise, *self._trial_parts(name), shapes, rows[name])
            advice.update({(name, shape): one for shape, one in zip(shapes, given, strict=True)})
        sizes = await self._sizes(
            {(name, one.index) for (name, _), one in advice.items() if one.index is not None}, rows
        )
        return [
            SlowList(
                spec.name, shape, seen, rows[spec.name], one := advice[spec.name, shape],
                None if one.index is None else sizes[spec.name, one.index],
            )
            for spec, shape, seen in known
        ]  # fmt: skip

    async def made(self, actor: Actor) -> list[MadeIndex]:
        """The indexes that admins have made, of models that are there."""
        admins_only(actor, "api:read")
        found = {
            name: made for name, made in self._records.shelf.made_indexes().items() if name in self._records.registry
        }
        rows = await self._rows(found)
        sizes = await self._sizes({(name, fields) for name, made in found.items() for fields in made}, rows)
        present = {name: self._present(name) for name in found}
        return [
            MadeIndex(
                name,
                fields,
                rows[name],
                sizes[name, fields],
                superfluous=any(other != fields and serves(other, fields) for other in present[name]),
            )
            for name, made in found.items()
            for fields in made
        ]

    async def add(self, actor: Actor, model: str, fields: Sequence[str]) -> Making:
        """Make an index. Raises NotFound (model), ValidationFailed (fields), Conflict when there is one that serves."""
        admins_only(actor, "api")
        spec = self._records.registry.get(model)
        wanted = _checked(spec, fields)

        def unit(work: Work, _: list[Any]) -> Making:
            connection = work.transaction.connection
            if not set(columns_of(wanted)) <= column_types(connection, model).keys():
                raise Conflict("The model was changed in the meantime. Look again.", code="model_changed")
            present = present_indexes(connection, model)
            serving = next((index for _, index in present if serves(index, wanted)), None)
            if serving is not None:
                raise Conflict(
                    f"{model} has an index on {', '.join(serving)}, which does this already.", code="index_exists"
                )
            if len(self._records.shelf.models[model].made) >= MAX_MADE:
                raise Conflict(f"A model can have {MAX_MADE} made indexes: remove one first.", code="too_many_indexes")
            before, started = _used_bytes(work), perf_counter()
            connection.execute(create_sql(model, wanted))
            work.note("index_made", model=model, about=model, fields=columns_of(wanted), detail=", ".join(wanted))
            return Making(model, wanted, max(0, _used_bytes(work) - before), perf_counter() - started)

        return await self._detached(self._changed(actor, model, unit, always=False))

    async def remove(self, actor: Actor, model: str, fields: Sequence[str]) -> None:
        """Remove an index that was made. Raises NotFound."""
        admins_only(actor, "api")
        self._records.registry.get(model)

        def unit(work: Work, _: list[Any]) -> None:
            present = dict(present_indexes(work.transaction.connection, model))
            if index_name(model, fields) not in present:
                raise NotFound(
                    f"No index on {', '.join(fields)} was made for {model}. GET /api/v1/server/indexes lists them.",
                    code="unknown_index",
                )
            work.transaction.execute(drop_sql(model, fields))
            work.note("index_removed", model=model, about=model, fields=columns_of(fields), detail=", ".join(fields))

        await self._detached(self._changed(actor, model, unit, always=True))

    async def _changed(self, actor: Actor, model: str, unit: Callable[[Work, list[Any]], T], *, always: bool) -> T:
        # The writer does it, however long it takes; others read meanwhile.
        done = await self._records.work(actor, unit, (AUDIT,), always=always)
        shelf = self._records.shelf
        if model in shelf.models:
            shelf.models[model].indexed(shelf.made_indexes().get(model, ()))
        return done

    async def _rows(self, models: Iterable[str]) -> dict[str, int]:
        names = list(models)
        tables = [self._records.registry.get(name).table for name in names]
        answers = await self._records.shelf.store.read(
            [(list_statement(table, ListShape()).count, {}) for table in tables]
        )
        return {name: int(rows[0][0]) for name, rows in zip(names, answers, strict=True)}

    async def _sizes(
        self, indexes: Iterable[tuple[str, Fields]], rows: Mapping[str, int]
    ) -> dict[tuple[str, Fields], int]:
        wanted = list(indexes)
        answers = await self._records.shelf.store.read([(entry_bytes_sql(*index), {}) for index in wanted])
        return {index: int((entry[0][0] or 0) * rows[index[0]]) for index, entry in zip(wanted, answers, strict=True)}

    def _present(self, model: str) -> list[Fields]:
        table, ddl, made, _ = self._trial_parts(model)
        with closing(Trial(table, ddl, made)) as trial:
            return trial.present

    def _trial_parts(self, model: str) -> tuple[Table, list[str], tuple[Fields, ...], list[ListShape]]:
        """What a trial of a model wants, and the shapes of its lists that are quick now, the latest first.

        Those of one's own records in the order of ids are always among them: an index that begins with the owner and
        goes on would take them, and sort.
        """
        prepared = self._records.shelf.models[model]
        ddl = [str(sql) for (sql,) in self._records.shelf.store.read_now(DDL_SQL, {"table": model})]
        owner = prepared.spec.owner_column
        if owner is not None:
            for sort in ((), (SortKey("id", descending=True),)):
                prepared.list_of(ListShape(sort=sort, owned_by=owner, fields=prepared.spec.shown))
        quick = [plain_shape(shape) for shape, compiled in reversed(prepared.shapes()) if compiled.cheap]
        return prepared.spec.table, ddl, prepared.made, list(dict.fromkeys(quick))

    @staticmethod
    def _advise(
        table: Table,
        ddl: Sequence[str],
        made: Sequence[Fields],
        neighbours: Sequence[ListShape],
        shapes: Sequence[ListShape],
        rows: int,
    ) -> list[Advice]:
        with closing(Trial(table, ddl, made)) as trial:
            return [trial.advise(shape, rows, neighbours) for shape in shapes]


def admins_only(actor: Actor, scope: Scope) -> None:
    """Raise Forbidden for everybody else."""
    demand_admin(actor, "Only admins look at slow lists, and make and remove indexes.", scope)


def _is_of(spec: ModelSpec, shape: ListShape) -> bool:
    """Whether the model still has every column of a list that was asked for earlier."""
    columns = {leaf.column for leaf in leaves(shape.condition)} | {key.column for key in shape.keys}
    return columns <= set(spec.table.c.keys()) and (shape.owned_by is None or shape.owned_by in spec.table.c)


def _checked(spec: ModelSpec, fields: Sequence[str]) -> Fields:
    wanted = tuple(fields)
    columns = columns_of(wanted)
    if not wanted or len(wanted) > MAX_FIELDS:
        raise _unfit("wrong_count", f"1 to {MAX_FIELDS} fields are wanted")
    if len(set(columns)) < len(columns):
        raise _unfit("twice", "each field can be in an index once")
    for column in columns:
        found = spec.fields.get(column)
        if found is None:
            raise _unfit("unknown_field", f"{spec.name} has no field {column!r}; it has {', '.join(spec.shown)}")
        if found.type in UNINDEXED_TYPES or found.info.write_only:
            raise _unfit("not_indexable", f"lists can't compare or sort by {column}, so an index would help none")
    if columns[0] == "id":
        raise _unfit("not_needed", "every table is in the order of its ids already")
    return wanted


def _unfit(code: str, message: str) -> ValidationFailed:
    return ValidationFailed(f"fields: {message}.", fields={"fields": FieldError(code, message)})


def _used_bytes(work: Work) -> int:
    [used] = work.transaction.execute(
        "SELECT (page_count - freelist_count) * page_size "
        "FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    ).fetchone()
    return int(used)
