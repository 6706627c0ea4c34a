"""Upgrades: of a file of the first release to a schema to come, and every reason to leave it as it is."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, Text

from server.db import copying, file_header, schema_program, upgrade
from server.db.connection import connect
from server.db.facts import row_counts
from server.db.made_indexes import MADE_SQL, by_table, create_sql
from server.db.migrate import migrate
from server.db.migrations import MIGRATIONS
from server.errors import StartupError
from server.models.base import Base, FieldInfo
from tests.server.db import next_schema

Row = tuple[object, ...]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the first release, in a folder of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    next_schema.first_release(folder / "gridbear.db")
    return folder / "gridbear.db"


@pytest.fixture
def next_release(monkeypatch: pytest.MonkeyPatch) -> MetaData:
    """The declarations of a release to come, whose program this is now."""
    monkeypatch.setattr(file_header, "SCHEMA_VERSION", next_schema.NEXT_VERSION)
    monkeypatch.setitem(MIGRATIONS, next_schema.NEXT_VERSION, next_schema.to_next)
    return next_schema.next_schema()


def things(*columns: Column[object], check: str | None = None, autoincrement: bool = True) -> MetaData:
    metadata = MetaData()
    table = Table(
        "things", metadata, Column("id", Integer, primary_key=True), *columns, sqlite_autoincrement=autoincrement
    )
    if check is not None:
        table.append_constraint(CheckConstraint(check, name="ck_things"))
    return metadata


def ask(path: Path, sql: str) -> list[Row]:
    with closing(connect(path)) as connection:
        return connection.execute(sql).fetchall()


def do(path: Path, sql: str) -> None:
    ask(path, sql)


def backups(path: Path) -> Path:
    return path.parent / "backups"


def upgraded(path: Path, metadata: MetaData) -> None:
    migrate(path, metadata, backups(path))


def content(path: Path) -> bytes:
    """The bytes of the file, after checking that it is alone in its folder."""
    assert {item.name for item in path.parent.iterdir()} <= {"gridbear.db", "backups"}
    return path.read_bytes()


def test_indexes_that_admins_made_follow_their_columns_into_the_next_release(
    path: Path, next_release: MetaData
) -> None:
    for fields in (("title", "-priority"), ("body",), ("owner_id", "done")):
        do(path, create_sql("notes", fields))
    upgraded(path, next_release)
    made = by_table(str(name) for (name,) in ask(path, MADE_SQL))
    assert made == {"notes": (("owner_id", "done"), ("text",), ("title", "-priority"))}
    [step] = ask(path, "EXPLAIN QUERY PLAN SELECT id FROM notes WHERE title = 'a' ORDER BY priority DESC")
    assert "made.notes.title.-priority" in str(step[3])
    upgraded(path, next_release)
    assert by_table(str(name) for (name,) in ask(path, MADE_SQL)) == made


def test_converted_and_added_columns_of_the_next_release_keep_every_record(path: Path, next_release: MetaData) -> None:
    before = ask(path, "SELECT id, title, body, NULL, priority, tags, owner_id, created_at FROM notes ORDER BY id")
    upgraded(path, next_release)
    now = ask(path, "SELECT id, title, text, NULL, priority, tags, owner_id, created_at FROM notes ORDER BY id")
    assert now == before and len(now) == 194
    assert ask(path, "SELECT DISTINCT mood, typeof(priority) FROM notes") == [("calm", "null"), ("calm", "real")]
    assert ask(path, "PRAGMA user_version") == [(next_schema.NEXT_VERSION,)]
    assert ask(path, "SELECT seq FROM sqlite_sequence WHERE name = 'notes'") == [(200,)]
    with pytest.raises(sqlite3.IntegrityError, match="ck_notes_mood"):
        do(path, "UPDATE notes SET mood = 'gone'")
    found = ask(path, "SELECT count(*) FROM notes__search WHERE notes__search MATCH 'honey'")
    assert found == ask(path, "SELECT count(*) FROM notes WHERE text LIKE '%Honey%'") != [(0,)]


def test_the_old_file_is_kept_as_it_was_and_only_the_last_three_are(path: Path, next_release: MetaData) -> None:
    old = {name: ask(path, f"SELECT * FROM {name} ORDER BY id") for name in ("notes", "users", "api_tokens")}
    upgraded(path, next_release)
    [kept] = backups(path).iterdir()
    assert kept.name.startswith("before-upgrade-") and kept.stat().st_mode & 0o777 == 0o600
    assert {name: ask(kept, f"SELECT * FROM {name} ORDER BY id") for name in old} == old
    assert ask(kept, "PRAGMA user_version") == [(1,)] and kept.stat().st_nlink == 1
    for number in range(4):
        do(path, "PRAGMA user_version = 1")
        do(path, "UPDATE gridbear_meta SET value = 'other' WHERE name = 'table:notes'")
        do(path, f"UPDATE notes SET title = 'round {number}' WHERE id = 1")
        with pytest.MonkeyPatch.context() as patch:
            patch.delitem(MIGRATIONS, next_schema.NEXT_VERSION)
            upgraded(path, next_release)
    titles = [
        ask(old_file, "SELECT title FROM notes WHERE id = 1")[0][0] for old_file in sorted(backups(path).iterdir())
    ]
    assert titles == ["round 1", "round 2", "round 3"]


def test_nothing_to_do_makes_no_copy_and_writes_nothing(
    path: Path, next_release: MetaData, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded(path, next_release)
    before, kept = content(path), list(backups(path).iterdir())
    monkeypatch.setattr(copying, "connect", None)
    upgraded(path, next_release)
    assert content(path) == before and list(backups(path).iterdir()) == kept


def test_tables_of_nobody_that_is_loaded_stay_word_for_word(path: Path, next_release: MetaData) -> None:
    do(path, "CREATE TABLE dens (id INTEGER PRIMARY KEY, note INTEGER REFERENCES notes(id), name CHECK (name > ''))")
    do(path, "INSERT INTO dens VALUES (7, 3, 'cosy')")
    do(path, "CREATE VIRTUAL TABLE dens__search USING fts5 (name, content = 'dens', content_rowid = 'id')")
    do(path, "INSERT INTO dens__search (dens__search) VALUES ('rebuild')")
    do(path, "CREATE TRIGGER watch AFTER UPDATE ON notes BEGIN UPDATE dens SET note = new.id; END")
    do(path, "CREATE INDEX my_own ON notes (created_at)")
    do(path, "CREATE VIEW open_notes AS SELECT id, title FROM notes WHERE NOT done")
    others = "SELECT name, sql FROM sqlite_master WHERE name GLOB 'dens*' OR name IN ('watch', 'my_own', 'open_notes')"
    before = sorted(ask(path, others))
    upgraded(path, next_release)
    assert sorted(ask(path, others)) == before
    assert ask(path, "SELECT * FROM dens") == [(7, 3, "cosy")]
    assert ask(path, "SELECT rowid FROM dens__search WHERE dens__search MATCH 'cosy'") == [(7,)]


def test_a_new_table_alone_needs_no_copy(path: Path) -> None:
    migrate(path.with_name("gridbear.db"), Base.metadata, backups(path))
    kept = list(backups(path).iterdir())
    metadata = things()
    upgraded(path, metadata)
    assert ask(path, "SELECT count(*) FROM things") == [(0,)]
    assert list(backups(path).iterdir()) == kept


@pytest.mark.parametrize(
    ("old", "new", "bad"),
    [
        (things(Column("n", Integer)), things(Column("n", Integer), check="n > 0"), "INSERT INTO things VALUES (9, 0)"),
        (
            things(Column("n", Integer), autoincrement=False),
            things(Column("n", Integer)),
            "INSERT INTO things VALUES ('x', 1)",
        ),
    ],
)
def test_a_changed_check_and_a_lost_autoincrement_are_found_without_a_stored_fingerprint(
    tmp_path: Path, old: MetaData, new: MetaData, bad: str
) -> None:
    path = tmp_path / "gridbear.db"
    upgraded(path, old)
    do(path, "INSERT INTO things VALUES (5, 1)")
    do(path, "DELETE FROM gridbear_meta WHERE name = 'table:things'")
    upgraded(path, new)
    assert ask(path, "SELECT * FROM things") == [(5, 1)]
    with pytest.raises(sqlite3.IntegrityError):
        do(path, bad)
    assert ("AUTOINCREMENT" in str(ask(path, "SELECT sql FROM sqlite_master WHERE name = 'things'"))) is True


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (things(Column("other", Text)), "things.name is not declared any more"),
        (things(Column("name", Integer)), "things.name is TEXT in the file and is declared as INTEGER"),
        (things(Column("name", Text), check="length(name) > 5"), "CHECK constraint failed: ck_things"),
        (things(Column("name", Text), Column("more", Text, nullable=False)), "must have a value"),
        (
            things(Column("name", Text, nullable=False)),
            "NOT NULL constraint failed",
        ),
    ],
)
def test_what_would_lose_values_is_refused_and_changes_nothing(tmp_path: Path, new: MetaData, said: str) -> None:
    path = tmp_path / "gridbear.db"
    upgraded(path, things(Column("name", Text)))
    do(path, "INSERT INTO things (name) VALUES ('bear'), (NULL)")
    before = content(path)
    with pytest.raises(StartupError, match=said):
        upgraded(path, new)
    assert content(path) == before and not backups(path).exists()


def test_a_migration_that_loses_a_record_is_found_out(path: Path, next_release: MetaData) -> None:
    def forgetful(connection: sqlite3.Connection) -> None:
        next_schema.to_next(connection)
        connection.execute("DELETE FROM notes WHERE id = 17")

    MIGRATIONS[next_schema.NEXT_VERSION] = forgetful
    before = content(path)
    with pytest.raises(StartupError, match="notes had 194 records and shows 193"):
        upgraded(path, next_release)
    assert content(path) == before


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE notes SET owner_id = 99 WHERE id = 4", "record 4 of notes refers to one of users that is not there"),
        ("DELETE FROM notes__search WHERE rowid = 1", "malformed"),
        ("DROP INDEX ix_notes_due_at", "notes is not as it is declared"),
        ("DROP TABLE dens", "tables of others were changed: dens"),
        ("PRAGMA user_version = 1", ""),
    ],
)
def test_a_migration_that_breaks_something_is_found_out(
    path: Path, next_release: MetaData, harm: str, said: str
) -> None:
    do(path, "CREATE TABLE dens (id INTEGER PRIMARY KEY)")

    def harmful(connection: sqlite3.Connection) -> None:
        next_schema.to_next(connection)
        connection.execute(harm)

    MIGRATIONS[next_schema.NEXT_VERSION] = harmful
    before = content(path)
    if said:
        with pytest.raises(StartupError, match=said):
            upgraded(path, next_release)
        assert content(path) == before
    else:
        upgraded(path, next_release)
        assert ask(path, "PRAGMA user_version") == [(next_schema.NEXT_VERSION,)]


def test_a_migration_that_raises_changes_nothing_and_is_no_excuse_to_start(path: Path, next_release: MetaData) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE notes SET nothing_like_it = 1")

    MIGRATIONS[next_schema.NEXT_VERSION] = broken
    before = content(path)
    with pytest.raises(StartupError, match=r"did not succeed on its copy \(no such column"):
        upgraded(path, next_release)
    assert content(path) == before


def test_a_damaged_file_is_not_upgraded(path: Path, next_release: MetaData) -> None:
    [(page, size)] = ask(path, "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master "
                               "WHERE name = 'ix_notes_due_at'")  # fmt: skip
    with path.open("rb+") as file:
        file.seek(int(str(page)) * int(str(size)) - 300)
        file.write(os.urandom(300))
    before = content(path)
    with pytest.raises(StartupError, match="(?s)is damaged .*gridbear restore"):
        upgraded(path, next_release)
    assert content(path) == before


def test_a_broken_reference_is_named_and_the_file_is_not_upgraded(path: Path, next_release: MetaData) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE notes SET owner_id = 99 WHERE id = 4")
    before = content(path)
    with pytest.raises(StartupError, match="record 4 of notes refers to one of users that is not there"):
        upgraded(path, next_release)
    assert content(path) == before


def test_without_space_for_a_copy_it_says_how_much_is_wanted(
    path: Path, next_release: MetaData, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = path.stat().st_size
    monkeypatch.setattr(upgrade, "free_bytes", lambda _folder: int(size * 2.5) - 1)
    before = content(path)
    with pytest.raises(StartupError, match=r"needs 0\.\d MB free .* free some space"):
        upgraded(path, next_release)
    assert content(path) == before
    monkeypatch.setattr(upgrade, "free_bytes", lambda _folder: int(size * 2.5))
    upgraded(path, next_release)


def test_a_file_of_a_newer_release_with_the_same_version_is_not_changed_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = next_schema.next_schema()
    monkeypatch.setattr(schema_program, "__version__", "7.10.2")
    upgraded(path, Base.metadata)
    monkeypatch.setattr(schema_program, "__version__", "7.9.0")
    upgraded(path, Base.metadata)
    before = content(path)
    with pytest.raises(StartupError, match=r"upgraded by GridBear 7\.10\.2, and this is 7\.9\.0.*--before-upgrade"):
        upgraded(path, old)
    assert content(path) == before
    upgraded(path, things())
    assert ask(path, "SELECT value FROM gridbear_meta WHERE name = 'program'") == [("7.10.2",)]


def test_the_progress_goes_from_nothing_to_all_and_may_end_it(path: Path, next_release: MetaData) -> None:
    class Enough(Exception):
        pass

    told: list[tuple[str, float]] = []

    def tell(stage: str, fraction: float) -> None:
        told.append((stage, fraction))
        if len(told) == limit:
            raise Enough

    before, limit = content(path), 1
    while True:
        told.clear()
        try:
            migrate(path, next_release, backups(path), tell)
        except Enough:
            assert content(path) == before
            limit += 1
        else:
            break
    fractions = [fraction for _stage, fraction in told]
    assert fractions == sorted(fractions) and fractions[0] == 0.0 and fractions[-1] == 1.0
    assert len({stage for stage, _fraction in told}) > 4
    assert content(path) != before
    assert row_counts_of(path)["notes"] == 194


def row_counts_of(path: Path) -> dict[str, int]:
    with closing(connect(path)) as connection:
        return row_counts(connection)


def test_every_written_migration_leads_to_a_version_of_this_program() -> None:
    assert set(MIGRATIONS) <= set(range(2, file_header.SCHEMA_VERSION + 1))


def test_a_new_column_gets_its_default_in_the_records_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "gridbear.db"
    upgraded(path, things())
    do(path, "INSERT INTO things DEFAULT VALUES")
    info = {"field": FieldInfo("Size", default=3)}
    upgraded(path, things(Column("size", Integer, nullable=False, info=info)))
    assert ask(path, "SELECT id, size FROM things") == [(1, 3)]
