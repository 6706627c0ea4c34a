"""SQL of counts and sums by group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Table

from server.db.connection import NUMBER_FUNCTION
from server.db.statements import ListShape, object_json, selection, truth_json, value_json
from server.db.types import type_name

Function = Literal["sum", "avg", "min", "max"]
FUNCTIONS: tuple[Function, ...] = ("sum", "avg", "min", "max")
Part = Literal["minute", "hour", "day", "month", "year"]
PART_LENGTHS: dict[Part, int] = {"minute": 16, "hour": 13, "day": 10, "month": 7, "year": 4}


@dataclass(frozen=True, slots=True)
class GroupKey:
    """A column to group by; of moments and days a part may be asked, such as the month."""

    column: str
    part: Part | None = None


def aggregate_sql(
    table: Table, shape: ListShape, groups: tuple[GroupKey, ...], wanted: tuple[tuple[Function, str], ...]
) -> str:
    """One JSON object per group, largest first: `group`, `count`, and `sum`, `avg`, `min`, `max` by field.

    Parameters: those of the shape, and `row_limit`.
    """
    parts = []
    if groups:
        inner = ", ".join(f"'{key.column}', {_group_json(table, key)}" for key in groups)
        parts.append(f"'group', json_object({inner})")
    parts.append("'count', count(*)")
    for function in FUNCTIONS:
        columns = [column for name, column in wanted if name == function]
        if columns:
            values = object_json([f"'{column}', {_value(table, function, column)}" for column in columns])
            parts.append(f"'{function}', json({values})")
    by = ", ".join(_group_value(table, key) for key in groups)
    grouping = f" GROUP BY {by} ORDER BY count(*) DESC, {by}" if groups else ""
    return f"SELECT json_object({', '.join(parts)}) {selection(table, shape)}{grouping} LIMIT :row_limit"


def _group_value(table: Table, key: GroupKey) -> str:
    column = f'"{table.name}"."{key.column}"'
    return column if key.part is None else f"substr({column}, 1, {PART_LENGTHS[key.part]})"


def _group_json(table: Table, key: GroupKey) -> str:
    return value_json(table.c[key.column], table.name) if key.part is None else _group_value(table, key)


def _value(table: Table, function: Function, column: str) -> str:
    found: Any = table.c[column]
    expression = f'{function}("{table.name}"."{column}")'
    kind = type_name(found.type)
    if kind == "boolean":
        return f"json({truth_json(expression)})"
    if kind == "number" or function == "avg":
        return f"json({NUMBER_FUNCTION}({expression}))"
    return expression
