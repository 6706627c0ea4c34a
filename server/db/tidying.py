"""What the writer does when nothing else is to do: give freed pages back to the disk, fold the log into the file."""

from __future__ import annotations

import logging
import sqlite3

from server.db.connection import BUSY_MILLISECONDS
from server.db.faults import fault_of
from server.db.storage import Storage

log = logging.getLogger(__name__)

IDLE_SECONDS = 2.0
"""So long nothing was written before it begins."""
PAUSE_SECONDS = 0.02
"""Between two steps, so that reading gets the disk too."""
RETRY_SECONDS = 30.0
"""Somebody reads an old state of the file, and the log can't be cut: later again."""
STEP_PAGES = 128
KEPT_PAGES = 256
"""So many free pages stay in the file for the next rows."""


class Tidier:
    """Lives in the writer's thread. Each step is short; a write waits for one step at most."""

    def __init__(self, connection: sqlite3.Connection, storage: Storage) -> None:
        self._connection = connection
        self._storage = storage
        self._wait: float | None = IDLE_SECONDS

    @property
    def patience(self) -> float | None:
        """Seconds without a write until the next step; None when nothing is to do."""
        return self._wait

    def wrote(self) -> None:
        """There was a write: begin anew."""
        self._wait = IDLE_SECONDS

    def step(self) -> None:
        """Do one step."""
        try:
            self._wait = None if self._storage.in_recovery else self._step()
        except sqlite3.Error as error:
            self._storage.failed(fault_of(error))
            log.info("freed pages could not be given back: %s", error)
            self._wait = RETRY_SECONDS

    def _step(self) -> float | None:
        execute = self._connection.execute
        [free] = execute("PRAGMA freelist_count").fetchone()
        if free > KEPT_PAGES:
            # `execute` would stop after the first page: the pragma moves one per step and has no columns.
            self._connection.executescript(f"PRAGMA incremental_vacuum({min(STEP_PAGES, free - KEPT_PAGES)})")
            return PAUSE_SECONDS
        execute("PRAGMA busy_timeout = 0")
        try:
            [held, _, _] = execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        return RETRY_SECONDS if held else None
