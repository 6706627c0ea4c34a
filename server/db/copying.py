"""Whole copies of a database that is in use."""

from __future__ import annotations

import os
from pathlib import Path

from server.db.connection import connect


def copy_database(path: Path, target: Path) -> None:
    """Write a copy of the database at `path` to `target`, which must not exist, and wait until it is on disk."""
    connection = connect(path, read_only=False)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    finally:
        connection.close()
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def keep_latest(folder: Path, pattern: str, number: int) -> None:
    """Delete all but the latest `number` of the files that match `pattern`; their names sort by time."""
    for old in sorted(folder.glob(pattern))[:-number]:
        old.unlink(missing_ok=True)
