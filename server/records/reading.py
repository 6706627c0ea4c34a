"""Reading rows: lists, single rows, groups. Rows stay the JSON text that SQLite rendered."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import orjson

from server.access.actor import Actor
from server.access.policy import Permission
from server.db.search import searched_columns
from server.db.statements import Expansion, ListShape, plan_is_cheap, unique_shape
from server.errors import Forbidden
from server.models.registry import ModelSpec
from server.records.aggregate import parse_aggregate
from server.records.cursor import decode_cursor, encode_cursor
from server.records.find import find_query
from server.records.fresh import Fresh
from server.records.places import Places
from server.records.prepared import INLINE_LIMIT, INLINE_OFFSET, PreparedList, PreparedModel
from server.records.query import ListQuery, parse_query, parse_reading
from server.records.shelf import Shelf
from server.records.slow_lists import SLOW_SECONDS, SlowLists
from server.records.steady import steady_read
from server.records.work import absent

MAX_TOTALS = 2048
MAX_PAGES = 256
MAX_PAGE_TEXT = 64 * 1024

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: the rows as a JSON array, how many there are in all (None if not asked), what follows."""

    rows: str
    count: int | None
    next: str | None = None
    """The cursor of the next page, or None on the last one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as JSON, and the text whose hash is its entity tag: the row with all its fields."""

    text: str
    tagged: str
    expanded: bool = False
    """It has other records in it, whose changes the entity tag does not show."""


