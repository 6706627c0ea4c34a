"""The only place that writes SQL text for rows. SQLite renders them to JSON itself, so Python never sees a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects import sqlite

from server.db.conditions import SCANNING_OPERATORS, Condition, Every, Leaf, condition_sql, leaves
from server.db.connection import BASE64_FUNCTION, NOCASE_COLLATION, NUMBER_FUNCTION
from server.db.file_reach import FileReach
from server.db.made_indexes import Fields, columns_of
from server.db.search import rank_sql, search_table
from server.db.types import type_name

_DIALECT = sqlite.dialect(paramstyle="named")
# SQLite takes at most 127 arguments per function: name and value of each field.
FIELDS_PER_OBJECT = 60
ROW_SEPARATOR = "\x1e"
"""A character that JSON never has but escaped."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an ORDER BY; `nocase` sorts by Unicode case folding instead of by bytes."""

    column: str
    descending: bool = False
    nocase: bool = False


@dataclass(frozen=True, slots=True)
class Expansion:
    """A relation whose target is rendered into the row, as far as the reader may see it."""

    column: str
    target: Table
    fields: tuple[str, ...]
    owned_by: str | None = None
    """The target's column that must be `:actor_id`."""
    hidden: bool = False
    """The reader may read no target at all."""
    reach: FileReach | None = None
    """For a file: which of them the reader may read."""
    address: str = ""
    """For a file: what its address begins with, up to the id."""


@dataclass(frozen=True, slots=True)
class ListShape:
    """What two list requests must share to use the same SQL: everything but the values."""

    condition: Condition | None = None
    sort: tuple[SortKey, ...] = ()
    owned_by: str | None = None
    fields: tuple[str, ...] = ()
    expand: tuple[Expansion, ...] = ()
    search: bool = False
    rank_by: tuple[str, ...] = ()
    """The searched columns of the row itself that decide its rank; none: all rows and columns do, by BM25."""
    after: tuple[bool, ...] | None = None
    """For a page after a cursor: which of the cursor's sort values are NULL."""

    walk: bool = False
    """Go along the index of the order and pick out the owner's rows, instead of sorting all rows of the owner: quick
    where they are no small part of the table."""

    @property
    def keys(self) -> tuple[SortKey, ...]:
        """The complete order: ties go by id, in the direction of the last key, so that one index serves both."""
        if any(key.column == "id" for key in self.sort):
            return self.sort
        return (*self.sort, SortKey("id", descending=bool(self.sort) and self.sort[-1].descending))

    @property
    def parts(self) -> tuple[Condition, ...]:
        """The conditions that must all hold."""
        condition = self.condition
        return condition.parts if isinstance(condition, Every) else () if condition is None else (condition,)


@dataclass(frozen=True, slots=True)
class ListStatement:
    """SQL of one list shape.

    Parameters: those of the condition, `actor_id`, `row_limit`, `row_offset`, `q` (search), `k0`, `k1`… (cursor).
    """

    rows: str
    """Each row: its JSON text, then the values of the sort keys."""
    count: str


def compile_sql(statement: Any) -> str:
    """The SQL text of a SQLAlchemy statement, with named parameters."""
    return str(statement.compile(dialect=_DIALECT))


def row_json(table: Table, fields: Sequence[str], source: str | None = None, extra: Sequence[str] = ()) -> str:
    """An SQL expression that renders a row of `table` (as `source`) as a JSON object of `fields`.

    `extra` are more arguments of `json_object`: names and values in turn.
    """
    name_of = source or table.name
    pairs = [f"'{name}', {value_json(table.c[name], name_of)}" for name in fields]
    pairs += [f"{name}, {value}" for name, value in zip(extra[::2], extra[1::2], strict=True)]
    return object_json(pairs)


def object_json(pairs: Sequence[str]) -> str:
    """An SQL expression for the text of a JSON object of any size. `pairs`: name and value of each member, in SQL."""
    objects = [
        "json_object(" + ", ".join(pairs[start : start + FIELDS_PER_OBJECT]) + ")"
        for start in range(0, len(pairs) or 1, FIELDS_PER_OBJECT)
    ]
    if len(objects) == 1:
        return objects[0]
    # json_patch would drop fields that are null, so the texts are joined.
    first, *rest = objects
    return f"substr({first}, 1, length({first}) - 1)" + "".join(
        f" || ',' || substr({part}, 2{f', length({part}) - 2' if index < len(rest) - 1 else ''})"
        for index, part in enumerate(rest)
    )


