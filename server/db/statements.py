"""The only place that writes SQL text: statements compiled by SQLAlchemy, rows rendered to JSON by SQLite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, Select, Table, and_, bindparam, collate, func, literal_column, select
from sqlalchemy.dialects import sqlite

from server.db.connection import CASEFOLD_FUNCTION, NOCASE_COLLATION, NUMBER_FUNCTION
from server.db.types import type_name

_DIALECT = sqlite.dialect(paramstyle="named")
# SQLite takes at most 127 arguments per function: name and value of each field.
MAX_FIELDS = 60

Operator = Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "like", "ilike", "is_null"]

_folded = getattr(func, CASEFOLD_FUNCTION)


def _listed(parameter: str) -> Any:
    # One shape for lists of any length: the values travel as one JSON array.
    return select(literal_column("value")).select_from(func.json_each(bindparam(parameter)))


_CONDITIONS: dict[Operator, Callable[[Column[Any], str], ColumnElement[bool]]] = {
    "eq": lambda column, parameter: column == bindparam(parameter),
    "ne": lambda column, parameter: column.is_distinct_from(bindparam(parameter)),
    "lt": lambda column, parameter: column < bindparam(parameter),
    "lte": lambda column, parameter: column <= bindparam(parameter),
    "gt": lambda column, parameter: column > bindparam(parameter),
    "gte": lambda column, parameter: column >= bindparam(parameter),
    "in": lambda column, parameter: column.in_(_listed(parameter)),
    "not_in": lambda column, parameter: column.not_in(_listed(parameter)),
    "like": lambda column, parameter: column.like(bindparam(parameter)),
    "ilike": lambda column, parameter: _folded(column).like(_folded(bindparam(parameter))),
    "is_null": lambda column, parameter: column.is_(None) == bindparam(parameter),
}
OPERATORS: tuple[Operator, ...] = tuple(_CONDITIONS)
UNBUDGETED_OPERATORS: frozenset[Operator] = frozenset(("like", "ilike"))


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an ORDER BY; `nocase` sorts by Unicode case folding instead of by bytes."""

    column: str
    descending: bool = False
    nocase: bool = False


@dataclass(frozen=True, slots=True)
class ListShape:
    """What two list requests must share to use the same SQL: everything but the values."""

    filters: tuple[tuple[str, Operator], ...] = ()
    sort: tuple[SortKey, ...] = ()
    owned_by_column: str | None = None


@dataclass(frozen=True, slots=True)
class ListStatement:
    """SQL of one list shape. Parameters: `f0`, `f1`… (filters), `actor_id`, `row_limit`, `row_offset`."""

    rows: str
    """Answers one row with one column: a JSON array of the rows, and nothing else."""
    count: str


def compile_sql(statement: Any) -> str:
    """The SQL text of a SQLAlchemy statement, with named parameters."""
    return str(statement.compile(dialect=_DIALECT))


def row_json(table: Table, fields: Sequence[str]) -> str:
    """An SQL expression that renders a row of `table` as a JSON object of `fields`."""
    if len(fields) > MAX_FIELDS:
        raise ValueError(f"{table.name} has more than {MAX_FIELDS} fields")
    return "json_object(" + ", ".join(f"'{name}', {_value_json(table.c[name])}" for name in fields) + ")"


def _value_json(column: Column[Any]) -> str:
    name = f'"{column.name}"'
    match type_name(column.type):
        case "boolean":
            return f"json(CASE {name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
        case "json" | "tags":
            return f"json({name})"
        case "number":
            return f"json({NUMBER_FUNCTION}({name}))"
        case _:
            return name


def list_statement(table: Table, shape: ListShape, fields: Sequence[str]) -> ListStatement:
    """Compile one list shape. Rows come in the asked order, ties by id, so that paging is stable."""
    condition = where(table, shape)
    order = [_ordering(table, key) for key in shape.sort]
    if not any(key.column == "id" for key in shape.sort):
        order.append(table.c.id)
    rows: Select[Any] = (
        select(literal_column(row_json(table, fields)).label("j"))
        .select_from(table)
        .order_by(*order)
        .limit(bindparam("row_limit"))
        .offset(bindparam("row_offset"))
    )
    count = select(func.count()).select_from(table)
    if condition is not None:
        rows, count = rows.where(condition), count.where(condition)
    return ListStatement(f"SELECT json_group_array(json(j)) FROM ({compile_sql(rows)})", compile_sql(count))