class Reading:
    """The reading half of the records service."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.slow_lists = SlowLists()
        self._totals: Fresh[int] = Fresh(shelf.store.versions, MAX_TOTALS)
        self._scattered: Fresh[bool] = Fresh(shelf.store.versions, MAX_TOTALS)
        self._places = Places(shelf.store.versions)
        self._pages: Fresh[Page] = Fresh(shelf.store.versions, MAX_PAGES)

    @steady_read
    async def list_page(self, actor: Actor, model: str, parameters: Pairs) -> Page:
        """One page as the query string asks. Raises ValidationFailed, Forbidden, Unauthorized, NotFound (model)."""
        spec = self.shelf.registry.get(model)
        may = self.shelf.policy.allow(actor, spec, "list")
        asked = tuple(parameters)
        # Pages that many look at, or one person again and again, such as a grid that is kept up to date.
        key = (model, asked, may, actor.user_id if may.owned_by else None)
        known = self._pages.get(model, key)
        if known is not None:
            return known
        version = self._pages.version(model)
        query = parse_query(spec, may, asked)
        page = await self._page(actor, spec, may, query)
        # What is expanded lies in other tables, whose changes would go unnoticed.
        if not query.expand and len(page.rows) <= MAX_PAGE_TEXT:
            self._pages.put(model, key, version, page)
        return page

    @steady_read
    async def find(
        self, actor: Actor, model: str, *, where: Mapping[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]:
        """Rows as dicts; keys of `where` are `field` or `field__op`, its values Python values (None: is null)."""
        spec = self.shelf.registry.get(model)
        may = self.shelf.policy.allow(actor, spec, "list")
        query = find_query(spec, may, where or {}, sort, limit)
        rows: list[dict[str, Any]] = orjson.loads((await self._page(actor, spec, may, query)).rows)
        return rows

    @steady_read
    async def read_row(self, actor: Actor, model: str, record_id: int, parameters: Pairs = ()) -> Row:
        """One row. Raises NotFound when it is absent or invisible."""
        spec = self.shelf.registry.get(model)
        may = self.shelf.policy.allow(actor, spec, "read")
        prepared = self.shelf.models[model]
        values = {"id": record_id, "actor_id": actor.user_id}
        queries = [(prepared.read(may.shown, may.owned_by), values)]
        expand: tuple[Expansion, ...] = ()
        if parameters:
            asked = parse_reading(spec, may, parameters)
            expand = self.shelf.expansions(actor, spec, asked.expand)
            queries.append((prepared.read(asked.fields, may.owned_by, expand), values))
        answers = await self.shelf.store.read(queries, inline=True, asker=actor.user_id)
        if not answers[0]:
            raise absent(spec, record_id)
        return Row(str(answers[-1][0][0]), str(answers[0][0][0]), expanded=bool(expand))

    async def get(self, actor: Actor, model: str, record_id: int, /) -> dict[str, Any]:
        """One row as a dict."""
        row: dict[str, Any] = orjson.loads((await self.read_row(actor, model, record_id)).text)
        return row

    @steady_read
    async def aggregate(self, actor: Actor, model: str, parameters: Pairs) -> str:
        """Counts and sums by group, as a JSON array."""
        spec = self.shelf.registry.get(model)
        may = self.shelf.policy.allow(actor, spec, "list")
        asked = parse_aggregate(spec, may, parameters)
        shape = ListShape(asked.query.condition, owned_by=may.owned_by, search=asked.query.search is not None)
        [rows] = await self.shelf.store.read(
            [(asked.sql(spec.table, shape), {**_values(actor, may, asked.query), "row_limit": asked.limit})],
            asker=actor.user_id,
        )
        return "[" + ",".join([row[0] for row in rows]) + "]"

    @steady_read
    async def reveal(self, actor: Actor, model: str, record_id: int) -> dict[str, Any]:
        """One row with its write-only and hidden columns. For the program itself alone."""
        _system_only(actor)
        prepared = self.shelf.models[self.shelf.registry.get(model).name]
        [rows] = await self.shelf.store.read([(prepared.stored_row, {"id": record_id})], inline=True)
        if not rows:
            raise absent(prepared.spec, record_id)
        return prepared.revealed(rows[0])

    async def emptied(self, actor: Actor, model: str, record_id: int) -> list[str]:
        """The fields of a row that were emptied because their key was lost. For the program itself alone."""
        _system_only(actor)
        prepared = self.shelf.models[model]
        [rows] = await self.shelf.store.read([(prepared.stored_row, {"id": record_id})], inline=True)
        return prepared.emptied(rows[0]) if rows else []

    def look_up(self, actor: Actor, model: str, column: str, value: Any) -> dict[str, Any] | None:
        """The stored row whose unique `column` is `value`, read on the spot. For the program itself alone."""
        _system_only(actor)
        prepared = self.shelf.models[model]
        rows = self.shelf.store.read_now(prepared.columns_where(unique_shape(column)), {"f0": value})
        return prepared.revealed(rows[0]) if rows else None

    def all_now(self, actor: Actor, model: str) -> list[dict[str, Any]]:
        """Every stored row of a small model, read on the spot. For the program itself alone."""
        _system_only(actor)
        prepared = self.shelf.models[model]
        rows = self.shelf.store.read_now(prepared.columns_where(ListShape()), {})
        return [prepared.revealed(row) for row in rows]

    def selection(self, actor: Actor, model: str, may: Permission, parameters: Pairs) -> tuple[ListShape, ListQuery]:
        """The rows that filters, `domain` and `q` select for `actor`."""
        query = parse_query(self.shelf.registry.get(model), may, parameters, paging=False)
        shape = ListShape(query.condition, owned_by=may.owned_by, search=query.search is not None)
        query.values = _values(actor, may, query)
        return shape, query

    async def _page(self, actor: Actor, spec: ModelSpec, may: Permission, query: ListQuery) -> Page:
        prepared = self.shelf.models[spec.name]
        values = _values(actor, may, query)
        expand = self.shelf.expansions(actor, spec, query.expand) if query.expand else ()
        shape = ListShape(
            query.condition,
            query.sort,
            may.owned_by,
            query.fields,
            expand,
            query.search is not None,
            _rank_by(spec, may) if query.search is not None and not query.sort else (),
        )
        window = {**values, "actor_id": actor.user_id, "row_limit": query.limit + 1, "row_offset": query.offset}
        if query.cursor is not None:
            shape, after = _after(shape, decode_cursor(query.cursor, shape.keys))
            window.update(after)
        key = (spec.name, query.condition, may.owned_by, query.search is None, tuple(values.items()))
        by_place = query.cursor is None and (query.search is None or bool(query.sort))
        if by_place and query.offset:
            shape, sought = self._sought(prepared, shape, (key, query.sort), query.offset)
            window.update(sought)
        compiled = prepared.list_of(shape)
        count = None
        if query.total:
            count = self._totals.get(spec.name, key)
        counting = query.total and count is None
        queries = [(compiled.statement.rows, window)]
        version = self._totals.version(spec.name)
        if counting:
            queries.append((compiled.statement.count, values))
        few = query.limit <= INLINE_LIMIT and window["row_offset"] <= INLINE_OFFSET
        inline = compiled.cheap and not counting and few
        answers, started = None, perf_counter()
        if few and not counting and not compiled.cheap and may.owned_by is not None and query.search is None:
            answers = self._walked(prepared, replace(shape, walk=True), window, (key, query.sort))
        if answers is None and inline:
            answers = self.shelf.store.read_inline(queries)
        interrupted = inline and answers is None
        if answers is None:
            answers = await self.shelf.store.read(queries, asker=actor.user_id)
            planned_well = not interrupted and plan_is_cheap(compiled.plan, shape)
            seconds = perf_counter() - started
            if not planned_well or seconds >= SLOW_SECONDS:
                self.slow_lists.note(spec.name, shape, seconds, interrupted=interrupted)
        if counting:
            count = int(answers[1][0][0])
            self._totals.put(spec.name, key, version, count)
        rows = answers[0]
        if by_place and len(rows) > query.limit:
            place = query.offset + query.limit, rows[query.limit - 1][1:]
            self._places.keep(spec.name, (key, query.sort), version, place)
        return _page_of(compiled, shape, rows, query.limit, count)

    def _walked(
        self, prepared: PreparedModel, shape: ListShape, window: Mapping[str, Any], key: Hashable
    ) -> list[list[tuple[Any, ...]]] | None:
        """A page found along the index of its order; None where the actor's rows are too few and far between."""
        name, compiled = prepared.spec.name, prepared.list_of(shape)
        if not compiled.cheap or self._scattered.get(name, key):
            return None
        version = self._scattered.version(name)
        answers = self.shelf.store.read_inline([(compiled.statement.rows, window)])
        if answers is None:
            self._scattered.put(name, key, version, True)
        return answers

    def _sought(
        self, prepared: PreparedModel, shape: ListShape, key: Hashable, offset: int
    ) -> tuple[ListShape, dict[str, Any]]:
        """The shape and parameters of a page that begins after `offset` rows, from the nearest known place."""
        place = self._places.before(prepared.spec.name, key, offset)
        if place is None:
            return shape, {}
        sought, values = _after(shape, place[1])
        # An order that can't be sought in an index is no quicker than counting off.
        if not prepared.list_of(sought).cheap and not prepared.list_of(replace(sought, walk=True)).cheap:
            return shape, {}
        return sought, {**values, "row_offset": offset - place[0]}


