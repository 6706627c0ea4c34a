"""Full-text search: one FTS5 table beside each model with searchable columns.

Triggers note the rows that changed, with what the index has of them; the writer brings the indexes up to date once
before each commit. FTS5 writes out a segment at every savepoint, and each unit of work has one: indexing at once would
cost more than all the rest of a write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from sqlalchemy import Table

SEARCHABLE = "searchable"
"""Key in `Table.info`: the names of the columns that `q` looks into."""

_PARTS = ("insert", "delete", "update")
_CHANGED = "_changed"


def searched_columns(table: Table) -> tuple[str, ...]:
    """The columns of `table` that `q` looks into."""
    return tuple(table.info.get(SEARCHABLE, ()))


def search_table(table_name: str) -> str:
    """The name of the FTS5 table of a model's table."""
    return f"{table_name}__search"


def is_search_table(name: str) -> bool:
    """Whether a table of the file is part of a full-text index (FTS5 keeps its own tables with more suffixes)."""
    return "__search" in name


def search_ddl(table: Table) -> list[str]:
    """The statements that make the index of `table` and keep it; empty when nothing is searchable."""
    columns = searched_columns(table)
    if not columns:
        return []
    index = search_table(table.name)
    changed_rows = index + _CHANGED
    names = ", ".join(f'"{name}"' for name in columns)
    old = ", ".join(f'old."{name}"' for name in columns)

    def unless_noted(row: str) -> str:
        # Not INSERT OR IGNORE: the conflict clause of the statement that fires a trigger overrides the trigger's own.
        return f'WHERE NOT EXISTS (SELECT 1 FROM "{changed_rows}" WHERE id = {row}.id);'

    forget = f'INSERT INTO "{changed_rows}" (id, indexed, {names}) SELECT old.id, 1, {old} {unless_noted("old")}'
    learn = f'INSERT INTO "{changed_rows}" (id, indexed) SELECT new.id, 0 {unless_noted("new")}'
    changed = " OR ".join(f'old."{name}" IS NOT new."{name}"' for name in columns)
    return [
        f"CREATE VIRTUAL TABLE \"{index}\" USING fts5 ({names}, content = '{table.name}', content_rowid = 'id', "
        "tokenize = 'unicode61 remove_diacritics 2')",
        f'CREATE TABLE "{changed_rows}" (id INTEGER PRIMARY KEY, indexed INTEGER NOT NULL, {names})',
        f'CREATE TRIGGER "{index}_insert" AFTER INSERT ON "{table.name}" BEGIN {learn} END',
        f'CREATE TRIGGER "{index}_delete" AFTER DELETE ON "{table.name}" BEGIN {forget} END',
        # Only when a searched column changes: most updates touch others.
        f'CREATE TRIGGER "{index}_update" AFTER UPDATE ON "{table.name}" WHEN {changed} OR old.id != new.id '
        f"BEGIN {forget} {learn} END",
    ]


def watch_ddl(table: Table) -> tuple[str, ...]:
    """The statements that end and begin the noting of new rows, for a unit that indexes its own: `index_new_sql`.

    Empty when nothing is searchable.
    """
    name = f'"{search_table(table.name)}_insert"'
    made = [statement for statement in search_ddl(table) if statement.startswith(f"CREATE TRIGGER {name} ")]
    return (f"DROP TRIGGER {name}", *made) if made else ()


def index_new_sql(table: Table) -> str:
    """Index the rows with ids from `:first` to `:last`, which nothing noted."""
    names = ", ".join(f'"{name}"' for name in searched_columns(table))
    return (
        f'INSERT INTO "{search_table(table.name)}" (rowid, {names}) '
        f'SELECT id, {names} FROM "{table.name}" WHERE id BETWEEN :first AND :last'
    )


def rank_sql(table: Table, columns: Sequence[str]) -> str:
    """An SQL expression that is least for the best hit. See `ListShape.rank_by` for `columns`."""
    index = search_table(table.name)
    if not columns:
        return f'"{index}".rank'
    # BM25 weighs a word by how many rows have it, and a hit by the length of all columns: the order of a person's own
    # rows would tell what others have written. Here hits count, and shorter texts more.
    names = searched_columns(table)
    parts = []
    for column in columns:
        text = f'"{table.name}"."{column}"'
        hits = f"(length(highlight(\"{index}\", {names.index(column)}, char(1), '')) - length({text}))"
        parts.append(f"coalesce({hits} * 2.2 / ({hits} + 0.3 + length({text}) / 500.0), 0)")
    return f"-({' + '.join(parts)})"


def drop_search(connection: sqlite3.Connection, table_name: str) -> None:
    """Remove the index of a table, if there is one."""
    index = search_table(table_name)
    for part in _PARTS:
        connection.execute(f'DROP TRIGGER IF EXISTS "{index}_{part}"')
    connection.execute(f'DROP TABLE IF EXISTS "{index}"')
    connection.execute(f'DROP TABLE IF EXISTS "{index}{_CHANGED}"')


def create_search(connection: sqlite3.Connection, table: Table) -> None:
    """Make the index of `table` and fill it from the rows that are there."""
    statements: Sequence[str] = search_ddl(table)
    for statement in statements:
        connection.execute(statement)
    if statements:
        index = search_table(table.name)
        # Merging segments less often makes writing a tenth faster; an index for prefixes would cost it a quarter.
        connection.execute(f'INSERT INTO "{index}" ("{index}", rank) VALUES (\'automerge\', 16)')
        connection.execute(f'INSERT INTO "{index}" ("{index}") VALUES (\'rebuild\')')


class SearchIndexes:
    """The full-text indexes of the file that one connection writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._schema: int | None = None
        self._statements: dict[str, tuple[str, ...]] = {}

    def settle(self, tables: Iterable[str]) -> None:
        """Bring the indexes of `tables` up to date, inside the transaction that changed their rows."""
        self._look()
        for table in tables:
            statements = self._statements.get(table)
            if statements is None:
                continue
            noted, *changes = statements
            if self._connection.execute(noted).fetchone() is not None:
                for statement in changes:
                    self._connection.execute(statement)

    def _look(self) -> None:
        """Find the indexes again when a table was made, changed or dropped since."""
        schema = self._connection.execute("PRAGMA schema_version").fetchone()[0]
        if schema == self._schema:
            return
        found = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB ?", (f"*{search_table('')}{_CHANGED}",)
        )
        tables = [str(name).removesuffix(_CHANGED).removesuffix(search_table("")) for (name,) in found]
        self._statements = {table: self._settling(table) for table in tables}
        self._schema = schema

    def _settling(self, table: str) -> tuple[str, ...]:
        index = search_table(table)
        changed_rows = index + _CHANGED
        columns = [str(name) for (name,) in self._connection.execute("SELECT name FROM pragma_table_info(?)", (index,))]
        names = ", ".join(f'"{name}"' for name in columns)
        present = ", ".join(f't."{name}"' for name in columns)
        return (
            f'SELECT 1 FROM "{changed_rows}" LIMIT 1',
            f'INSERT INTO "{index}" ("{index}", rowid, {names}) '
            f"SELECT 'delete', id, {names} FROM \"{changed_rows}\" WHERE indexed",
            f'INSERT INTO "{index}" (rowid, {names}) '
            f'SELECT t.id, {present} FROM "{changed_rows}" AS c JOIN "{table}" AS t ON t.id = c.id',
            f'DELETE FROM "{changed_rows}"',
        )
