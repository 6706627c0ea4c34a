"""How many bytes log-like tables take: counted in the file itself, by the transactions that change them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, UniqueConstraint

from server.db.types import type_name

# How SQLite lays out rows on pages of this size: https://www.sqlite.org/fileformat2.html#b_tree_pages
_PAGE = 4096
_ROOM = 4000
"""What a page has for rows."""
_LONGEST = 4061
"""A longer row goes on in pages of its own, each with `_OVERFLOW` bytes of it; at least `_LOCAL` stay."""
_OVERFLOW = 4092
_LOCAL = 489
_NUMBER = 2
_ROW = 8
_KEY = 12
_NUMBERS = ("integer", "file", "boolean", "number")
_KEY = 12
LOG_SIZES_SQL = "SELECT substr(name, 7), value FROM gridbear_meta WHERE name GLOB 'bytes:*'"
"""Each counted table and its bytes."""
_META = "INSERT OR REPLACE INTO gridbear_meta VALUES (:name, :value)"


class RowSize:
    """About how many bytes of the file one row of a table takes, indexes included: the same in Python and in SQL."""

    def __init__(self, table: Table) -> None:
        self._columns = {str(column.name): type_name(column.type) not in _NUMBERS for column in table.columns}
        self._texts = tuple(name for name, text in self._columns.items() if text)
        keys = [[str(part.name) for part in index.columns] for index in table.indexes]
        keys += [
            [str(part.name) for part in found.columns]
            for found in table.constraints
            if isinstance(found, UniqueConstraint)
        ]
        self._indexes = keys
        # What is the same in every row is added up once: a row is measured at every write.
        self._fixed = (len(self._columns) - len(self._texts)) * _NUMBER + len(self._columns) + _ROW
        self._keys = [
            (_KEY + _NUMBER * sum(not self._columns[name] for name in key), tuple(n for n in key if self._columns[n]))
            for key in keys
        ]

    def of(self, row: Mapping[str, Any]) -> int:
        """The bytes of a row of stored columns."""
        length = self._fixed
        for name in self._texts:
            length += _text_bytes(row.get(name))
        size = _body(length)
        for fixed, texts in self._keys:
            for name in texts:
                fixed += _text_bytes(row.get(name))
            size += fixed * 3 // 2
        return size

    def sql(self) -> str:
        """The same as an SQL expression over the table's columns."""
        sizes = {
            name: f'coalesce(length(CAST("{name}" AS BLOB)), 0)' if text else str(_NUMBER)
            for name, text in self._columns.items()
        }
        length = f"({' + '.join(sizes.values())} + {len(sizes) + _ROW})"
        over = f"({length} - {_LOCAL})"
        body = (
            f"CASE WHEN {length} <= {_LONGEST} THEN {_PAGE} / max(1, {_ROOM} / {length}) "
            f"WHEN {over} % {_OVERFLOW} > {_LONGEST - _LOCAL} "
            f"THEN ({over} / {_OVERFLOW} + 1) * {_PAGE} + {_PAGE // (_ROOM // _LOCAL)} "
            f"ELSE {over} / {_OVERFLOW} * {_PAGE} + {_PAGE} / max(1, {_ROOM} / ({_LOCAL} + {over} % {_OVERFLOW})) END"
        )
        indexes = [f"({' + '.join(sizes[name] for name in index)} + {_KEY}) * 3 / 2" for index in self._indexes]
        return " + ".join([body, *indexes])


def _body(length: int) -> int:
    """The part of its pages that a row of `length` bytes takes."""
    if length <= _LONGEST:
        return _PAGE // max(1, _ROOM // length)
    pages, rest = divmod(length - _LOCAL, _OVERFLOW)
    if rest > _LONGEST - _LOCAL:
        return (pages + 1) * _PAGE + _PAGE // (_ROOM // _LOCAL)
    return pages * _PAGE + _PAGE // max(1, _ROOM // (_LOCAL + rest))


class LogStatements:
    """The statements that a byte cap needs of its table."""

    def __init__(self, table: Table, keep: tuple[str, Sequence[str]] | None) -> None:
        """`keep` names a column and the values of rows that stay whatever the cap says."""
        self.table = table.name
        self.size = RowSize(table)
        listed = "" if keep is None else ", ".join(f"'{value}'" for value in keep[1])
        droppable = f'id < (SELECT max(id) FROM "{table.name}")' + (
            "" if keep is None else f' AND "{keep[0]}" NOT IN ({listed})'
        )
        self.measure = f'SELECT coalesce(sum({self.size.sql()}), 0) FROM "{table.name}"'
        self.oldest = f'SELECT id, {self.size.sql()} FROM "{table.name}" WHERE {droppable} ORDER BY id LIMIT :n'
        self.drop = f'DELETE FROM "{table.name}" WHERE id <= :last AND {droppable}'
        old = f'SELECT id FROM "{table.name}" WHERE created_at < :before ORDER BY id LIMIT :n'
        self.expire = f'DELETE FROM "{table.name}" WHERE id IN ({old}) RETURNING {self.size.sql()}'


class LogSizes:
    """The counts of one file, for the writer's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._committed: dict[str, int] = {}
        self._pending: dict[str, int] = {}

    def grow(self, log: LogStatements, by: int) -> int:
        """The rows of a table have just become `by` bytes more. Returns what they are now."""
        table = log.table
        if table not in self._committed:
            stored = self._stored(table)
            self._committed[table] = self._measured(log) - by if stored is None else stored
        self._pending[table] = self._pending.get(table, 0) + by
        return self._committed[table] + self._pending[table]

    def measure(self, log: LogStatements) -> int:
        """Count a table anew. Takes as long as reading it."""
        return self.grow(log, self._measured(log) - self.grow(log, 0))

    def mark(self) -> dict[str, int]:
        """What `back_to` goes back to."""
        return dict(self._pending)

    def back_to(self, mark: dict[str, int]) -> None:
        """Forget what was counted since `mark`: it was undone."""
        self._pending = mark

    def settle(self) -> None:
        """Write the counts into the file, in the transaction that they tell of."""
        for table, by in self._pending.items():
            self._connection.execute(_META, {"name": _name(table), "value": str(self._committed[table] + by)})

    def end(self, committed: bool) -> None:
        """The transaction is over."""
        if committed:
            for table, by in self._pending.items():
                self._committed[table] += by
        self._pending = {}

    def _stored(self, table: str) -> int | None:
        sql = "SELECT value FROM gridbear_meta WHERE name = ?"
        row = self._connection.execute(sql, (_name(table),)).fetchone()
        return None if row is None else int(row[0])

    def _measured(self, log: LogStatements) -> int:
        return int(self._connection.execute(log.measure).fetchone()[0])


def _name(table: str) -> str:
    return f"bytes:{table}"


def _text_bytes(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    return len(value) if isinstance(value, bytes) else len(str(value))
