"""The store: reads inline under a budget or in reader threads, writes through the one writer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from server.db.connection import connect
from server.db.faults import translate
from server.db.writer import TableVersions, Together, Unit, Writer

# About 2 ms of work: 20 calls of the handler, 2,000 virtual machine instructions apart.
BUDGET_STEPS = 20
STEP_INSTRUCTIONS = 2000
READER_THREADS = 2

Query = tuple[str, Mapping[str, Any]]
Rows = list[tuple[Any, ...]]


class Store:
    """One open database. Made and used on one event loop; `close` must be awaited before the loop ends."""

    def __init__(self, path: Path, *, write_queue: int = 2048) -> None:
        self.path = path
        self.versions = TableVersions()
        self._steps = 0
        self._inline = connect(path, read_only=True)
        self._inline.set_progress_handler(self._step, STEP_INSTRUCTIONS)
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="gridbear-reader")
        self._local = threading.local()
        self._reader_connections: list[sqlite3.Connection] = []
        self._writer = Writer(connect(path), self.versions, write_queue)

    def _step(self) -> int:
        self._steps += 1
        return 1 if self._steps > BUDGET_STEPS else 0

    async def read(self, queries: Sequence[Query], *, inline: bool = False) -> list[Rows]:
        """The rows of each query, all from one snapshot.

        `inline` runs them on the event loop at once: only for shapes whose plan is an indexed search with few rows.
        One that overruns its budget is stopped and starts again in a reader thread.
        """
        if inline:
            self._steps = 0
            try:
                return _run(self._inline, queries)
            except sqlite3.OperationalError as error:
                if "interrupted" not in str(error):
                    raise translate(error) from error
            except sqlite3.Error as error:
                raise translate(error) from error
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_in_thread, queries)

    def read_now(self, sql: str, parameters: Mapping[str, Any]) -> Rows:
        """The rows of one cheap query, on the spot and without a budget. For look-ups by primary or unique key only."""
        self._steps = -1_000_000
        try:
            return self._inline.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate(error) from error

    def plan(self, sql: str, parameters: Mapping[str, Any]) -> list[str]:
        """SQLite's plan for a query, one line per step."""
        self._steps = -1_000_000
        return [str(row[3]) for row in self._inline.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]

    def write(
        self,
        unit: Unit,
        tables: tuple[str, ...],
        on_commit: Callable[[Any], None] | None = None,
        *,
        together: Together | None = None,
        exclusive: bool = False,
        attached: Path | None = None,
    ) -> asyncio.Future[Any]:
        """Run `unit`, which changes `tables`, in the next group. See `Writer.submit`."""
        return self._writer.submit(unit, tables, on_commit, together=together, exclusive=exclusive, attached=attached)

    async def close(self) -> None:
        """Finish queued writes, stop the threads, fold the WAL back into the file."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._writer.close)
        await loop.run_in_executor(None, self._readers.shutdown)
        for connection in self._reader_connections:
            connection.close()
        self._inline.close()
        await loop.run_in_executor(None, _checkpoint, self.path)

    def _read_in_thread(self, queries: Sequence[Query]) -> list[Rows]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self.path, read_only=True)
            self._reader_connections.append(connection)
        try:
            return _run(connection, queries)
        except sqlite3.Error as error:
            raise translate(error) from error


def _run(connection: sqlite3.Connection, queries: Sequence[Query]) -> list[Rows]:
    if len(queries) == 1:
        sql, parameters = queries[0]
        return [connection.execute(sql, parameters).fetchall()]
    connection.execute("BEGIN")
    try:
        return [connection.execute(sql, parameters).fetchall() for sql, parameters in queries]
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def _checkpoint(path: Path) -> None:
    connection = connect(path)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