def value_json(column: Column[Any], source: str) -> str:
    """An SQL expression that renders one column as JSON."""
    name = f'"{source}"."{column.name}"'
    match type_name(column.type):
        case "boolean":
            return f"json({truth_json(name)})"
        case "json" | "tags":
            return f"json({name})"
        case "number":
            return f"json({NUMBER_FUNCTION}({name}))"
        case "bytes":
            return f"{BASE64_FUNCTION}({name})"
        case _:
            return name


def truth_json(expression: str) -> str:
    """An SQL expression that renders a stored boolean as text."""
    return f"CASE {expression} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"


def list_statement(
    table: Table, shape: ListShape, row: str | None = None, made: Sequence[Fields] = ()
) -> ListStatement:
    """Compile one list shape.

    `row` is another expression to render a row with than its JSON; `made` are indexes beside the declared ones.
    """
    name = table.name
    by_rank = shape.search and not shape.sort
    count = f"SELECT count(*) {selection(table, shape)}"
    keys = "".join(f', "{name}"."{key.column}"' for key in shape.keys)
    order = ", ".join(_ordering(table, key) for key in shape.keys)
    if by_rank:
        order = f'{rank_sql(table, shape.rank_by)}, "{name}".id'
    shown = f"SELECT {row or row_json(table, shape.fields, extra=_expansions(table, shape.expand))}{keys}"
    end = f"ORDER BY {order} LIMIT :row_limit"
    after = () if shape.after is None else _after(table, shape, made)
    if len(after) < 2:
        return ListStatement(f"{shown} {selection(table, shape, *after)} {end} OFFSET :row_offset", count)
    # SQLite runs the parts one after the other, and none that is not needed for the limit.
    parts = " UNION ALL ".join(
        f"SELECT * FROM ({shown} {selection(table, shape, part)} {end} + :row_offset)" for part in after
    )
    return ListStatement(f"{parts} LIMIT :row_limit OFFSET :row_offset", count)


def selection(table: Table, shape: ListShape, *more: str) -> str:
    """`FROM … WHERE …` of a shape, with `more` conditions."""
    source = f'"{table.name}"'
    conditions = []
    if shape.search:
        index = search_table(table.name)
        # CROSS JOIN is SQLite's word for this order: asked row by row, the index is slower than its few hits.
        source = f'"{index}" CROSS JOIN "{table.name}" ON "{table.name}".id = "{index}".rowid'
        conditions.append(f'"{index}" MATCH :q')
    if shape.condition is not None:
        conditions.append(condition_sql(shape.condition, table.name))
    if shape.owned_by is not None:
        # With a plus, SQLite does not look for the owner in an index.
        conditions.append(f'{"+" if shape.walk else ""}"{table.name}"."{shape.owned_by}" = :actor_id')
    conditions += more
    return f"FROM {source}" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")


def _expansions(table: Table, expand: Sequence[Expansion]) -> list[str]:
    if not expand:
        return []
    pairs = ", ".join(f"'{part.column}', {_expanded(table, part, index)}" for index, part in enumerate(expand))
    return ["'expand'", f"json_object({pairs})"]


def _expanded(table: Table, part: Expansion, number: int) -> str:
    if part.hidden:
        return "NULL"
    alias = f"expanded_{number}"
    owned = "" if part.owned_by is None else f' AND "{alias}"."{part.owned_by}" = :actor_id'
    extra = []
    if part.reach is not None:
        owned = f" AND {part.reach.condition(alias)}"
        extra = ["'address'", f"'{part.address}' || \"{alias}\".id || '/content'"]
    return (
        f'json((SELECT {row_json(part.target, part.fields, alias, extra)} FROM "{part.target.name}" AS "{alias}" '
        f'WHERE "{alias}".id = "{table.name}"."{part.column}"{owned}))'
    )


