"""Long work on backups: in a thread, one at a time, with progress, ended when the server stops."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from server.backup.making import Fraction
from server.db.faults import translate
from server.errors import Busy, Conflict, GridBearError, InternalError, StorageFull
from server.records.times import to_text

T = TypeVar("T")
What = Literal["backup", "check", "restore", "upload"]
Work = Callable[[threading.Event, Fraction], T]


@dataclass(slots=True)
class Job:
    """What is running. `progress` goes from 0 to 1."""

    what: What
    started_at: str
    progress: float = 0.0

    def told(self) -> dict[str, Any]:
        return {"what": self.what, "started_at": self.started_at, "progress": round(self.progress, 4)}


class Jobs:
    """Made on the event loop that uses it."""

    def __init__(self) -> None:
        self.running: Job | None = None
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="gridbear-backup")
        self._stop = threading.Event()
        self._done = asyncio.Event()
        self._done.set()

    async def alone(self, what: What, work: Work[T]) -> T:
        """Run `work`. Raises Conflict (`backup_running`) while other work runs, Busy when the server stops, else what
        `work` raises, with errors of the disk and of SQLite as ours."""
        if self._stop.is_set():
            raise Busy("The server is stopping.", retry_after=2.0)
        if self.running is not None:
            raise Conflict(f"A {self.running.what} is running already; wait for its end.", code="backup_running")
        job = self.running = Job(what, to_text(datetime.now(UTC)))
        self._done.clear()

        def told(fraction: float) -> None:
            job.progress = fraction

        task = asyncio.ensure_future(self.beside(work, self._stop, told))
        task.add_done_callback(self._end)
        # Whoever asked may be gone; the work goes on to its end.
        return await asyncio.shield(task)

    async def beside(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run something short, whatever else is running."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        except (OSError, sqlite3.Error) as error:
            raise _ours(error) from error

    async def close(self) -> None:
        """Stop what is running and wait until it has ended."""
        self._stop.set()
        await self._done.wait()
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    def _end(self, task: asyncio.Future[Any]) -> None:
        # Looked at, for nobody may be waiting for it any more.
        task.exception()
        self.running = None
        self._done.set()


def _ours(error: OSError | sqlite3.Error) -> GridBearError:
    if isinstance(error, sqlite3.Error):
        return translate(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
        return StorageFull(f"The disk refuses to take more ({error.strerror}). Nothing was changed; free some space.")
    place = f" {error.filename}" if error.filename else ""
    return InternalError(f"The file{place} can't be used ({error.strerror or error}). Nothing was changed.")
