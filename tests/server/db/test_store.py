"""The store: groups of writes, budgets of reads, totals that are exact."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.db.connection import connect
from server.db.store import READER_THREADS, Store
from server.db.transaction import Transaction
from server.errors import Busy, Conflict, InternalError
from tests.conftest import Bear

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Store]:
    path = tmp_path / "store.db"
    setup = connect(path)
    setup.execute("PRAGMA journal_mode = WAL")
    setup.execute("CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE)")
    setup.close()
    opened = Store(path, write_queue=8)
    yield opened
    await opened.close()


def _insert(name: str, *, then: Exception | None = None):  # type: ignore[no-untyped-def]  # a closure of the test
    def unit(transaction: Transaction) -> int:
        row = transaction.execute("INSERT INTO things (name) VALUES (?)", (name,))
        if then is not None:
            raise then
        return int(row.lastrowid or 0)

    return unit


async def test_a_failing_unit_undoes_only_itself(store: Store) -> None:
    told: list[int] = []
    futures = [
        store.write(_insert("a"), ("things",), told.append),
        store.write(_insert("b", then=ValueError("broken")), ("things",), told.append),
        store.write(_insert("a"), ("things",), told.append),
        store.write(_insert("c"), ("things",), told.append),
    ]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(answers[1], InternalError) and isinstance(answers[2], Conflict)
    [rows] = await store.read([("SELECT name FROM things ORDER BY id", {})])
    assert [row[0] for row in rows] == ["a", "c"]
    assert len(told) == 2, "only what was committed is told"


async def test_a_full_queue_is_refused_and_nothing_of_it_is_lost(store: Store) -> None:
    accepted, refused = [], 0
    for number in range(500):
        try:
            accepted.append(store.write(_insert(f"thing {number}"), ("things",)))
        except Busy as busy:
            assert busy.code == "write_queue_full" and busy.retry_after
            refused += 1
    await asyncio.gather(*accepted)
    [rows] = await store.read([("SELECT count(*) FROM things", {})])
    assert refused > 0 and rows[0][0] == len(accepted)


async def test_a_read_over_its_budget_goes_on_in_a_thread(store: Store) -> None:
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
    [rows] = await store.read([(sql, {})], inline=True)
    assert rows == [(300000,)]
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        store._steps = 0
        store._inline.execute(sql).fetchall()


async def test_totals_follow_every_commit(bear: Bear, admin: httpx2.AsyncClient) -> None:
    for number in range(1, 6):
        await admin.post("/api/v1/notes", json={"title": f"note {number}"})
        assert (await admin.get("/api/v1/notes?limit=1")).json()["count"] == number
    await admin.delete("/api/v1/notes/3")
    assert (await admin.get("/api/v1/notes?limit=1")).json()["count"] == 4
    assert "count" not in (await admin.get("/api/v1/notes?total=false")).json()


async def test_reader_threads_go_on_reading_a_file_that_was_moved_away(store: Store, tmp_path: Path) -> None:
    await store.write(_insert("kept"), ("things",))
    store.path.rename(tmp_path / "elsewhere.db")
    query: list[tuple[str, dict[str, Any]]] = [("SELECT name FROM things", {})]
    assert await asyncio.gather(*(store.read(query) for _ in range(4))) == [[[("kept",)]]] * 4


async def test_a_table_that_the_loops_connection_has_not_heard_of_is_looked_for_in_a_thread(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write(_insert("new"), ("things",))

    class Late:
        """A connection that has not heard of the table yet: a moment that can't be made to happen."""

        def execute(self, sql: str, parameters: object) -> None:
            raise sqlite3.OperationalError("no such table: things")

    monkeypatch.setattr(store, "_inline", Late())
    assert await store.read([("SELECT name FROM things", {})], inline=True) == [[("new",)]]
    with pytest.raises(InternalError):
        await store.read([("SELECT name FROM nothing", {})], inline=True)
    monkeypatch.undo()


ENDLESS = "WITH RECURSIVE row (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row) SELECT count(*) FROM row"


async def test_a_query_without_end_is_stopped_and_its_thread_reads_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.db.store.READ_SECONDS", 0.02)
    endless = [store.read([("SELECT 1", {}), (ENDLESS, {})]) for _ in range(READER_THREADS + 1)]
    ended = await asyncio.gather(*endless, return_exceptions=True)
    assert [type(error) for error in ended] == [Busy] * (READER_THREADS + 1)
    for _ in range(READER_THREADS):
        assert await store.read([("SELECT 1", {})]) == [[(1,)]]


async def test_somebody_with_many_long_queries_leaves_a_thread_to_others(store: Store) -> None:
    endless = [asyncio.ensure_future(store.read([(ENDLESS, {})], asker=1)) for _ in range(2 * READER_THREADS)]
    for _ in range(READER_THREADS):
        assert await store.read([("SELECT 1", {})], asker=2) == [[(1,)]]
        assert await store.read([("SELECT 1", {})]) == [[(1,)]]
    for one in endless:
        one.cancel()
    await asyncio.gather(*endless, return_exceptions=True)
    # Now it is their turn again, and nothing is kept of who asked.
    assert await store.read([("SELECT 1", {})], asker=1) == [[(1,)]]
    assert not store._turns._gates


async def test_a_query_whose_caller_has_gone_is_stopped(store: Store) -> None:
    waiting = [asyncio.ensure_future(store.read([(ENDLESS, {})])) for _ in range(READER_THREADS)]
    for one in waiting:
        while not store._readers._work_queue.empty():
            await asyncio.sleep(0)
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    # Would wait for ever behind them.
    assert await store.read([("SELECT 1", {})]) == [[(1,)]]