def _ordering(table: Table, key: SortKey) -> str:
    return f"{_key_column(table, key)}{' DESC' if key.descending else ''}"


def trial_values(shape: ListShape) -> dict[str, Any]:
    """Values for every parameter of a shape, to ask SQLite for its plan with."""
    values: dict[str, Any] = {leaf.parameter: "[]" for leaf in leaves(shape.condition)}
    values.update({f"k{index}": 0 for index in range(len(shape.keys))})
    return {**values, "actor_id": 0, "row_limit": 1, "row_offset": 0, "q": '"a"'}


def fixed_columns(shape: ListShape) -> tuple[str, ...]:
    """The columns that have one value in all rows of a shape, as far as equality says so."""
    fixed = [part.column for part in shape.parts if isinstance(part, Leaf) and part.operator == "eq"]
    return tuple(dict.fromkeys((*fixed, shape.owned_by) if shape.owned_by is not None else fixed))


def _after(table: Table, shape: ListShape, made: Sequence[Fields]) -> tuple[str, ...]:
    """The rows that come after the cursor's in the order of the shape: conditions of one part after the other.

    NULL sorts before everything else. Where the first key has an index, rows with the same value, with one beyond it
    and with none are parts of their own: SQLite seeks for each of them, and would walk the index for all in one.
    """
    nulls = shape.after or ()
    keys = shape.keys
    rest = "0"
    for index in reversed(range(1, len(keys))):
        rest = _or_equal(table, keys[index], index, nulls[index], rest)
    first, column = keys[0], _key_column(table, keys[0])
    if first.column == "id":
        return (f"{column} {'<' if first.descending else '>'} :k0",)
    if first.nocase or not (_is_indexed(table, first.column) or _is_sought(shape, first.column, made)):
        return (_or_equal(table, first, 0, nulls[0], rest),)
    if nulls[0]:
        same = f"{column} IS NULL AND {rest}"
        return (same,) if first.descending else (same, f"{column} IS NOT NULL")
    parts = (f"{column} = :k0 AND {rest}", f"{column} {'<' if first.descending else '>'} :k0")
    return (*parts, f"{column} IS NULL") if first.descending and table.c[first.column].nullable else parts


def _or_equal(table: Table, key: SortKey, index: int, null: bool, rest: str) -> str:
    """Beyond the cursor's value of this key, or equal to it and `rest` holds."""
    column = _key_column(table, key)
    if null:
        beyond = "0" if key.descending else f"{column} IS NOT NULL"
        return f"({beyond} OR ({column} IS NULL AND {rest}))"
    beyond = f"{column} {'<' if key.descending else '>'} :k{index}"
    if key.column == "id":
        # Bare, so that SQLite seeks with it.
        return beyond
    if key.descending and table.c[key.column].nullable:
        beyond += f" OR {column} IS NULL"
    return f"({beyond} OR ({column} = :k{index} AND {rest}))"


def _is_indexed(table: Table, column: str) -> bool:
    return bool(table.c[column].unique) or any(index.columns.keys()[0] == column for index in table.indexes)


def _is_sought(shape: ListShape, column: str, made: Sequence[Fields]) -> bool:
    """Whether a made index goes on with `column` after nothing but columns that the shape fixes."""
    fixed = fixed_columns(shape)
    return any(
        column in (columns := columns_of(index)) and set(columns[: columns.index(column)]).issubset(fixed)
        for index in made
    )


def _key_column(table: Table, key: SortKey) -> str:
    return f'"{table.name}"."{key.column}"' + (f" COLLATE {NOCASE_COLLATION}" if key.nocase else "")


def plan_is_cheap(plan: Sequence[str], shape: ListShape) -> bool:
    """Whether a plan reads few rows for a small limit: an indexed search or a walk by rowid, and no sorting."""
    if shape.search or any("TEMP B-TREE" in step for step in plan):
        return False
    if any(leaf.operator in SCANNING_OPERATORS for leaf in leaves(shape.condition)):
        return False
    if shape.condition is None and shape.owned_by is None:
        return True
    # A list of values is walked as `SCAN json_each`, the parts of a page as `SCAN (subquery-1)`; these are short.
    scans = [step for step in plan if step.startswith("SCAN") and _walks_rows(step)]
    return all(shape.walk and "USING INDEX" in step for step in scans)


