"""The store: reads inline under a budget or in reader threads, writes through the one writer."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from server.db.connection import connect
from server.db.deadline import Deadline
from server.db.faults import fault_of
from server.db.log_sizes import LOG_SIZES_SQL
from server.db.storage import Storage
from server.db.table_versions import TableVersions
from server.db.turns import Turns
from server.db.writer import Together, Unit, Writer

log = logging.getLogger(__name__)

# About 2 ms of work: 20 calls of the handler, 2,000 virtual machine instructions apart.
BUDGET_STEPS = 20
STEP_INSTRUCTIONS = 2000
READER_THREADS = 3
THREADS_FOR_ONE = READER_THREADS - 1
"""So many one person may have at a time: whatever they ask for, others read on."""
READ_SECONDS = 60.0
"""So long a query may keep one of the reader threads, which are there for everybody."""

Query = tuple[str, Mapping[str, Any]]
Rows = list[tuple[Any, ...]]
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of the file, of its write-ahead log, and of pages inside the file that hold nothing."""

    database_bytes: int
    wal_bytes: int
    free_page_bytes: int


class Store:
    """One open database. Made and used on one event loop; `close` must be awaited before the loop ends."""

    def __init__(self, path: Path, *, write_queue: int = 2048, storage: Storage | None = None) -> None:
        self.path = path
        self.storage = storage or Storage(path)
        self.versions = TableVersions()
        self._steps = 0
        self._inline = _reader(path)
        # The event loop waits for nobody: what is locked is read in a thread.
        self._inline.execute("PRAGMA busy_timeout = 0")
        self.storage.watch_file()
        self._inline.set_progress_handler(self._step, STEP_INSTRUCTIONS)
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="gridbear-reader")
        self._turns = Turns(THREADS_FOR_ONE)
        self._idle_readers: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        # All are opened now: a file that is moved away later is then still read by each of them.
        for _ in range(READER_THREADS):
            self._idle_readers.put(_reader(path))
        self._writer = Writer(connect(path, must_exist=True), self.versions, write_queue, self.storage)

    def _step(self) -> int:
        self._steps += 1
        return 1 if self._steps > BUDGET_STEPS else 0

    async def read(
        self, queries: Sequence[Query], *, inline: bool = False, asker: Hashable | None = None
    ) -> list[Rows]:
        """The rows of each query, all from one snapshot. `asker`: who wants them, if not the program itself.

        `inline` runs them on the event loop at once: only for shapes whose plan is an indexed search with few rows.
        One that overruns its budget is stopped and starts again in a reader thread.
        """
        answers = self.read_inline(queries) if inline else None
        if answers is not None:
            return answers
        async with self._turns.turn(asker):
            return await self._in_thread(lambda connection: _run(connection, queries))

    def read_inline(self, queries: Sequence[Query]) -> list[Rows] | None:
        """The rows of each query, on the spot. None when they would overrun the budget, or the file is locked."""
        self._steps = 0
        try:
            return _run(self._inline, queries)
        except sqlite3.Error as error:
            if fault_of(error) not in ("interrupted", "locked") and not _may_be_news(error):
                raise self.storage.failure(error) from error
            return None

    def read_now(self, sql: str, parameters: Mapping[str, Any]) -> Rows:
        """The rows of one cheap query, on the spot and without a budget. For look-ups by primary or unique key only."""
        self._steps = -1_000_000
        try:
            return self._inline.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self.storage.failure(error) from error

    async def read_piece(self, table: str, column: str, row_id: int, begin: int, most: int) -> tuple[bytes, int]:
        """At most `most` bytes of a stored text from byte `begin` on, and how many it has in all.

        In a reader thread, which never has the whole of it. Without a row, or with nothing in it: (b"", 0).
        """
        return await self._in_thread(lambda connection: _piece(connection, table, column, row_id, begin, most))

    def plan(self, sql: str, parameters: Mapping[str, Any]) -> list[str]:
        """SQLite's plan for a query, one line per step."""
        self._steps = -1_000_000
        execute = self._inline.execute
        # To explain does not look whether the schema has changed, to read does; and a plan that was made by an older
        # schema is kept with its text.
        execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        [version] = execute("PRAGMA schema_version").fetchone()
        return [str(row[3]) for row in execute(f"EXPLAIN QUERY PLAN {sql} /* {version} */", parameters)]

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
        """Run `unit`, which changes `tables`, in the next group. See `Writer.submit`.

        Raises StorageFull in recovery; whether a low disk allows it is for the caller to know.
        """
        if self.storage.in_recovery:
            raise self.storage.refusal()
        return self._writer.submit(unit, tables, on_commit, together=together, exclusive=exclusive, attached=attached)

    @property
    def waiting(self) -> int:
        """Writes that wait for the writer."""
        return self._writer.waiting()

    def space(self) -> Space:
        """Where the bytes of the database are."""
        wal = self.path.with_name(f"{self.path.name}-wal")
        [(free,)] = self.read_now("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size", {})
        return Space(_size(self.path), _size(wal), int(free))

    def log_bytes(self) -> dict[str, int]:
        """The bytes of each log-like table that was ever written to."""
        return {str(table): int(size) for table, size in self.read_now(LOG_SIZES_SQL, {})}

    async def close(self) -> None:
        """Finish queued writes, stop the threads, fold the WAL back into the file."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._writer.close)
        await loop.run_in_executor(None, self._readers.shutdown)
        for _ in range(READER_THREADS):
            self._idle_readers.get_nowait().close()
        self._inline.close()
        if not self.storage.in_recovery:
            await loop.run_in_executor(None, _checkpoint, self.path)

    async def _in_thread(self, reading: Callable[[sqlite3.Connection], Read]) -> Read:
        deadline = Deadline()
        deadline.watch(READ_SECONDS)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._borrowed, reading, deadline)
        except asyncio.CancelledError:
            # Nobody waits for it any more.
            deadline.stop()
            raise
        finally:
            deadline.forget()

    def _borrowed(self, reading: Callable[[sqlite3.Connection], Read], deadline: Deadline) -> Read:
        connection = self._idle_readers.get()
        try:
            deadline.begin(connection)
            return reading(connection)
        except sqlite3.Error as error:
            raise self.storage.failure(error) from error
        finally:
            deadline.end()
            self._idle_readers.put(connection)


def _may_be_news(error: sqlite3.Error) -> bool:
    # A connection that does not wait can't look whether the schema has changed while the file is locked for a moment.
    return str(error).startswith("no such table")


def _reader(path: Path) -> sqlite3.Connection:
    connection = connect(path, read_only=True, must_exist=True)
    # The write-ahead log is opened by the first query, not by the connection.
    connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    return connection


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


def _piece(
    connection: sqlite3.Connection, table: str, column: str, row_id: int, begin: int, most: int
) -> tuple[bytes, int]:
    connection.execute("BEGIN")
    try:
        there = connection.execute(f"SELECT 1 FROM {table} WHERE id = ? AND {column} IS NOT NULL", (row_id,)).fetchone()
        if there is None:
            return b"", 0
        with connection.blobopen(table, column, row_id, readonly=True) as stored:
            stored.seek(min(begin, len(stored)))
            return stored.read(most), len(stored)
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _checkpoint(path: Path) -> None:
    try:
        with closing(connect(path, must_exist=True)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        # The log stays beside the file, and the next start reads both.
        log.warning("the write-ahead log could not be folded into the database: %s", error)
