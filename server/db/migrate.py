"""Bring the file to the schema of the loaded models: make it, or let it be upgraded, or find that nothing is to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import MetaData

from server.db import file_header
from server.db.connection import connect
from server.db.faults import cannot_open
from server.db.file_header import check_file, write_header
from server.db.rebuild import create_table
from server.db.schema_changes import SchemaChanges, schema_changes
from server.db.schema_fingerprint import record_fingerprint, schema_of
from server.db.schema_program import check_program, record_program
from server.db.swap import finish_interrupted
from server.db.upgrade import Progress, silent, upgrade


def migrate(path: Path, metadata: MetaData, backups: Path, progress: Progress = silent) -> None:
    """Create the database, or bring it to the declared schema. Tables that `metadata` does not have stay as they are.

    New tables are made in the file. Everything else happens on a copy of it (see `server.db.upgrade`), and the old
    file is kept in the folder `backups`. Nothing has the file open, and the caller holds the data folder.

    Raises StartupError when the file is not ours, newer, damaged, or does not fit; it is as it was then.
    """
    finish_interrupted(path, [backups])
    check_file(path)
    try:
        with closing(connect(path)) as connection:
            if not schema_of(connection):
                write_header(connection, file_header.SCHEMA_VERSION)
            connection.execute("PRAGMA journal_mode = WAL")
            changes = schema_changes(connection, metadata)
            if not changes.of_records:
                _change_in_place(connection, changes)
                return
            check_program(connection, path)
        upgrade(path, metadata, backups, progress)
    except sqlite3.Error as error:
        raise cannot_open(path, error) from error


def _change_in_place(connection: sqlite3.Connection, changes: SchemaChanges) -> None:
    """Make tables that nobody has written to yet: one transaction does, and a copy would protect nothing more."""
    if not changes.missing and not changes.unrecorded:
        return
    connection.execute("BEGIN IMMEDIATE")
    for table in changes.missing:
        create_table(connection, table)
    for table in changes.unrecorded:
        record_fingerprint(connection, table)
    record_program(connection)
    connection.execute("COMMIT")
