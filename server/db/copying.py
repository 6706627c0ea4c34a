"""Whole copies of a database that is in use."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from server.db.connection import connect
from server.durable import sync_file

_STEP = 0.1
_TELL_INSTRUCTIONS = 100_000


def copy_database(path: Path, target: Path, progress: Callable[[float], None] | None = None) -> None:
    """Write a copy of the database at `path` to `target`, which must not exist, and wait until it is on disk.

    `progress` is told how far it is, from 0 to 1; what it raises stops the copying.
    """
    told = 0.0
    stopped: Exception | None = None
    expected = max(path.stat().st_size, 1)

    def tell() -> int:
        nonlocal told, stopped
        done = min(target.stat().st_size / expected, 1.0) if target.exists() else 0.0
        if progress is not None and done >= told + _STEP:
            told = done
            try:
                progress(done)
            except Exception as error:
                # SQLite would only say that it was interrupted.
                stopped = error
                return 1
        return 0

    with closing(connect(path, must_exist=True)) as connection:
        if progress is not None:
            connection.set_progress_handler(tell, _TELL_INSTRUCTIONS)
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        except sqlite3.OperationalError:
            if stopped is not None:
                raise stopped from None
            raise
    sync_file(target)


def keep_latest(folder: Path, pattern: str, number: int) -> None:
    """Delete all but the latest `number` of the files that match `pattern`; their names sort by time."""
    for old in sorted(folder.glob(pattern))[:-number]:
        old.unlink(missing_ok=True)
