"""What a database file that nobody has open says of itself: is it whole, how old is its schema, how many rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.db.connection import connect
from server.db.faults import DOUBTS, cannot_open, fault_of
from server.db.file_header import check_file
from server.db.schema_fingerprint import META_TABLE
from server.db.search import is_search_table

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Schema version, and rows per model."""

    schema_version: int
    counts: dict[str, int]


def schema_version(path: Path) -> int:
    """The schema version of a file. Raises StartupError when it is not ours or newer than this program."""
    check_file(path)
    with path.open("rb") as file:
        return int.from_bytes(file.read(64)[60:64], "big")


def database_facts(path: Path) -> DatabaseFacts:
    """Version and row counts. Raises sqlite3.Error for a damaged file, StartupError for a foreign or newer one."""
    version = schema_version(path)
    with closing(connect(path, read_only=True, must_exist=True)) as connection:
        return DatabaseFacts(version, row_counts(connection))


def damage(path: Path, *, quick: bool = False) -> str | None:
    """What SQLite finds wrong with a file, or None when it is whole. `quick` does not compare indexes with tables.

    Raises StartupError when it can't be looked at now, which says nothing of it: the disk is full, somebody holds it.
    """
    check = "quick_check" if quick else "integrity_check"
    try:
        with closing(connect(path, must_exist=True)) as connection:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA {check}(3)")]
            return None if found == ["ok"] else "; ".join(found)
    except sqlite3.Error as error:
        if fault_of(error) not in DOUBTS:
            raise cannot_open(path, error) from error
        return str(error)


def column_rows(path: Path, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The stored values of some columns, row by row by id; none where the file has no such table."""
    names = ", ".join(f'"{column}"' for column in columns)
    with closing(connect(path, read_only=True, must_exist=True)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is None:
            return []
        return connection.execute(f'SELECT {names} FROM "{table}" ORDER BY id').fetchall()


def row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table has; what SQLite, the schema and full text keep for themselves is left out."""
    counts = {}
    for (name,) in connection.execute(_TABLES).fetchall():
        if not is_search_table(name) and not name.startswith("sqlite_") and name != META_TABLE:
            counts[str(name)] = int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
    return counts
