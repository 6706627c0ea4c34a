"""SQLite files of others: opened for reading alone, and trusted with nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from server.errors import ValidationFailed

MAX_VALUE_BYTES = 64 << 20
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_VALUE_BYTES,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_COLUMN: 2000,
}


class ForeignDatabase:
    """A context manager; every method raises ValidationFailed when the file is no whole SQLite database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> ForeignDatabase:
        # Immutable: neither a journal beside it nor a lock is looked for, and nothing is ever written.
        uri = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        for category, limit in _LIMITS.items():
            self._connection.setlimit(category, limit)
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
            self._connection.execute(f"PRAGMA {pragma}")
        # Bytes that are no UTF-8 come as surrogates, which the check of texts refuses with the row's number.
        self._connection.text_factory = _text
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def tables(self) -> list[str]:
        """The plain tables. Views and virtual tables run code of their maker, so they are left out."""
        try:
            rows = self._connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                "AND sql NOT LIKE 'create virtual%' ORDER BY name"
            ).fetchall()
        except sqlite3.Error as error:
            raise _damaged(error) from None
        return [str(name) for (name,) in rows]

    def columns(self, table: str) -> list[str]:
        """The columns of one of `tables`."""
        try:
            return [str(row[1]) for row in self._connection.execute(f"PRAGMA table_info({_quoted(table)})")]
        except sqlite3.Error as error:
            raise _damaged(error) from None

    def rows(self, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
        """The rows of one of `tables`, as they lie."""
        names = ", ".join(_quoted(name) for name in columns)
        try:
            yield from self._connection.execute(f"SELECT {names} FROM {_quoted(table)}")
        except (sqlite3.Error, OverflowError) as error:
            raise _damaged(error) from None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _damaged(error: Exception) -> ValidationFailed:
    return ValidationFailed(
        f"The file can't be read as a SQLite database ({error}). Send a whole file, closed by its program.",
        code="bad_file",
    )
