"""Full-text search: one FTS5 table beside each model with searchable columns, kept by triggers."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlalchemy import Table

SEARCHABLE = "searchable"
"""Key in `Table.info`: the names of the columns that `q` looks into."""

_PARTS = ("insert", "delete", "update")


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
    names = ", ".join(f'"{name}"' for name in columns)
    new, old = (", ".join(f'{row}."{name}"' for name in columns) for row in ("new", "old"))
    forget = f'INSERT INTO "{index}" ("{index}", rowid, {names}) VALUES (\'delete\', old.id, {old});'
    learn = f'INSERT INTO "{index}" (rowid, {names}) VALUES (new.id, {new});'
    changed = " OR ".join(f'old."{name}" IS NOT new."{name}"' for name in columns)
    return [
        f"CREATE VIRTUAL TABLE \"{index}\" USING fts5 ({names}, content = '{table.name}', content_rowid = 'id', "
        "tokenize = 'unicode61 remove_diacritics 2')",
        f'CREATE TRIGGER "{index}_insert" AFTER INSERT ON "{table.name}" BEGIN {learn} END',
        f'CREATE TRIGGER "{index}_delete" AFTER DELETE ON "{table.name}" BEGIN {forget} END',
        # Only when a searched column changes: most updates touch others.
        f'CREATE TRIGGER "{index}_update" AFTER UPDATE ON "{table.name}" WHEN {changed} OR old.id != new.id '
        f"BEGIN {forget} {learn} END",
    ]


def drop_search(connection: sqlite3.Connection, table_name: str) -> None:
    """Remove the index of a table, if there is one."""
    index = search_table(table_name)
    for part in _PARTS:
        connection.execute(f'DROP TRIGGER IF EXISTS "{index}_{part}"')
    connection.execute(f'DROP TABLE IF EXISTS "{index}"')


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
