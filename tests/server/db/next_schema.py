"""A schema that a later release might have, with the migration to it, and files of the first release to upgrade.

Run as a program it upgrades the database at argv[1], after a line on stdout.
"""

from __future__ import annotations

import gzip
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, MetaData, Table, Text

from server.db import file_header
from server.db.migrate import migrate
from server.db.migrations import MIGRATIONS
from server.db.rebuild import rebuild_table
from server.db.types import ChoiceText, DateTimeText, TagsText
from server.models.base import Base, FieldInfo, complete_table
from server.models.catalogue import OWN_MODELS

FIRST_SCHEMA = Path(__file__).parents[2] / "data" / "schema-1.db.gz"
NEXT_VERSION = file_header.SCHEMA_VERSION + 1


def first_release(path: Path, *, more_notes: int = 0) -> None:
    """Write the database of the first release to `path`, with more notes of Max's, whose titles are their numbers."""
    path.write_bytes(gzip.decompress(FIRST_SCHEMA.read_bytes()))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO notes (title, body, done, tags, owner_id, created_at, updated_at) "
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :more) "
            "SELECT 'number ' || i, 'the bear counts its honey pots ' || i * 7919, 0, '[]', 2, "
            "'2026-11-24T01:27:44.946Z', '2026-11-24T01:27:44.946Z' FROM n WHERE :more",
            {"more": more_notes},
        )


def notes(metadata: MetaData) -> Table:
    """Notes whose `body` is called `text`, with a mood and with a priority that may be a fraction."""
    table = Table(
        "notes",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("title", Text, nullable=False, info={"field": FieldInfo("Title", searchable=True)}),
        Column("text", Text, info={"field": FieldInfo("Text", searchable=True)}),
        Column("mood", ChoiceText("calm", "wild"), nullable=False, info={"field": FieldInfo("Mood", default="calm")}),
        Column("priority", Float, index=True),
        Column("done", Boolean, nullable=False),
        Column("due_at", DateTimeText, index=True),
        Column("tags", TagsText, nullable=False),
        Column("owner_id", Integer, ForeignKey("users.id", ondelete="RESTRICT"), index=True),
        Column("created_at", DateTimeText, nullable=False),
        Column("updated_at", DateTimeText, nullable=False),
    )
    complete_table(table)
    return table


def next_schema() -> MetaData:
    """The program's own models with these notes."""
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    for model in OWN_MODELS:
        if model.__tablename__ != "notes":
            model.__table__.to_metadata(metadata)  # type: ignore[attr-defined]  # it is a Table
    notes(metadata)
    return metadata


def to_next(connection: sqlite3.Connection) -> None:
    """The written migration."""
    frozen = MetaData(naming_convention=Base.metadata.naming_convention)
    Table("users", frozen, Column("id", Integer, primary_key=True))
    rebuild_table(connection, notes(frozen), convert={"text": "body"})


if __name__ == "__main__":
    file_header.SCHEMA_VERSION = NEXT_VERSION
    MIGRATIONS[NEXT_VERSION] = to_next
    database = Path(sys.argv[1])
    print("ready", flush=True)
    migrate(database, next_schema(), database.parent / "backups")
