"""The header of a database file: whose it is, and how old its schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from server.errors import StartupError

APPLICATION_ID = 0x47425231
SCHEMA_VERSION = 2
"""Raised with each release that changes the schema, so that an older program does not open what it would misread."""
_MAGIC = b"SQLite format 3\x00"
_BYTES = 100
_INCREMENTAL = 2


def check_file(path: Path) -> None:
    """Look at the file's header without opening it as a database. Raises StartupError when it isn't ours to open."""
    try:
        with path.open("rb") as file:
            header = file.read(_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StartupError(f"The database {path} can't be read ({error.strerror or error}).") from error
    if not header:
        return
    version = int.from_bytes(header[60:64], "big")
    application = int.from_bytes(header[68:72], "big")
    if not header.startswith(_MAGIC) or len(header) < _BYTES or application != APPLICATION_ID:
        raise StartupError(
            f"The file {path} is not a GridBear database, or its beginning is damaged. Nothing was changed; restore a "
            "backup with `gridbear restore`, or choose another data folder with --data-dir."
        )
    if version > SCHEMA_VERSION:
        raise StartupError(
            f"The database {path} was made by a newer GridBear (schema {version}, this program knows "
            f"{SCHEMA_VERSION}). Nothing was changed; install the newer program, or go back to the file from before "
            "its upgrade with `gridbear restore --before-upgrade`."
        )


def write_header(connection: sqlite3.Connection, version: int) -> None:
    """Say in the header whose file this is, its schema's `version`, and that freed pages can be given back.

    Call it in the rollback journal, so that the header on disk says so before any WAL exists.
    """
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")
    if connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
        connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
        connection.execute("VACUUM")
