"""Conditions on rows, as a tree without values: what a WHERE clause is compiled from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from server.db.connection import CASEFOLD_FUNCTION

Operator = Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "like", "ilike", "is_null"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """`column operator :parameter`. Lists travel as one JSON array, so that their length is no part of the shape."""

    column: str
    operator: Operator
    parameter: str


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold. An empty field makes a comparison false, so its negation holds."""

    part: Condition


Condition = Leaf | Every | Some | Negation

_ESCAPE = "ESCAPE '\\'"
# `ne`, `not_in` and negations are exact opposites: a row with an empty field is in one of the two, never in neither.
_LEAVES: dict[Operator, Callable[[str, str], str]] = {
    "eq": lambda column, value: f"{column} = {value}",
    "ne": lambda column, value: f"{column} IS NOT {value}",
    "lt": lambda column, value: f"{column} < {value}",
    "lte": lambda column, value: f"{column} <= {value}",
    "gt": lambda column, value: f"{column} > {value}",
    "gte": lambda column, value: f"{column} >= {value}",
    "in": lambda column, value: f"{column} IN (SELECT value FROM json_each({value}))",
    "not_in": lambda column, value: f"({column} IN (SELECT value FROM json_each({value}))) IS NOT TRUE",
    "like": lambda column, value: f"{column} LIKE {value} {_ESCAPE}",
    "ilike": lambda column, value: f"{CASEFOLD_FUNCTION}({column}) LIKE {CASEFOLD_FUNCTION}({value}) {_ESCAPE}",
    "is_null": lambda column, value: f"({column} IS NULL) = {value}",
}
OPERATORS: tuple[Operator, ...] = tuple(_LEAVES)
SCANNING_OPERATORS: frozenset[Operator] = frozenset(("like", "ilike"))


def condition_sql(condition: Condition, table: str) -> str:
    """The SQL of a condition on rows of `table`."""
    match condition:
        case Leaf(column, operator, parameter):
            return _LEAVES[operator](f'"{table}"."{column}"', f":{parameter}")
        case Negation(part):
            return f"({condition_sql(part, table)}) IS NOT TRUE"
        case Every(parts):
            return "(" + " AND ".join(condition_sql(part, table) for part in parts) + ")" if parts else "1"
        case Some(parts):
            return "(" + " OR ".join(condition_sql(part, table) for part in parts) + ")" if parts else "0"


def leaves(condition: Condition | None) -> list[Leaf]:
    """All comparisons of a condition, from left to right."""
    match condition:
        case None:
            return []
        case Leaf():
            return [condition]
        case Negation(part):
            return leaves(part)
        case Every(parts) | Some(parts):
            return [leaf for part in parts for leaf in leaves(part)]


def every(*conditions: Condition | None) -> Condition | None:
    """All of the conditions that there are, or None if there is none."""
    parts = tuple(condition for condition in conditions if condition is not None)
    return parts[0] if len(parts) == 1 else Every(parts) if parts else None
