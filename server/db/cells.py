"""Single columns of many rows, looked at and rewritten as they lie."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Any

from server.db.connection import connect
from server.db.search import is_search_table
from server.errors import StartupError

_CHUNK = 500
_COLUMNS = (
    "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c "
    "WHERE t.type = 'table' ORDER BY t.name, c.cid"
)
_ERASE_DUE = "INSERT OR REPLACE INTO gridbear_meta VALUES ('erase', 'due')"
_IS_ERASE_DUE = "SELECT 1 FROM gridbear_meta WHERE name = 'erase'"
_ERASED = "DELETE FROM gridbear_meta WHERE name = 'erase'"

Execute = Callable[..., sqlite3.Cursor]
NewCell = Callable[[int, str], str | None]
"""Gets the id of a row and its value; gives the new value, or None to leave it."""


def cell_starts(path: Path, columns: list[tuple[str, str]], length: int) -> dict[tuple[str, str], list[str]]:
    """The different beginnings that the values of each (table, column) have; tables that are not there have none.

    Raises StartupError when the file can't be read.
    """
    found: dict[tuple[str, str], list[str]] = {}
    try:
        with closing(connect(path, read_only=True)) as connection:
            for table, column in columns:
                if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None:
                    rows = connection.execute(
                        f'SELECT DISTINCT substr("{column}", 1, ?) FROM "{table}" WHERE "{column}" IS NOT NULL',
                        (length,),
                    )
                    found[table, column] = [str(row[0]) for row in rows]
    except sqlite3.Error as error:
        raise StartupError(f"The secrets in {path} can't be looked at ({error}). Nothing was changed.") from error
    return found


def columns_beside(path: Path, known: Collection[str]) -> list[tuple[str, str]]:
    """(Table, column) of every table of records that is not `known`: of plugins that are not loaded, for example.

    Raises StartupError when the file can't be read.
    """
    try:
        with closing(connect(path, read_only=True)) as connection:
            found = connection.execute(_COLUMNS).fetchall()
    except sqlite3.Error as error:
        raise StartupError(f"The secrets in {path} can't be looked at ({error}). Nothing was changed.") from error
    with_id = {table for table, column in found if column == "id" and not is_search_table(table)}
    return [(table, column) for table, column in found if table in with_id.difference(known) and column != "id"]


def rewrite_cells(execute: Execute, table: str, column: str, new: NewCell) -> int:
    """Rewrite the values of a column, inside the transaction that `execute` runs in. Returns how many changed."""
    changed, after = 0, 0
    while True:
        rows = execute(
            f'SELECT id, "{column}" FROM "{table}" WHERE id > ? AND "{column}" IS NOT NULL ORDER BY id LIMIT {_CHUNK}',
            (after,),
        ).fetchall()
        for row_id, value in rows:
            cell = new(row_id, value)
            if cell is not None:
                execute(f'UPDATE "{table}" SET "{column}" = ? WHERE id = ?', (cell, row_id))
                changed += 1
        if len(rows) < _CHUNK:
            return changed
        after = rows[-1][0]


def rewrite_offline(path: Path, work: Callable[[Execute], Any], *, erase: bool) -> None:
    """Run `work` in one transaction on a file that nobody else has open.

    With `erase` nothing of the old values is left in the file or its log, also when the process dies on the way: what
    is not erased then is erased by `finish_erasing`. Raises StartupError.
    """
    try:
        with closing(connect(path)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            work(connection.execute)
            if erase:
                connection.execute(_ERASE_DUE)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StartupError(f"The secrets in {path} can't be sealed ({error}). Nothing was changed.") from error


def finish_erasing(path: Path) -> None:
    """Rewrite a file from which something is still to be erased. Costs one small read when nothing is."""
    try:
        with closing(connect(path)) as connection:
            if connection.execute(_IS_ERASE_DUE).fetchone() is None:
                return
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute(_ERASED)
    except sqlite3.Error as error:
        raise StartupError(
            f"Old values could not be erased from {path} ({error}). It is tried again at the next start."
        ) from error
