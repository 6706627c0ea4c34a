"""Bring the file to the schema of the loaded models: create it, or add what is missing. Nothing else is automatic."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from server.db.connection import connect
from server.db.file_header import SCHEMA_VERSION, check_file, write_header
from server.db.search import create_search, search_table, searched_columns
from server.errors import StartupError

_DIALECT = sqlite.dialect()
_META = "CREATE TABLE IF NOT EXISTS gridbear_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


def migrate(path: Path, metadata: MetaData) -> None:
    """Create the database or add missing tables, columns and indexes, in one transaction.

    Raises StartupError when the file needs a change that is not an addition.
    """
    check_file(path)
    fresh = not path.exists() or path.stat().st_size == 0
    try:
        connection = connect(path)
        try:
            if fresh:
                write_header(connection, SCHEMA_VERSION)
            connection.execute("PRAGMA journal_mode = WAL")
            wanted = fingerprint(metadata)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_META)
            row = connection.execute("SELECT value FROM gridbear_meta WHERE name = 'schema'").fetchone()
            if row is None or row[0] != wanted:
                _add_missing(connection, metadata)
                connection.execute("INSERT OR REPLACE INTO gridbear_meta VALUES ('schema', ?)", (wanted,))
            connection.execute("COMMIT")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StartupError(
            f"The database {path} can't be opened ({error}). Nothing was changed; check that the file is whole and "
            "no other program uses it."
        ) from error


def fingerprint(metadata: MetaData) -> str:
    """A hash of the declared schema: two programs with the same one need no look at each other's files."""
    parts = []
    for table in metadata.sorted_tables:
        parts.append(_sql(CreateTable(table)))
        parts += sorted(_sql(CreateIndex(index)) for index in table.indexes)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _add_missing(connection: sqlite3.Connection, metadata: MetaData) -> None:
    present = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in metadata.sorted_tables:
        if table.name not in present:
            _create(connection, table)
    if present & set(metadata.tables):
        _add_columns(connection, metadata, present)
    # Last: while a full-text table is open, SQLite lets nobody define functions, as SQLAlchemy does for Alembic.
    for table in metadata.sorted_tables:
        if searched_columns(table) and search_table(table.name) not in present:
            create_search(connection, table)


def _create(connection: sqlite3.Connection, table: Table) -> None:
    connection.execute(_sql(CreateTable(table)))
    for index in table.indexes:
        connection.execute(_sql(CreateIndex(index)))


def _sql(statement: CreateTable | CreateIndex) -> str:
    # In SQLite's dialect: the general one leaves AUTOINCREMENT out, and ids would be given again.
    return str(statement.compile(dialect=_DIALECT))


class _Held:
    """A driver connection whose transaction is ended by `migrate` alone; SQLAlchemy would roll it back when done."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Left to `migrate`."""

    def rollback(self) -> None:
        """Left to `migrate`, which rolls back by closing."""

    def close(self) -> None:
        """Left to `migrate`."""


def _add_columns(connection: sqlite3.Connection, metadata: MetaData, present: set[str]) -> None:
    # Alembic costs a quarter of a second to import and is needed only where a file meets a newer declaration.
    from alembic.autogenerate import produce_migrations
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.operations.ops import AddColumnOp, CreateIndexOp, ModifyTableOps, OpContainer

    engine = create_engine("sqlite://", creator=lambda: _Held(connection), poolclass=StaticPool)
    known = set(metadata.tables)
    with engine.connect() as bound:
        context = MigrationContext.configure(
            bound,
            opts={
                "include_object": lambda _o, name, kind, _r, other: (
                    kind != "table" or (name in known and name in present)
                ),
                "compare_type": False,
            },
        )
        operations = Operations(context)
        script = produce_migrations(context, metadata)
        changes: list[object] = []
        for step in script.upgrade_ops.ops if script.upgrade_ops else ():
            changes += step.ops if isinstance(step, (ModifyTableOps, OpContainer)) else [step]
        for change in changes:
            if isinstance(change, (AddColumnOp, CreateIndexOp)):
                operations.invoke(change)
                continue
            raise StartupError(
                "The database needs a change that is not a plain addition "
                f"({type(change).__name__.removesuffix('Op')}), and this program has no migration for it. "
                "Nothing was changed; use the program version that made this database."
            )
