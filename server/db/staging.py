"""Rows on their way in: checked and staged in a file of their own, then taken over with few large statements."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Index, Table, UniqueConstraint

from server.db.connection import connect
from server.db.faults import translate
from server.db.search import index_new_sql, search_table, searched_columns, watch_ddl
from server.db.storage import Storage
from server.db.writer import STAGED

ROW = "gridbear_row"
"""The number of the row in the file that it came from."""
CONSTANT = "c_"
"""Begins the names of constants as parameters, so that a field can be called as it likes."""
_BULK_HASH_BYTES = 16 << 20
_HASH_BYTES = 1 << 20
_AUTOMERGE = 4


class Staging:
    """A file of staged rows, filled by one thread. Not crash-safe: it is worth nothing once the process is gone."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = tuple(columns)
        self.rows = 0
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = OFF")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute("PRAGMA cache_size = -4096")
            # Without types: a value stays what it was checked to be.
            names = "".join(f', "{name}"' for name in self.columns)
            self._connection.execute(f"CREATE TABLE rows ({ROW} INTEGER PRIMARY KEY{names})")
            self._connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise translate(error) from error
        self._insert = f"INSERT INTO rows VALUES ({', '.join('?' * (len(self.columns) + 1))})"

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Stage rows, each its number and its columns."""
        try:
            self.rows += self._connection.executemany(self._insert, rows).rowcount
        except sqlite3.Error as error:
            raise translate(error) from error

    def finish(self) -> None:
        """No more rows come; the file can be attached."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate(error) from error
        self._connection.close()


@contextlib.contextmanager
def staged_reader(storage: Storage, staged: Path) -> Iterator[sqlite3.Connection]:
    """A reading connection of its own that sees the staged rows beside the records."""
    connection = connect(storage.path, read_only=True, must_exist=True)
    try:
        connection.execute(f"ATTACH ? AS {STAGED}", (str(staged),))
        yield connection
    except sqlite3.Error as error:
        raise storage.failure(error) from error
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class BulkInsert:
    """How staged rows become rows of a table: `columns` come from the file, `constants` are parameters `c_name`."""

    table: Table
    columns: tuple[str, ...]
    constants: tuple[str, ...]

    def insert_sql(self) -> str:
        """Insert the rows from `:low` to `:high` whose numbers are not in the JSON array `:bad`."""
        names = ", ".join(f'"{name}"' for name in (*self.columns, *self.constants))
        values = ", ".join(
            [*(f's."{name}"' for name in self.columns), *(f":{CONSTANT}{name}" for name in self.constants)]
        )
        return (
            f'INSERT INTO "{self.table.name}" ({names}) SELECT {values} FROM {STAGED}.rows AS s '
            f"WHERE s.{ROW} BETWEEN :low AND :high AND s.{ROW} NOT IN (SELECT value FROM json_each(:bad)) "
            f"ORDER BY s.{ROW}"
        )

    def unique_sets(self) -> list[tuple[str, ...]]:
        """The columns that no two rows may share, as far as they come from the file."""
        found = [tuple(column.name for column in part.columns) for part in self.table.constraints
                 if isinstance(part, UniqueConstraint)]  # fmt: skip
        found += [names for index in self.table.indexes if (names := _unique_index(index))]
        if "id" in self.columns:
            found.append(("id",))
        known = {*self.columns, *self.constants}
        return [names for names in found if known.issuperset(names) and not set(names).isdisjoint(self.columns)]

    def taken_sql(self, names: Sequence[str]) -> str:
        """Numbers of staged rows whose values of `names` are taken, by stored rows or by staged ones before them.

        From `:low` to `:high`, at most `:row_limit`.
        """
        mine = {name: f's."{name}"' if name in self.columns else f":{CONSTANT}{name}" for name in names}
        same = " AND ".join(f't."{name}" = {mine[name]}' for name in names)
        staged = [name for name in names if name in self.columns]
        by = ", ".join(f'"{name}"' for name in staged)
        given = " AND ".join(f'"{name}" IS NOT NULL' for name in staged)
        constants = "".join(f" AND :{CONSTANT}{name} IS NOT NULL" for name in names if name in self.constants)
        window = f"{ROW} BETWEEN :low AND :high"
        return (
            f'SELECT s.{ROW} FROM {STAGED}.rows AS s JOIN "{self.table.name}" AS t ON {same} WHERE s.{window} '
            f"UNION SELECT {ROW} FROM (SELECT {ROW}, row_number() OVER (PARTITION BY {by} ORDER BY {ROW}) AS n "
            f"FROM {STAGED}.rows WHERE {window} AND {given}{constants}) WHERE n > 1 ORDER BY 1 LIMIT :row_limit"
        )

    def ids_sql(self) -> str:
        """The largest id of the table."""
        return f'SELECT max(id) FROM "{self.table.name}"'

    def prepare_search(self) -> list[str]:
        """Statements that make the full-text index take many rows at once: fewer, larger pieces, and nothing noted."""
        return [*self._search(hashsize=_BULK_HASH_BYTES, automerge=0), *self._watch[:1]]

    def index_sql(self) -> list[str]:
        """Statements that index the inserted rows, with ids from `:first` to `:last`, after `prepare_search`."""
        return [index_new_sql(self.table)] if self._watch else []

    def restore_search(self) -> list[str]:
        """Statements that undo `prepare_search`."""
        return [*self._watch[1:], *self._search(hashsize=_HASH_BYTES, automerge=_AUTOMERGE)]

    @property
    def _watch(self) -> tuple[str, ...]:
        # To note a row and find it again costs a third of storing it. Rows that bring ids are not one stretch of them.
        return () if "id" in self.columns else watch_ddl(self.table)

    def _search(self, **options: int) -> list[str]:
        if not searched_columns(self.table):
            return []
        index = search_table(self.table.name)
        return [f'INSERT INTO "{index}" ("{index}", rank) VALUES (\'{name}\', {value})'
                for name, value in options.items()]  # fmt: skip


def missing_sql(column: str, target: Table, owned_by: str | None, *, none: bool) -> str:
    """Number and value of staged rows whose `column` refers to no row of `target` that `:actor_id` may read.

    From `:low` to `:high`, at most `:row_limit`. With `none` they may read no row at all.
    """
    owned = "" if owned_by is None else f' AND t."{owned_by}" = :actor_id'
    absent = "" if none else f' AND NOT EXISTS (SELECT 1 FROM "{target.name}" AS t WHERE t.id = s."{column}"{owned})'
    return (
        f'SELECT s.{ROW}, s."{column}" FROM {STAGED}.rows AS s WHERE s.{ROW} BETWEEN :low AND :high '
        f'AND s."{column}" IS NOT NULL{absent} ORDER BY s.{ROW} LIMIT :row_limit'
    )


def _unique_index(index: Index) -> tuple[str, ...] | None:
    # A partial index or one on expressions is left to SQLite itself.
    names = tuple(getattr(part, "name", None) for part in index.expressions)
    if not index.unique or index.dialect_options["sqlite"].get("where") is not None or None in names:
        return None
    return tuple(str(name) for name in names)
