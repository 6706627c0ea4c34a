"""Whether an index would make a list quick, and which: tried on an empty copy of the table, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sqlalchemy import Table

from server.db.conditions import SCANNING_OPERATORS, Leaf, leaves
from server.db.connection import connect
from server.db.made_indexes import (
    Fields,
    column_of,
    columns_of,
    create_sql,
    index_name,
    present_indexes,
    serves,
)
from server.db.statements import ListShape, list_statement, plan_is_cheap, trial_values
from server.db.types import type_name

MAX_FIELDS = 5
WORTHWHILE_ROWS = 1000
"""Of fewer rows all are read in less than a millisecond."""
NEIGHBOURS = 20
"""So many quick lists of the model must stay quick with an index before it is suggested."""
UNINDEXED_TYPES = frozenset(("json", "tags", "bytes", "secret"))

DDL_SQL = (
    "SELECT sql FROM sqlite_master WHERE tbl_name = :table AND type IN ('table', 'index') AND sql IS NOT NULL "
    "ORDER BY type DESC, name"
)
"""The statements of a table and its indexes, as the file has them."""

Effect = Literal["quick", "fewer_rows"]
Reason = Literal["index_made", "plan_is_good", "few_rows", "full_text", "pattern", "no_index_helps"]

_RANGE = frozenset(("lt", "lte", "gt", "gte"))
_EQUAL = frozenset(("eq", "in"))
_Merit = tuple[bool, bool, int]  # quick; seeks instead of reading all; how many comparisons it seeks by


@dataclass(frozen=True, slots=True)
class Advice:
    """What is to be done about a list: an index and its effect, or why none."""

    index: Fields | None = None
    effect: Effect | None = None
    reason: Reason | None = None
    reads_all: bool = False
    """Its plan reads every row of the table."""
    answered_by: Fields | None = None
    """The made index that it uses now."""


class Trial:
    """An empty database with one table as the file has it, where plans are asked for. For one thread."""

    def __init__(self, table: Table, ddl: Sequence[str], made: Sequence[Fields]) -> None:
        self._table = table
        self._made = tuple(made)
        self._connection = connect(Path(":memory:"))
        for statement in ddl:
            self._connection.execute(statement)
        self.present = [fields for _, fields in present_indexes(self._connection, table.name)]

    def close(self) -> None:
        """Forget the database."""
        self._connection.close()

    def advise(self, shape: ListShape, rows: int, neighbours: Sequence[ListShape]) -> Advice:
        """What helps a list of a table with so many rows; `neighbours` are shapes that are quick now."""
        plan = self._plan(shape, self._made)
        used = next((made for made in self._made if _uses(plan, index_name(self._table.name, made))), None)
        if plan_is_cheap(plan, shape):
            good: Reason = "plan_is_good" if rows >= WORTHWHILE_ROWS else "few_rows"
            return Advice(reason="index_made" if used else good, answered_by=used)
        known = Advice(reads_all=f"SCAN {self._table.name}" in plan, answered_by=used)
        if shape.search:
            return replace(known, reason="full_text")
        if rows < WORTHWHILE_ROWS:
            return replace(known, reason="few_rows")
        before = _merit(plan, shape)
        tried = [(self._merit_with(fields, shape), -len(fields), fields) for fields in self._candidates(shape)]
        for merit, _, fields in sorted(tried, key=lambda one: one[:2], reverse=True):
            if merit > before and self._spares(fields, neighbours):
                return replace(known, index=fields, effect="quick" if merit[0] else "fewer_rows")
        scanning = any(leaf.operator in SCANNING_OPERATORS for leaf in leaves(shape.condition))
        return replace(known, reason="index_made" if used else "pattern" if scanning else "no_index_helps")

    def _candidates(self, shape: ListShape) -> list[Fields]:
        """Equal fields first, then those of the order or of one range. Those that an index serves already are left."""
        compared = [part for part in shape.parts if isinstance(part, Leaf)]
        equal = [leaf.column for leaf in compared if leaf.operator == "eq"]
        either = [leaf.column for leaf in compared if leaf.operator in _EQUAL]
        ranges = [leaf.column for leaf in compared if leaf.operator in _RANGE]
        owner = [shape.owned_by] if shape.owned_by is not None else []
        order = [] if any(key.nocase for key in shape.keys) else _order(shape)
        ways = [
            [*equal, *owner, *order],
            *([*equal, *owner, bound] for bound in ranges),
            [*equal, *owner],
            [*either, *owner],
            *([*either, *owner, bound] for bound in ranges),
        ]
        found = dict.fromkeys(self._fit(way) for way in ways)
        return [fields for fields in found if fields and not any(serves(index, fields) for index in self.present)]

    def _fit(self, way: Sequence[str]) -> Fields:
        fields: list[str] = []
        for field in way:
            column = column_of(field)
            if column == "id" or type_name(self._table.c[column].type) in UNINDEXED_TYPES:
                break
            if column not in columns_of(fields):
                fields.append(field)
        return tuple(fields[:MAX_FIELDS])

    def _merit_with(self, fields: Fields, shape: ListShape) -> _Merit:
        with self._index(fields):
            plan = self._plan(shape, (*self._made, fields))
        # An index that SQLite would not take has no merit, whatever the plan is.
        return _merit(plan, shape) if _uses(plan, index_name(self._table.name, fields)) else (False, False, -1)

    def _spares(self, fields: Fields, neighbours: Sequence[ListShape]) -> bool:
        """Whether the lists that are quick stay so: SQLite may take a new index where an older one is better."""
        made = (*self._made, fields)
        with self._index(fields):
            return all(plan_is_cheap(self._plan(shape, made), shape) for shape in neighbours[:NEIGHBOURS])

    @contextmanager
    def _index(self, fields: Fields) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            self._connection.execute(create_sql(self._table.name, fields))
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _plan(self, shape: ListShape, made: Sequence[Fields]) -> list[str]:
        # With few fields an index alone might answer, which it does not for whole records.
        whole = replace(shape, fields=tuple(self._table.c.keys()))
        sql = list_statement(self._table, whole, made=made).rows
        return [
            str(row[3]) for row in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", trial_values(shape)).fetchall()
        ]


def _order(shape: ListShape) -> list[str]:
    """The fields of the order, turned so that the last one runs upwards, as the ids behind it do in every index."""
    turned = bool(shape.sort) and shape.sort[-1].descending
    return [f"{'-' if key.descending is not turned else ''}{key.column}" for key in shape.sort]


def _uses(plan: Sequence[str], index: str) -> bool:
    return any(f"INDEX {index} " in f"{step} " for step in plan)


def _merit(plan: Sequence[str], shape: ListShape) -> _Merit:
    searches = [step for step in plan if step.startswith("SEARCH")]
    terms = sum(step.count("=?") + step.count(">?") + step.count("<?") for step in searches)
    return plan_is_cheap(plan, shape), bool(searches), terms
