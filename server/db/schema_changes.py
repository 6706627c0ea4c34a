"""What a file needs to have the declared schema."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sqlalchemy import MetaData, Table

from server.db import file_header
from server.db.schema_fingerprint import META_TABLE, fingerprint, is_as_declared, recorded_fingerprints, schema_of


@dataclass(frozen=True, slots=True)
class SchemaChanges:
    """The difference between a file and the declarations of the loaded models."""

    version: int
    """The schema version that the file has."""
    missing: tuple[Table, ...]
    unrecorded: tuple[Table, ...]
    """As declared, but their fingerprint is not stored."""
    differing: tuple[Table, ...]

    @property
    def of_records(self) -> bool:
        """Whether tables change that may have records."""
        return bool(self.differing) or self.version < file_header.SCHEMA_VERSION


def schema_changes(connection: sqlite3.Connection, metadata: MetaData) -> SchemaChanges:
    """Compare the stored fingerprints, and where there is none or another one, what the file really has."""
    schema = schema_of(connection)
    recorded = recorded_fingerprints(connection) if META_TABLE in schema else {}
    missing, unrecorded, differing = [], [], []
    for table in metadata.sorted_tables:
        if table.name not in schema:
            missing.append(table)
        elif recorded.get(table.name) == fingerprint(table):
            continue
        elif is_as_declared(table, schema):
            unrecorded.append(table)
        else:
            differing.append(table)
    [version] = connection.execute("PRAGMA user_version").fetchone()
    return SchemaChanges(version, tuple(missing), tuple(unrecorded), tuple(differing))
