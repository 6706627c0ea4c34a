"""The file: made once, added to, and never touched when it isn't ours."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text

from server.db.connection import connect
from server.db.migrate import migrate
from server.db.types import type_name
from server.errors import StartupError
from server.models.base import Base
from server.models.catalogue import OWN_MODELS

OWN_TABLES = [Base.metadata.tables[model.__tablename__] for model in OWN_MODELS]


def declared(*columns: Column[object], index: bool = False, more: bool = False) -> MetaData:
    metadata = MetaData()
    table = Table("things", metadata, Column("id", Integer, primary_key=True), *columns, sqlite_autoincrement=True)
    if index:
        Index("ix_things_id2", table.c.id)
    if more:
        Table("others", metadata, Column("id", Integer, primary_key=True), sqlite_autoincrement=True)
    return metadata


def test_every_table_keeps_its_ids_and_waits_for_no_deferred_check(tmp_path: Path) -> None:
    migrate(tmp_path / "db", Base.metadata, tmp_path / "backups")
    connection = connect(tmp_path / "db")
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    for table in OWN_TABLES:
        [sql] = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table.name,)).fetchone()
        assert "AUTOINCREMENT" in sql and "DEFERR" not in sql.upper() and "ROLLBACK" not in sql.upper()
    connection.close()


def test_booleans_choices_and_json_are_checked_by_name() -> None:
    for table in OWN_TABLES:
        names = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
        for column in table.columns:
            if type_name(column.type) in ("boolean", "choice", "json", "tags", "datetime", "integer"):
                assert f"ck_{table.name}_{column.name}" in names
        assert all(constraint.name for constraint in table.constraints)


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    migrate(tmp_path / "db", Base.metadata, tmp_path / "backups")
    before = (tmp_path / "db").read_bytes()
    migrate(tmp_path / "db", Base.metadata, tmp_path / "backups")
    assert (tmp_path / "db").read_bytes() == before


def test_columns_indexes_and_tables_are_added_to_rows_that_stay(tmp_path: Path) -> None:
    path = tmp_path / "db"
    migrate(path, declared(), tmp_path / "backups")
    connection = connect(path)
    connection.execute("INSERT INTO things DEFAULT VALUES")
    connection.close()
    migrate(path, declared(Column("note", Text), index=True, more=True), tmp_path / "backups")
    migrate(path, declared(Column("note", Text), index=True, more=True), tmp_path / "backups")
    connection = connect(path)
    assert connection.execute("SELECT id, note FROM things").fetchall() == [(1, None)]
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert {"others", "ix_things_id2"} <= names
    connection.close()


def test_a_column_that_went_away_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "db"
    migrate(path, declared(Column("old", Text)), tmp_path / "backups")
    before = sqlite3.connect(path)
    with pytest.raises(StartupError, match="things.old is not declared any more"):
        migrate(path, declared(Column("new", Text), more=True), tmp_path / "backups")
    assert [row[1] for row in before.execute("PRAGMA table_info(things)")] == ["id", "old"]
    assert before.execute("SELECT count(*) FROM sqlite_master WHERE name = 'others'").fetchone() == (0,)
    before.close()


def test_tables_of_nobody_that_is_loaded_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "db"
    migrate(path, declared(more=True), tmp_path / "backups")
    migrate(path, declared(Column("note", Text)), tmp_path / "backups")
    connection = connect(path)
    assert connection.execute("SELECT count(*) FROM others").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("content", [b"hello", b"x" * 5000, b"SQLite format 3\x00" + b"\x00" * 50])
def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "db").write_bytes(content)
    with pytest.raises(StartupError, match="not a GridBear database"):
        migrate(tmp_path / "db", Base.metadata, tmp_path / "backups")
    assert (tmp_path / "db").read_bytes() == content and list(tmp_path.iterdir()) == [tmp_path / "db"]


@pytest.mark.parametrize(("pragma", "said"), [("user_version = 99", "newer"), ("application_id = 7", "not a GridBear")])
def test_a_newer_or_foreign_database_is_refused_untouched(tmp_path: Path, pragma: str, said: str) -> None:
    path = tmp_path / "db"
    migrate(path, Base.metadata, tmp_path / "backups")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute(f"PRAGMA {pragma}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StartupError, match=said):
        migrate(path, Base.metadata, tmp_path / "backups")
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