def _page_of(compiled: PreparedList, shape: ListShape, rows: list[Any], limit: int, count: int | None) -> Page:
    following = None
    if len(rows) > limit:
        rows.pop()
        if not (shape.search and not shape.sort):
            following = encode_cursor(shape.keys, rows[-1][1:])
    text = "[" + ",".join([row[0] for row in rows]) + "]"
    compiled.weigh(text)
    return Page(text, count, following)


def _after(shape: ListShape, keys: Sequence[Any]) -> tuple[ListShape, dict[str, Any]]:
    """The shape and parameters of the rows after the one with these sort keys."""
    return (
        replace(shape, after=tuple(value is None for value in keys)),
        {f"k{index}": value for index, value in enumerate(keys)},
    )


def _values(actor: Actor, may: Permission, query: ListQuery) -> dict[str, Any]:
    values = dict(query.values)
    if may.owned_by is not None:
        values["actor_id"] = actor.user_id
    if query.search is not None:
        values["q"] = query.search
    return values


def _rank_by(spec: ModelSpec, may: Permission) -> tuple[str, ...]:
    """What may decide the order of hits: of somebody who does not see every row and column, their own alone."""
    columns = searched_columns(spec.table)
    shown = tuple(name for name in columns if name in may.shown)
    return shown if may.owned_by is not None or len(shown) < len(columns) else ()


def _system_only(actor: Actor) -> None:
    if actor.kind != "system":
        raise Forbidden("Only the program itself may see this.")
