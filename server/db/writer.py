"""The one writer: a thread that runs waiting units of work in one transaction, each in its own savepoint."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from server.db.log_sizes import LogSizes
from server.db.search import SearchIndexes
from server.db.storage import Storage
from server.db.table_versions import TableVersions
from server.db.tidying import Tidier
from server.db.transaction import Transaction
from server.errors import Busy, GridBearError, InternalError

log = logging.getLogger(__name__)

GROUP_LIMIT = 256
STAGED = "staged"
"""The schema under which a unit sees the file attached to it."""


Unit = Callable[[Transaction], Any]
"""A unit of work. A pure function of its transaction: it may be run a second time after a failed group."""

Together = Callable[[Transaction, Sequence[Any]], list[Any]]
"""Runs several units of one kind at once, with the results that each would have had alone. Kinds are told by `==`."""


@dataclass(slots=True)
class _Waiting:
    unit: Unit
    tables: tuple[str, ...]
    future: asyncio.Future[Any]
    on_commit: Callable[[Any], None] | None
    together: Together | None = None
    exclusive: bool = False
    attached: Path | None = None
    result: Any = None
    error: BaseException | None = None

    @property
    def alone(self) -> bool:
        """Whether it wants a transaction of its own."""
        return self.exclusive or self.attached is not None


class Writer:
    """Owns the only connection that writes. `submit` is called on the event loop; the work runs in the thread."""

    def __init__(self, connection: sqlite3.Connection, versions: TableVersions, limit: int, storage: Storage) -> None:
        self._connection = connection
        self._indexes = SearchIndexes(connection)
        self._sizes = LogSizes(connection)
        self._versions = versions
        self._limit = limit
        self._storage = storage
        self._tidier = Tidier(connection, storage)
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self.waiting = self._queue.qsize
        """How many units are queued."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="gridbear-writer", daemon=True)
        self._closed = False
        self._ended_by: sqlite3.Error | None = None
        self._thread.start()

    def submit(
        self,
        unit: Unit,
        tables: tuple[str, ...],
        on_commit: Callable[[Any], None] | None,
        *,
        together: Together | None = None,
        exclusive: bool = False,
        attached: Path | None = None,
    ) -> asyncio.Future[Any]:
        """Queue `unit`, which changes `tables`. The future ends after the commit, or with the unit's own error.

        An `exclusive` unit has a transaction of its own, in which foreign keys are not enforced: it rebuilds tables.
        So has one with a file `attached` (as the schema `staged`): SQLite attaches outside of a transaction.

        Units with the same `together` that wait one after the other are given to it, and run on their own if it raises.

        `on_commit` gets the result on the event loop, also when nobody waits for the future any more.
        Raises Busy when the queue is full or the store is closing.
        """
        if self._closed:
            raise Busy("The server is stopping.", retry_after=2.0)
        if self._queue.qsize() >= self._limit:
            raise Busy(
                f"{self._limit} writes are waiting already (write_queue).", code="write_queue_full", retry_after=1.0
            )
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put(_Waiting(unit, tables, future, on_commit, together, exclusive, attached))
        return future

    def close(self) -> None:
        """Finish what is queued, then end the thread and close the connection. Blocks until then."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_ = True
        held: _Waiting | None = None
        while open_ or held is not None:
            first = held or self._next()
            held = None
            if first is None:
                break
            group = [first]
            while open_ and not first.alone and len(group) < GROUP_LIMIT:
                try:
                    waiting = self._queue.get_nowait()
                except queue.Empty:
                    break
                if waiting is None:
                    open_ = False
                    break
                if waiting.alone:
                    held = waiting
                    break
                group.append(waiting)
            try:
                self._run_one_way(first, group)
            except sqlite3.Error as error:
                # What comes before a transaction can fail too, and the thread must go on.
                for waiting in group:
                    waiting.error = self._failure(error)
            self._tell(group)
            self._tidier.wrote()
            self._storage.wrote()
        self._connection.close()

    def _next(self) -> _Waiting | None:
        while True:
            try:
                return self._queue.get(timeout=self._tidier.patience)
            except queue.Empty:
                self._tidier.step()

    def _run_one_way(self, first: _Waiting, group: list[_Waiting]) -> None:
        if first.exclusive:
            self._run_exclusive(first)
        elif first.attached is not None:
            self._run_attached(first, first.attached)
        else:
            self._run_group(group)

    def _run_exclusive(self, waiting: _Waiting) -> None:
        # SQLite ignores this pragma inside a transaction, and with it on, dropping a table that is to be made again
        # would delete what refers to it.
        self._connection.execute("PRAGMA foreign_keys = OFF")
        try:
            self._run_group([waiting])
        finally:
            self._after("PRAGMA foreign_keys = ON")

    def _after(self, sql: str) -> None:
        # The transaction is over, one way or the other; this can't change what became of it.
        try:
            self._connection.execute(sql)
        except sqlite3.Error as error:
            log.error("%s failed: %s", sql, error)

    def _run_attached(self, waiting: _Waiting, path: Path) -> None:
        self._connection.execute(f"ATTACH ? AS {STAGED}", (str(path),))
        try:
            self._run_group([waiting])
        finally:
            self._after(f"DETACH {STAGED}")

    def _run_group(self, group: list[_Waiting]) -> None:
        trouble = self._storage.file_trouble()
        if trouble is not None:
            self._storage.enter_recovery(trouble)
        if self._refused(group):
            return
        failure = self._attempt(group)
        if failure is not None and not self._refused(group):
            self._retry(group, failure)

    def _refused(self, group: list[_Waiting]) -> bool:
        """Whether the file is in doubt; then nothing of the group is written."""
        if not self._storage.in_recovery:
            return False
        for waiting in group:
            waiting.result, waiting.error = None, self._storage.refusal()
        return True

    def _retry(self, group: list[_Waiting], failure: sqlite3.Error) -> None:
        if len(group) > 1 and isinstance(failure, sqlite3.IntegrityError):
            # The COMMIT itself met a constraint: find the guilty unit by giving each a transaction of its own.
            for waiting in group:
                waiting.result = waiting.error = None
                alone = self._attempt([waiting])
                if alone is not None:
                    waiting.error = self._failure(alone)
            return
        for waiting in group:
            waiting.result, waiting.error = None, self._failure(failure)

    def _attempt(self, group: list[_Waiting]) -> sqlite3.Error | None:
        """Run `group` in one transaction. None means it is committed; an error means that nothing of it is."""
        connection = self._connection
        touched = {table for waiting in group for table in waiting.tables}
        self._versions.begin(frozenset(touched))
        committed = False
        try:
            connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(connection, touched, self._indexes, self._sizes)
            for together, alike in groupby(group, lambda waiting: waiting.together):
                self._run_alike(together, list(alike), transaction, lone=len(group) == 1)
                if self._storage.in_recovery:
                    self._rollback()
                    return self._ended_by or sqlite3.OperationalError("the file is in doubt")
                if not connection.in_transaction:
                    # SQLite ends the whole transaction by itself when the disk is full or a lock is lost.
                    return self._ended_by or sqlite3.OperationalError("the transaction ended: database is locked")
            if all(waiting.error is not None for waiting in group):
                self._rollback()
                return None
            self._versions.begin(frozenset(touched))
            transaction.settle_search()
            self._sizes.settle()
            connection.execute("COMMIT")
            committed = True
        except sqlite3.Error as error:
            self._rollback()
            return error
        finally:
            self._sizes.end(committed)
            self._versions.end()
        return None

    def _run_alike(
        self, together: Together | None, alike: list[_Waiting], transaction: Transaction, *, lone: bool
    ) -> None:
        if together is not None and len(alike) > 1 and self._run_together(together, alike, transaction):
            return
        for waiting in alike:
            if not self._connection.in_transaction:
                return
            if lone:
                # Without a savepoint: when it fails, the whole transaction is undone.
                self._run_unit(waiting, transaction)
            else:
                self._run_unit_apart(waiting, transaction)

    def _run_together(self, together: Together, alike: list[_Waiting], transaction: Transaction) -> bool:
        """Run units of one kind at once. False means that nothing of it remains."""
        connection = self._connection
        connection.execute("SAVEPOINT units")
        mark = self._sizes.mark()
        try:
            results = together(transaction, [waiting.unit for waiting in alike])
        except Exception as error:
            # Each is run on its own then, so that only the guilty one fails.
            self._ended_by = error if isinstance(error, sqlite3.Error) else None
            if connection.in_transaction:
                connection.execute("ROLLBACK TO units")
                connection.execute("RELEASE units")
                self._sizes.back_to(mark)
            return False
        connection.execute("RELEASE units")
        for waiting, result in zip(alike, results, strict=True):
            waiting.result = result
        return True

    def _run_unit_apart(self, waiting: _Waiting, transaction: Transaction) -> None:
        connection = self._connection
        connection.execute("SAVEPOINT unit")
        mark = self._sizes.mark()
        self._run_unit(waiting, transaction)
        if connection.in_transaction:
            if waiting.error is not None:
                connection.execute("ROLLBACK TO unit")
                self._sizes.back_to(mark)
            connection.execute("RELEASE unit")

    def _run_unit(self, waiting: _Waiting, transaction: Transaction) -> None:
        try:
            waiting.result = waiting.unit(transaction)
        except Exception as error:
            waiting.error = self._shown(error)
            self._ended_by = error if isinstance(error, sqlite3.Error) else None

    def _shown(self, error: Exception) -> GridBearError:
        if isinstance(error, GridBearError):
            return error
        if isinstance(error, sqlite3.Error):
            return self._failure(error)
        log.error("a unit of work failed", exc_info=error)
        return InternalError("Something went wrong while saving. The log has the details.")

    def _failure(self, error: sqlite3.Error) -> GridBearError:
        shown = self._storage.failure(error)
        shown.__cause__ = error
        return shown

    def _rollback(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.error("rollback failed: %s", error)

    def _tell(self, group: list[_Waiting]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, group)
        except RuntimeError:
            log.debug("the event loop ended before %d answers could be given", len(group))


def _resolve(group: list[_Waiting]) -> None:
    for waiting in group:
        if waiting.error is None and waiting.on_commit is not None:
            try:
                waiting.on_commit(waiting.result)
            except Exception:
                log.exception("a subscriber of a committed change failed")
        if waiting.future.done():
            continue
        if waiting.error is not None:
            waiting.future.set_exception(waiting.error)
        else:
            waiting.future.set_result(waiting.result)
