"""Statements of one model, compiled once, and the lists' shapes with what is known of their plans."""

from __future__ import annotations

import binascii
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from server.db import statements
from server.db.made_indexes import Fields
from server.db.statements import Expansion, ListShape, ListStatement
from server.db.store import Store
from server.db.types import type_name
from server.models.registry import ModelSpec
from server.records.sealing import is_emptied, sealed_text, stored_form
from server.records.values import base64_text, default_column
from server.secrets.key_ring import Place
from server.secrets.vault import Vault

MAX_SHAPES = 512
INLINE_LIMIT = 100
INLINE_OFFSET = 5000
HEAVY_BYTES = 256 * 1024


@dataclass(slots=True)
class PreparedList:
    """A list shape's SQL, and whether its plan is cheap enough for the event loop."""

    statement: ListStatement
    cheap: bool
    plan: tuple[str, ...] = ()

    def weigh(self, rows: str) -> None:
        """Pages of long texts cost more than their plan tells: the next ones are read in a thread."""
        if len(rows) > HEAVY_BYTES:
            self.cheap = False


class PreparedModel:
    """Everything about one model that is worth knowing before the first request."""

    def __init__(self, spec: ModelSpec, store: Store, vault: Vault) -> None:
        self.spec = spec
        self.made: tuple[Fields, ...] = ()
        """The indexes that admins have made."""
        self._vault = vault
        self._store = store
        self._shapes: OrderedDict[ListShape, PreparedList] = OrderedDict()
        self._texts: OrderedDict[tuple[Any, ...], str] = OrderedDict()
        table = spec.table
        self.columns = tuple(str(column.name) for column in table.columns)
        self.stored_row = statements.columns_sql(table, self.columns, None)
        self.insert_columns = tuple(name for name in self.columns if name != "id")
        self.insert = statements.insert_sql(table, self.insert_columns)
        self.insert_with_id = statements.insert_sql(table, self.columns)
        self.defaults: dict[str, Any] = dict.fromkeys(self.insert_columns)
        self.defaults.update({name: default_column(field) for name, field in spec.fields.items() if name != "id"})
        self.next_id = statements.next_id_sql(table)
        self.json_columns = frozenset(str(c.name) for c in table.columns if type_name(c.type) in ("json", "tags"))
        self.bytes_columns = frozenset(str(c.name) for c in table.columns if type_name(c.type) == "bytes")
        self.boolean_columns = frozenset(str(c.name) for c in table.columns if type_name(c.type) == "boolean")
        self.relations = tuple((name, f.references) for name, f in spec.fields.items() if f.references is not None)
        self.kept_columns = tuple(
            name for name in self.columns if name in spec.fields and not spec.fields[name].info.write_only
        )
        """What history keeps: everything but secrets."""

    def list_of(self, shape: ListShape) -> PreparedList:
        """The compiled list of a shape; rarely used shapes are forgotten."""
        known = self._shapes.get(shape)
        if known is not None:
            self._shapes.move_to_end(shape)
            return known
        statement = statements.list_statement(self.spec.table, shape, made=self.made)
        plan = self._store.plan(statement.rows, statements.trial_values(shape))
        known = PreparedList(statement, statements.plan_is_cheap(plan, shape), tuple(plan))
        _keep(self._shapes, shape, known)
        return known

    def shapes(self) -> list[tuple[ListShape, PreparedList]]:
        """The list shapes that were asked for lately."""
        return list(self._shapes.items())

    def indexed(self, made: tuple[Fields, ...]) -> None:
        """Plan every list anew: these are the indexes now that admins have made of it."""
        self.made = made
        self._shapes.clear()

    def read(self, fields: tuple[str, ...], owned_by: str | None, expand: tuple[Expansion, ...] = ()) -> str:
        """SQL of one row as JSON."""
        return self._text(
            ("read", fields, owned_by, expand),
            lambda: statements.read_sql(self.spec.table, fields, owned_by, expand),
        )

    def create(self, shown: tuple[str, ...], *, with_id: bool = False) -> str:
        """SQL that inserts a row and answers it; `with_id` under an id that is given."""
        insert = self.insert_with_id if with_id else self.insert
        return self._text(("create", shown, with_id), lambda: insert + statements.returning(self.spec.table, shown))

    def insert_many(self, count: int) -> str:
        """SQL that inserts `count` whole rows, ids included, from positional parameters in the order of `columns`."""
        return self._text(("many", count), lambda: statements.insert_many_sql(self.spec.table, self.columns, count))

    def span(self, shown: tuple[str, ...]) -> str:
        """SQL of neighbouring rows as one text."""
        return self._text(("span", shown), lambda: statements.span_sql(self.spec.table, shown))

    def update(self, columns: tuple[str, ...], owned_by: str | None, shown: tuple[str, ...]) -> str:
        """SQL that changes these columns and answers the row."""
        return self._text(
            ("update", columns, owned_by, shown),
            lambda: (
                statements.update_sql(self.spec.table, columns, owned_by) + statements.returning(self.spec.table, shown)
            ),
        )

    def delete(self, owned_by: str | None) -> str:
        """SQL that deletes a row."""
        return self._text(("delete", owned_by), lambda: statements.delete_sql(self.spec.table, owned_by))

    def columns_where(self, shape: ListShape, columns: tuple[str, ...] | None = None, *, limited: bool = False) -> str:
        """SQL of plain columns of the rows of a shape."""
        wanted = columns or self.columns
        return self._text(
            ("where", shape, wanted, limited),
            lambda: statements.columns_where_sql(self.spec.table, wanted, shape, limited=limited),
        )

    def referring(self, column: str) -> str:
        """SQL of the ids of the rows whose `column` is a given id."""
        return self._text(("referring", column), lambda: statements.referring_sql(self.spec.table, column))

    def sealed(self, record_id: int, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Columns in stored form, those of write-only fields sealed for this record."""
        values = dict(columns)
        for name in self.spec.sealed:
            if values.get(name) is not None:
                sealed = self._vault.seal(values[name], Place(self.spec.name, name, record_id))
                values[name] = stored_form(sealed, is_json=name in self.json_columns)
        return values

    def revealed(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """A stored row, all columns, opened, as Python values. Raises Unreadable."""
        values = dict(zip(self.columns, row, strict=True))
        for name in self.spec.sealed:
            if values[name] is not None:
                sealed = sealed_text(values[name], is_json=name in self.json_columns)
                values[name] = self._vault.open(sealed or "", Place(self.spec.name, name, values["id"]))
        for name in self.json_columns:
            if values[name] is not None:
                values[name] = orjson.loads(values[name])
        for name in self.boolean_columns:
            if values[name] is not None:
                values[name] = bool(values[name])
        for name in self.bytes_columns:
            if values[name] is not None:
                values[name] = base64_text(values[name])
        return values

    def kept(self, row: Mapping[str, Any], only: Collection[str] | None = None) -> str:
        """What history keeps of a stored row, or of these columns of it, as JSON."""
        names = [name for name in self.kept_columns if name in row and (only is None or name in only)]
        return orjson.dumps({name: self._in_json(name, row[name]) for name in names}).decode()

    def _in_json(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in self.json_columns:
            return orjson.Fragment(value)
        if name in self.boolean_columns:
            return bool(value)
        if name in self.bytes_columns:
            return base64_text(value)
        return value

    def emptied(self, row: tuple[Any, ...]) -> list[str]:
        """The sealed fields of a stored row that were emptied because their key was lost. Raises Unreadable."""
        values = dict(zip(self.columns, row, strict=True))
        found = []
        for name in self.spec.sealed:
            is_json = name in self.json_columns
            if values[name] is not None:
                sealed = sealed_text(values[name], is_json=is_json)
                text = self._vault.open(sealed or "", Place(self.spec.name, name, values["id"]))
                if is_emptied(text, is_json=is_json):
                    found.append(name)
        return found

    def stored(self, values: dict[str, Any]) -> dict[str, Any]:
        """The other way round: Python values of `revealed` as columns."""
        return {
            name: value
            if value is None
            else orjson.dumps(value).decode()
            if name in self.json_columns
            else int(value)
            if name in self.boolean_columns
            else binascii.a2b_base64(value)
            if name in self.bytes_columns
            else value
            for name, value in values.items()
        }

    def _text(self, key: tuple[Any, ...], compile_: Any) -> str:
        known = self._texts.get(key)
        if known is None:
            known = compile_()
            _keep(self._texts, key, known)
        return known


def _keep(cache: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    cache[key] = value
    if len(cache) > MAX_SHAPES:
        cache.popitem(last=False)
