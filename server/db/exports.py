"""Rows on their way out: rendered by SQLite, read in order by a connection of their own."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Table

from server.db.connection import BASE64_FUNCTION, NUMBER_FUNCTION, connect
from server.db.storage import Storage
from server.db.types import type_name

SNAPSHOT_SECONDS = 60.0
BATCH_ROWS = 1000
BATCH_BYTES = 1 << 20

Next = Callable[[tuple[Any, ...] | None], tuple[str, Mapping[str, Any]]]
"""Gives SQL and values of the rows after the one with these sort keys (None: from the beginning). The first column
is the row's text, the others are its sort keys."""


def csv_row(table: Table, fields: Sequence[str]) -> str:
    """An SQL expression that renders a row as one line of CSV, without its end.

    Texts are always quoted, so that an empty text (`""`) and no value (nothing) differ.
    """
    # The empty text makes one of a single number as well.
    return "'' || " + " || ',' || ".join(_csv_value(table.c[name], table.name) for name in fields)


def _csv_value(column: Column[Any], table: str) -> str:
    name = f'"{table}"."{column.name}"'
    match type_name(column.type):
        case "boolean":
            return f"CASE {name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE '' END"
        case "number":
            return f"coalesce({NUMBER_FUNCTION}({name}), '')"
        case "bytes":
            return f"coalesce('\"' || {BASE64_FUNCTION}({name}) || '\"', '')"
        case "integer" | "file" | "date" | "datetime":
            return f"coalesce({name}, '')"
        case _:
            return f"coalesce('\"' || replace({name}, '\"', '\"\"') || '\"', '')"


class ExportReader:
    """Batches of rendered rows. A snapshot lasts at most `SNAPSHOT_SECONDS`; then it goes on after the last row.

    `batch` runs in a thread, one call at a time; `release_old` and `close` may be called from another.
    """

    def __init__(self, storage: Storage, following: Next, clock: Callable[[], float] = time.monotonic) -> None:
        self._storage = storage
        self._following = following
        self._clock = clock
        self._lock = threading.Lock()
        self._connection = connect(storage.path, read_only=True, must_exist=True)
        self._cursor: sqlite3.Cursor | None = None
        self._began = 0.0
        self._last: tuple[Any, ...] | None = None
        self._closed = False

    def batch(self) -> list[str]:
        """The next rows, none at the end. Raises what a failed query means."""
        with self._lock:
            if self._closed:
                return []
            try:
                return self._batch()
            except sqlite3.Error as error:
                raise self._storage.failure(error) from error

    def _batch(self) -> list[str]:
        if self._cursor is None:
            self._connection.execute("BEGIN")
            # The snapshot begins with the first read; what is asked for afterwards was in force when it did.
            self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            self._began = self._clock()
            sql, values = self._following(self._last)
            self._cursor = self._connection.execute(sql, values)
        texts: list[str] = []
        size = 0
        # By bytes as well: a thousand rows may hold a gigabyte of texts.
        for row in self._cursor:
            texts.append(row[0])
            self._last = row[1:]
            size += len(row[0])
            if size >= BATCH_BYTES or len(texts) >= BATCH_ROWS:
                break
        if self._clock() - self._began >= SNAPSHOT_SECONDS:
            self._end_snapshot()
        return texts

    def release_old(self) -> None:
        """End a snapshot that is too old while nobody reads: a slow client must not keep the WAL from being emptied."""
        if self._lock.acquire(blocking=False):
            try:
                if self._cursor is not None and self._clock() - self._began >= SNAPSHOT_SECONDS:
                    self._end_snapshot()
            finally:
                self._lock.release()

    def _end_snapshot(self) -> None:
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def interrupt(self) -> None:
        """Stop a query that is running in another thread."""
        if not self._closed:
            self._connection.interrupt()

    def close(self) -> None:
        """Waits for a batch that is being read."""
        with self._lock:
            self._closed = True
            self._connection.close()
