"""An end to queries: what runs for too long is stopped, for others wait behind it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from types import TracebackType

_AGAIN_SECONDS = 1.0


class Deadline:
    """Around a query in a thread: `stop` ends it with SQLITE_INTERRUPT, and nothing that runs on its connection later.

    SQLite looks for it from row to row, not in the midst of one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._began: float | None = None
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, connection: sqlite3.Connection) -> None:
        """The query is about to run. Raises sqlite3.OperationalError when it was stopped before."""
        with self._lock:
            if self._stopped:
                raise sqlite3.OperationalError("interrupted")
            self._connection, self._began = connection, time.monotonic()

    def end(self) -> None:
        """The query has ended, one way or the other."""
        with self._lock:
            self._connection = None

    def stop(self) -> None:
        """Stop the query, or let it not begin."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                self._connection.interrupt()

    def watch(self, seconds: float) -> None:
        """Stop the query when it has run for so long. On the event loop; waiting for a thread does not count."""
        began = self._began
        left = seconds if began is None else began + seconds - time.monotonic()
        if left <= 0:
            self.stop()
        # Once more, should it have been between two queries at that moment.
        self._timer = asyncio.get_running_loop().call_later(left if left > 0 else _AGAIN_SECONDS, self.watch, seconds)

    def forget(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()


class TimeLimit:
    """A context in a thread of its own: queries on `connection` are stopped `seconds` after it was entered."""

    def __init__(self, connection: sqlite3.Connection, seconds: float) -> None:
        self._connection = connection
        self._deadline = Deadline()
        self._timer = threading.Timer(seconds, self._deadline.stop)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._deadline.begin(self._connection)
        self._timer.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._deadline.end()
        self._timer.cancel()
