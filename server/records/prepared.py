"""Statements of one model, compiled once, and the lists' shapes with what is known of their plans."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from server.db import statements
from server.db.statements import ListShape, ListStatement
from server.db.store import Store
from server.db.types import type_name
from server.models.registry import ModelSpec
from server.records.values import default_column

MAX_SHAPES = 512
INLINE_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PreparedList:
    """A list shape's SQL, and whether its plan is cheap enough for the event loop."""

    statement: ListStatement
    cheap: bool


class PreparedModel:
    """Everything about one model that is worth knowing before the first request."""

    def __init__(self, spec: ModelSpec, store: Store) -> None:
        self.spec = spec
        self._store = store
        self._shapes: OrderedDict[ListShape, PreparedList] = OrderedDict()
        self._lookups: dict[ListShape, str] = {}
        self._updates: dict[tuple[tuple[str, ...], str | None], str] = {}
        table = spec.table
        owners = (None, spec.owner_column) if spec.owner_column else (None,)
        self.read = {owner: statements.read_sql(table, spec.shown, owner) for owner in owners}
        self.delete = {owner: statements.delete_sql(table, owner) for owner in owners}
        self.columns = tuple(column.name for column in table.columns)
        self.stored_row = statements.columns_sql(table, self.columns, None)
        self.insert_columns = tuple(name for name in self.columns if name != "id")
        self.insert = statements.insert_sql(table, self.insert_columns, spec.shown)
        self.defaults: dict[str, Any] = dict.fromkeys(self.insert_columns)
        self.defaults.update({name: default_column(field) for name, field in spec.fields.items() if name != "id"})
        self.size = statements.bytes_sql(table)
        self.count_all = statements.list_statement(table, ListShape(), ("id",)).count
        self.drop_oldest = statements.oldest_sql(table)
        self.json_columns = frozenset(c.name for c in table.columns if type_name(c.type) in ("json", "tags"))
        self.boolean_columns = frozenset(c.name for c in table.columns if type_name(c.type) == "boolean")

    def list_of(self, shape: ListShape) -> PreparedList:
        """The compiled list of a shape; rarely used shapes are forgotten."""
        known = self._shapes.get(shape)
        if known is not None:
            self._shapes.move_to_end(shape)
            return known
        statement = statements.list_statement(self.spec.table, shape, self.spec.shown)
        values = {f"f{index}": "[]" for index in range(len(shape.filters))}
        plan = self._store.plan(statement.rows, {**values, "actor_id": 0, "row_limit": 1, "row_offset": 0})
        known = PreparedList(statement, statements.plan_is_cheap(plan, shape))
        self._shapes[shape] = known
        if len(self._shapes) > MAX_SHAPES:
            self._shapes.popitem(last=False)
        return known

    def update_of(self, columns: tuple[str, ...], owner: str | None) -> str:
        """The UPDATE of these columns."""
        key = (columns, owner)
        sql = self._updates.get(key)
        if sql is None:
            if len(self._updates) > MAX_SHAPES:
                self._updates.clear()
            sql = self._updates[key] = statements.update_sql(self.spec.table, columns, self.spec.shown, owner)
        return sql

    def columns_where(self, shape: ListShape) -> str:
        """Plain columns of the rows of a shape; for look-ups by a unique column."""
        sql = self._lookups.get(shape)
        if sql is None:
            sql = self._lookups[shape] = statements.columns_where_sql(self.spec.table, self.columns, shape)
        return sql
