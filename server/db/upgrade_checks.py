"""What must be true of a database file before an upgrade, and of its changed copy before that takes its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData, Table

from server.db import file_header
from server.db.facts import row_counts
from server.db.schema_fingerprint import META_TABLE, is_as_declared, quoted, schema_of
from server.db.search import search_table, searched_columns
from server.db.statements import ListShape, list_statement
from server.errors import StartupError

SPACE_FACTOR = 2.5


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a file has that an upgrade must not lose."""

    counts: Mapping[str, int]
    """Rows by table."""
    others: Mapping[str, str]
    """The statements of everything that belongs to no loaded model."""

    @classmethod
    def of(cls, connection: sqlite3.Connection, metadata: MetaData) -> Inventory:
        """Take it of an open file."""
        rows = connection.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE name NOT GLOB 'sqlite_*'")
        ours = {META_TABLE} | {name for table in metadata.tables for name in (table, search_table(table))}
        others = {str(name): str(sql) for name, table, sql in rows if not _belongs(str(table), ours)}
        return cls(row_counts(connection), others)


def check_space(path: Path, free_bytes: int) -> None:
    """Raise StartupError when the disk has no room for a copy of the file that is changed and checked."""
    size = sum(file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.exists())
    wanted = int(size * SPACE_FACTOR)
    if free_bytes < wanted:
        raise StartupError(
            f"The database must be upgraded, and that needs {_megabytes(wanted)} free on the disk of {path.parent}; "
            f"{_megabytes(free_bytes)} are. Nothing was changed; free some space, or move the data folder, then start "
            "again."
        )


def check_before(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StartupError when the file is damaged already: an upgrade would make it worse."""
    damage = _damage(connection)
    if damage is not None:
        raise StartupError(
            f"The database {path} must be upgraded and is damaged ({damage}). Nothing was changed; restore a backup "
            "with `gridbear restore`."
        )
    broken = _broken_reference(connection)
    if broken is not None:
        raise StartupError(
            f"The database {path} must be upgraded, and {broken}. Nothing was changed; start the program version that "
            "made this database and delete or correct that record, or restore a backup."
        )


def why_failed(connection: sqlite3.Connection, metadata: MetaData, changed: list[Table], before: Inventory) -> str:
    """What is wrong with the changed copy; empty when nothing is.

    changed: the tables that were made again, whose full-text index is compared with their rows.
    """
    schema = schema_of(connection)
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version != file_header.SCHEMA_VERSION:
        return f"its schema is {version}, not {file_header.SCHEMA_VERSION}"
    for table in changed:
        if not is_as_declared(table, schema):
            return f"{table.name} is not as it is declared"
    now = Inventory.of(connection, metadata)
    if now.others != before.others:
        return "tables of others were changed: " + ", ".join(_differing(before.others, now.others))
    for name, count in before.counts.items():
        listed = now.counts.get(name)
        if name in metadata.tables:
            listed = connection.execute(list_statement(metadata.tables[name], ListShape()).count).fetchone()[0]
        if now.counts.get(name) != count or listed != count:
            return f"{name} had {count} records and shows {listed}"
    for table in changed:
        if searched_columns(table):
            index = quoted(search_table(table.name))
            # Compared with the rows themselves; it raises when they differ.
            connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
    return _damage(connection) or _broken_reference(connection) or ""


def _belongs(table: str, ours: set[str]) -> bool:
    # FTS5 keeps tables of its own with more after the name of the index.
    return table in ours or any(table.startswith(f"{name}_") for name in ours if name.endswith(search_table("")))


def _damage(connection: sqlite3.Connection) -> str | None:
    try:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == ["ok"] else "; ".join(found)


def _broken_reference(connection: sqlite3.Connection) -> str | None:
    found = connection.execute("PRAGMA foreign_key_check").fetchone()
    return None if found is None else f"record {found[1]} of {found[0]} refers to one of {found[2]} that is not there"


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"