def where(table: Table, shape: ListShape) -> ColumnElement[bool] | None:
    """The WHERE of a shape: the caller's filters and, where the rule says `own`, the owner."""
    conditions = [
        _CONDITIONS[operator](table.c[column], f"f{index}") for index, (column, operator) in enumerate(shape.filters)
    ]
    if shape.owned_by_column is not None:
        conditions.append(table.c[shape.owned_by_column] == bindparam("actor_id"))
    return and_(*conditions) if conditions else None


def _ordering(table: Table, key: SortKey) -> ColumnElement[Any]:
    column: ColumnElement[Any] = table.c[key.column]
    if key.nocase:
        column = collate(column, NOCASE_COLLATION)
    return column.desc() if key.descending else column.asc()


def plan_is_cheap(plan: Sequence[str], shape: ListShape) -> bool:
    """Whether a plan reads few rows for a small limit: an indexed search or a walk by rowid, and no sorting."""
    if any("TEMP B-TREE" in step for step in plan):
        return False
    if any(operator in UNBUDGETED_OPERATORS for _column, operator in shape.filters):
        return False
    if not shape.filters and shape.owned_by_column is None:
        return True
    # A list of values is walked as `SCAN json_each`; that one is short.
    return not any(step.startswith("SCAN") and "json_each" not in step for step in plan)


def read_sql(table: Table, fields: Sequence[str], owned_by_column: str | None) -> str:
    """One row by `id` as JSON, for `actor_id` if owned."""
    return f'SELECT {row_json(table, fields)} FROM "{table.name}" WHERE id = :id{_owned(owned_by_column)}'


def insert_sql(table: Table, columns: Sequence[str], fields: Sequence[str]) -> str:
    """Insert a row from parameters named as their columns, answering id and the row as JSON."""
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f":{name}" for name in columns)
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({values}) RETURNING id, {row_json(table, fields)}'


def update_sql(table: Table, columns: Sequence[str], fields: Sequence[str], owned_by_column: str | None) -> str:
    """Update the row `:id` from parameters named as their columns, answering id and the row as JSON."""
    changes = ", ".join(f'"{name}" = :{name}' for name in columns)
    return (
        f'UPDATE "{table.name}" SET {changes} WHERE id = :id{_owned(owned_by_column)} '
        f"RETURNING id, {row_json(table, fields)}"
    )


def delete_sql(table: Table, owned_by_column: str | None) -> str:
    """Delete the row `:id`."""
    return f'DELETE FROM "{table.name}" WHERE id = :id{_owned(owned_by_column)}'


def columns_sql(table: Table, columns: Sequence[str], owned_by_column: str | None) -> str:
    """Plain columns of the row `:id`."""
    names = ", ".join(f'"{name}"' for name in columns)
    return f'SELECT {names} FROM "{table.name}" WHERE id = :id{_owned(owned_by_column)}'


def columns_where_sql(table: Table, columns: Sequence[str], shape: ListShape) -> str:
    """Plain columns of the rows that a shape selects, in no order."""
    statement = select(*(table.c[name] for name in columns))
    condition = where(table, shape)
    return compile_sql(statement if condition is None else statement.where(condition))


def bytes_sql(table: Table) -> str:
    """Rough bytes that all rows of `table` take."""
    size = " + ".join(f'coalesce(length(CAST("{column.name}" AS BLOB)), 0)' for column in table.c)
    return f'SELECT coalesce(sum({size}), 0) FROM "{table.name}"'


def oldest_sql(table: Table) -> str:
    """Delete the `:n` oldest rows of `table`."""
    return f'DELETE FROM "{table.name}" WHERE id IN (SELECT id FROM "{table.name}" ORDER BY id LIMIT :n)'


def _owned(column: str | None) -> str:
    return "" if column is None else f' AND "{column}" = :actor_id'
