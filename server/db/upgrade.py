"""Upgrading a file that has records: checked first, changed as a copy, checked again, and only then put in place."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import sqlite

from server.db import file_header
from server.db.before_upgrade import keep_only_latest, kept_path
from server.db.connection import connect
from server.db.copying import copy_database
from server.db.migrations import MIGRATIONS
from server.db.rebuild import DoesNotFit, affinity, column_types, create_table, rebuild_table
from server.db.schema_changes import schema_changes
from server.db.schema_fingerprint import META_TABLE, record_fingerprint, recorded_fingerprints, schema_of
from server.db.schema_program import record_program
from server.db.search import SearchIndexes
from server.db.swap import remove_database, replacement_path, swap_database
from server.db.upgrade_checks import Inventory, check_before, check_space, why_failed
from server.errors import StartupError

_DIALECT = sqlite.dialect()
log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Told what is done now, and how far the whole is, from 0 to 1. What it raises ends the upgrade, with no change."""


def silent(_stage: str, _fraction: float) -> None:
    """The progress of somebody who does not want to know."""


def free_bytes(folder: Path) -> int:
    """What the disk of `folder` has left."""
    return shutil.disk_usage(folder).free


def upgrade(path: Path, metadata: MetaData, backups: Path, progress: Progress = silent) -> None:
    """Make a copy of the file, change and check that, and put it in place; the old file is kept in `backups`.

    Raises StartupError when anything is not as it must be, and what `progress` raises. The file is touched only by
    the last step, the swap.
    """
    copy = replacement_path(path)
    try:
        progress("checking the database", 0.0)
        check_space(path, free_bytes(path.parent))
        with closing(connect(path)) as connection:
            check_before(connection, path)
            before = Inventory.of(connection, metadata)
        progress("copying the database", 0.2)
        copy_database(path, copy, lambda fraction: progress("copying the database", 0.2 + 0.3 * fraction))
        with closing(connect(copy)) as connection:
            changed = _change(connection, metadata, progress)
            progress("checking the copy", 0.8)
            problem = why_failed(connection, metadata, changed, before)
        if problem:
            raise _failed(problem)
        progress("putting the upgraded database in place", 1.0)
        kept = kept_path(backups)
        swap_database(path, copy, kept)
    except (DoesNotFit, sqlite3.Error, OSError) as error:
        raise _failed(str(error)) from error
    finally:
        remove_database(copy)
    kept.chmod(0o600)
    keep_only_latest(backups)
    log.info("the database was upgraded; the file from before is %s", kept)


def _change(connection: sqlite3.Connection, metadata: MetaData, progress: Progress) -> list[Table]:
    """Bring the copy to the declared schema. Returns the tables that are other ones now."""
    # Whatever becomes of the copy, the file is still there, and the swap waits for the disk.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA foreign_keys = OFF")
    before = recorded_fingerprints(connection) if META_TABLE in schema_of(connection) else {}
    connection.execute("BEGIN")
    [version] = connection.execute("PRAGMA user_version").fetchone()
    for following in range(version + 1, file_header.SCHEMA_VERSION + 1):
        if following in MIGRATIONS:
            progress(f"converting records to schema {following}", 0.5)
            MIGRATIONS[following](connection)
    changes = schema_changes(connection, metadata)
    for table in changes.unrecorded:
        record_fingerprint(connection, table)
    for number, table in enumerate(changes.differing):
        progress(f"changing {table.name}", 0.5 + 0.3 * number / len(changes.differing))
        _check_kept(connection, table)
        rebuild_table(connection, table)
    for table in changes.missing:
        create_table(connection, table)
    # Another program may have written to the old file, and left noted rows behind.
    SearchIndexes(connection).settle(metadata.tables)
    record_program(connection)
    connection.execute(f"PRAGMA user_version = {file_header.SCHEMA_VERSION}")
    connection.execute("COMMIT")
    now = recorded_fingerprints(connection)
    return [table for table in metadata.sorted_tables if now[table.name] != before.get(table.name)]


def _check_kept(connection: sqlite3.Connection, table: Table) -> None:
    """Raise StartupError when values would be lost or read otherwise: only a written migration may do that."""
    declared = {column.name: column.type.compile(dialect=_DIALECT) for column in table.columns}
    for name, old_type in column_types(connection, table.name).items():
        if name not in declared:
            raise _unforeseen(f"{table.name}.{name} is not declared any more")
        if affinity(declared[name]) != affinity(old_type):
            raise _unforeseen(f"{table.name}.{name} is {old_type} in the file and is declared as {declared[name]}")


def _unforeseen(what: str) -> StartupError:
    return StartupError(
        f"The database needs a change that could lose values ({what}), and this program has no migration for it. "
        "Nothing was changed; use the program version that made this database."
    )


def _failed(problem: str) -> StartupError:
    return StartupError(
        f"The upgrade of the database did not succeed on its copy ({problem}). Your database was not changed; use the "
        "program version that made it, and report this."
    )