def _walks_rows(step: str) -> bool:
    return "json_each" not in step and "subquery" not in step.lower()


def read_sql(table: Table, fields: Sequence[str], owned_by: str | None, expand: Sequence[Expansion] = ()) -> str:
    """One row by `id` as JSON, for `actor_id` if owned."""
    row = row_json(table, fields, extra=_expansions(table, expand))
    return f'SELECT {row} FROM "{table.name}" WHERE id = :id{_owned(owned_by)}'


def insert_sql(table: Table, columns: Sequence[str]) -> str:
    """Insert a row from parameters named as their columns."""
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f":{name}" for name in columns)
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({values})'


def next_id_sql(table: Table) -> str:
    """The id that the next row of a table gets. Holds inside the writer's transaction."""
    return f"SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table.name}'), 0) + 1"


def insert_many_sql(table: Table, columns: Sequence[str], count: int) -> str:
    """Insert `count` rows from parameters by position, row after row."""
    names = ", ".join(f'"{name}"' for name in columns)
    values = f"({', '.join('?' * len(columns))})"
    return f'INSERT INTO "{table.name}" ({names}) VALUES {", ".join([values] * count)}'


def span_sql(table: Table, fields: Sequence[str]) -> str:
    """The rows with ids from ? to ? as one text: `ROW_SEPARATOR` before each, id and JSON with a colon between."""
    row = f"char({ord(ROW_SEPARATOR)}) || id || ':' || {row_json(table, fields)}"
    return f"SELECT group_concat({row}, '') FROM \"{table.name}\" WHERE id BETWEEN ? AND ?"


def returning(table: Table, fields: Sequence[str]) -> str:
    """The end of an insert or update that answers id and the row as JSON."""
    return f" RETURNING id, {row_json(table, fields)}"


def update_sql(table: Table, columns: Sequence[str], owned_by: str | None) -> str:
    """Update the row `:id` from parameters named as their columns."""
    changes = ", ".join(f'"{name}" = :{name}' for name in columns)
    return f'UPDATE "{table.name}" SET {changes} WHERE id = :id{_owned(owned_by)}'


def delete_sql(table: Table, owned_by: str | None) -> str:
    """Delete the row `:id`."""
    return f'DELETE FROM "{table.name}" WHERE id = :id{_owned(owned_by)}'


def columns_sql(table: Table, columns: Sequence[str], owned_by: str | None) -> str:
    """Plain columns of the row `:id`."""
    names = ", ".join(f'"{name}"' for name in columns)
    return f'SELECT {names} FROM "{table.name}" WHERE id = :id{_owned(owned_by)}'


def columns_where_sql(table: Table, columns: Sequence[str], shape: ListShape, *, limited: bool = False) -> str:
    """Plain columns of the rows that a shape selects, by id; `limited` adds `:row_limit`."""
    names = ", ".join(f'"{table.name}"."{name}"' for name in columns)
    end = f' ORDER BY "{table.name}".id LIMIT :row_limit' if limited else ""
    return f"SELECT {names} {selection(table, shape)}{end}"


def unique_shape(column: str, owner: str | None = None) -> ListShape:
    """The rows whose `column` is `:f0`, of one owner if `owner` names the column."""
    return ListShape(Leaf(column, "eq", "f0"), owned_by=owner)


def referring_sql(table: Table, column: str) -> str:
    """The ids of the rows of `table` whose `column` is `:id`."""
    return f'SELECT id FROM "{table.name}" WHERE "{column}" = :id ORDER BY id'


def filled_sql(table: Table, column: str) -> str:
    """How many rows have a value in `column`."""
    return f'SELECT count("{column}") FROM "{table.name}"'


def values_sql(table: Table, column: str) -> str:
    """All values of `column` but NULL."""
    return f'SELECT "{column}" FROM "{table.name}" WHERE "{column}" IS NOT NULL'


def _owned(column: str | None) -> str:
    return "" if column is None else f' AND "{column}" = :actor_id'
