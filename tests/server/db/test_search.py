"""The full-text index says what the rows say, whatever happened to them before the commit."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

from server.db.connection import connect
from server.db.rebuild import create_table, drop_table
from server.db.search import SEARCHABLE
from server.db.store import Store
from server.db.transaction import Transaction

pytestmark = pytest.mark.anyio

POEMS = Table(
    "poems",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("title", Text),
    Column("body", Text),
    Column("stars", Integer),
    info={SEARCHABLE: ("title", "body")},
    sqlite_autoincrement=True,
)


@pytest.fixture
async def store(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Store]:
    path = tmp_path / "poems.db"
    connection = connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN")
    create_table(connection, POEMS)
    connection.execute("COMMIT")
    connection.close()
    store = Store(path)
    yield store
    await store.close()


def found(store: Store, words: str) -> list[int]:
    rows = store.read_now("SELECT rowid FROM poems__search WHERE poems__search MATCH :q ORDER BY rowid", {"q": words})
    return [row[0] for row in rows]


async def run(store: Store, *statements: str) -> None:
    await store.write(lambda work: [work.execute(sql) for sql in statements] and None, ("poems",))


async def check_whole(store: Store) -> None:
    # FTS5 compares every posting with the rows of the content table.
    await run(store, "INSERT INTO poems__search (poems__search, rank) VALUES ('integrity-check', 1)")


async def test_rows_are_found_as_soon_as_they_are_committed(store: Store) -> None:
    await run(store, "INSERT INTO poems (title, body) VALUES ('Autumn day', 'the shadows lengthen')")
    assert found(store, "shadows") == [1]
    await run(store, "UPDATE poems SET body = 'the light returns' WHERE id = 1")
    assert (found(store, "shadows"), found(store, "light")) == ([], [1])
    await run(store, "DELETE FROM poems WHERE id = 1")
    assert (found(store, "light"), found(store, "autumn")) == ([], [])
    await check_whole(store)


async def test_a_row_that_is_made_changed_and_deleted_in_one_unit_leaves_nothing_behind(store: Store) -> None:
    await run(
        store,
        "INSERT INTO poems (title) VALUES ('draft')",
        "UPDATE poems SET title = 'second draft'",
        "DELETE FROM poems",
        "INSERT INTO poems (id, title) VALUES (1, 'final')",
    )
    assert (found(store, "draft"), found(store, "final")) == ([], [1])
    await check_whole(store)


async def test_a_deleted_row_that_comes_back_in_the_same_unit_is_found_by_its_new_words_only(store: Store) -> None:
    await run(store, "INSERT INTO poems (title) VALUES ('old words')")
    await run(store, "DELETE FROM poems", "INSERT OR REPLACE INTO poems (id, title) VALUES (1, 'new words')")
    assert (found(store, "old"), found(store, "new")) == ([], [1])
    await check_whole(store)


async def test_a_unit_that_fails_leaves_no_words_and_its_neighbours_in_the_group_keep_theirs(store: Store) -> None:
    def fails(work: Transaction) -> None:
        work.execute("INSERT INTO poems (title) VALUES ('lost')")
        raise sqlite3.IntegrityError("no")

    results = await asyncio.gather(
        run(store, "INSERT INTO poems (title) VALUES ('kept first')"),
        store.write(fails, ("poems",)),
        run(store, "INSERT INTO poems (title) VALUES ('kept second')"),
        return_exceptions=True,
    )
    assert [isinstance(result, Exception) for result in results] == [False, True, False]
    assert (found(store, "lost"), len(found(store, "kept"))) == ([], 2)
    await check_whole(store)


async def test_a_unit_can_search_for_what_it_has_just_written(store: Store) -> None:
    def unit(work: Transaction) -> list[tuple[int]]:
        work.execute("INSERT INTO poems (title) VALUES ('just now')")
        work.settle_search()
        return work.execute("SELECT rowid FROM poems__search WHERE poems__search MATCH 'now'").fetchall()

    assert await store.write(unit, ("poems",)) == [(1,)]


async def test_what_another_program_wrote_is_found_after_the_next_write(store: Store) -> None:
    other = sqlite3.connect(store.path)
    with other:
        other.execute("INSERT INTO poems (title) VALUES ('from elsewhere')")
    other.close()
    await run(store, "UPDATE poems SET stars = 3")
    assert found(store, "elsewhere") == [1]
    await check_whole(store)


async def test_an_index_that_is_made_or_dropped_later_is_noticed(store: Store) -> None:
    songs = POEMS.to_metadata(MetaData(), name="songs")
    await store.write(lambda work: create_table(work.connection, songs), ("songs",))
    await store.write(lambda work: work.execute("INSERT INTO songs (title) VALUES ('chorus')") and None, ("songs",))
    rows = store.read_now("SELECT rowid FROM songs__search WHERE songs__search MATCH 'chorus'", {})
    assert rows == [(1,)]
    await store.write(lambda work: drop_table(work.connection, "songs"), ("songs",), exclusive=True)
    await run(store, "INSERT INTO poems (title) VALUES ('still here')")
    assert found(store, "still") == [1]
    left = store.read_now("SELECT name FROM sqlite_master WHERE name LIKE 'songs%'", {})
    assert left == []


async def test_after_many_random_changes_the_index_matches_the_rows(store: Store) -> None:
    chance = random.Random(7)
    words = ["sun", "moon", "star", "tide", "rain", "Über", "éclair"]

    def unit(work: Transaction) -> None:
        for _ in range(chance.randint(1, 6)):
            title = " ".join(chance.choices(words, k=3))
            record_id = chance.randint(1, 30)
            kind = chance.choice(("insert", "update", "delete", "stars"))
            if kind == "insert":
                work.execute("INSERT INTO poems (title, body) VALUES (?, ?)", (title, chance.choice((None, title))))
            elif kind == "update":
                work.execute("UPDATE poems SET title = ?, body = NULL WHERE id = ?", (title, record_id))
            elif kind == "delete":
                work.execute("DELETE FROM poems WHERE id = ?", (record_id,))
            else:
                work.execute("UPDATE poems SET stars = 1 WHERE id = ?", (record_id,))

    for _ in range(60):
        await asyncio.gather(*(store.write(unit, ("poems",)) for _ in range(3)))
    await check_whole(store)
    for word in words:
        rows = store.read_now("SELECT id, title, body FROM poems ORDER BY id", {})
        assert found(store, word) == [row[0] for row in rows if word in f"{row[1]} {row[2]}".split()]
