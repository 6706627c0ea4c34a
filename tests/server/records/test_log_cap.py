"""Byte caps of log-like models: kept under a flood, the oldest first, records and unfinished work never."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from server.access.actor import SYSTEM
from server.db.connection import connect
from server.db.log_sizes import LogSizes, LogStatements, RowSize
from server.models.base import Base
from server.models.catalogue import OWN_MODELS
from tests.conftest import Bear, running_bear

assert OWN_MODELS
HISTORY: Table = Base.metadata.tables["history"]
NOTES = "/api/v1/notes"
CAP = 400_000
PAGE = 4096

texts = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20_000)


@given(model=st.text("abcdefgh", min_size=1), before=texts, after=texts, record_id=st.integers(0, 2**60))
def test_python_and_sql_measure_a_row_alike(model: str, before: str | None, after: str | None, record_id: int) -> None:
    row: dict[str, Any] = dict.fromkeys([column.name for column in HISTORY.columns], None)
    row.update(model=model, before=before, after=after, record_id=record_id, actor_name="ä", verb="create")
    size = RowSize(HISTORY)
    with contextlib.closing(connect(Path(":memory:"))) as connection:
        names = ", ".join(f'"{name}"' for name in row)
        connection.execute(f"CREATE TABLE history ({names})")
        connection.execute(f"INSERT INTO history VALUES ({', '.join(f':{name}' for name in row)})", row)
        assert connection.execute(f"SELECT {size.sql()} FROM history").fetchone() == (size.of(row),)


@pytest.mark.parametrize("length", [10, 300, 1500, 3000, 5000, 30_000])
def test_what_is_counted_is_what_the_file_takes(tmp_path: Path, length: int) -> None:
    log = LogStatements(HISTORY, None)
    with contextlib.closing(connect(tmp_path / "it.db")) as connection:
        _made(connection)
        [empty] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute("BEGIN")
        for number in range(3_000_000 // (length + 200)):
            connection.execute(
                "INSERT INTO history (model, record_id, verb, actor_name, before, created_at, updated_at) "
                "VALUES ('notes', ?, 'update', 'maja', json_quote(?), ?, ?)",
                (number * 7919 % 100_000, "x" * length, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
            )
        connection.execute("COMMIT")
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        taken = (pages - empty) * PAGE
        counted = connection.execute(log.measure).fetchone()[0]
    assert 0.92 * taken <= counted <= 1.25 * taken


def _made(connection: sqlite3.Connection) -> None:
    """Make the history's table."""
    statements: list[ExecutableDDLElement] = [CreateTable(HISTORY), *(CreateIndex(index) for index in HISTORY.indexes)]
    for statement in statements:
        connection.execute(str(statement.compile(dialect=sqlite.dialect())))


@pytest.mark.anyio
async def test_under_a_flood_the_file_stays_below_the_cap_and_a_tenth(tmp_path: Path, anyio_backend: str) -> None:
    async with running_bear(tmp_path / "data", history_max_bytes=CAP) as bear:
        member = await bear.person("max")
        note = (await member.post(NOTES, json={"title": "kept", "body": "b" * 2000})).json()["data"]
        store = bear.app.records.shelf.store
        before = _used(tmp_path)
        for number in range(1500):
            await bear.app.records.update(SYSTEM, "notes", note["id"], {"body": f"{number} " + "x" * 900})
        assert _used(tmp_path) - before <= CAP * 1.1
        assert CAP * 0.8 < store.log_bytes()["history"] <= CAP
        entries = await bear.app.records.find(SYSTEM, "history", sort="id", limit=500)
        assert entries[0]["id"] > 500, "the oldest went"
        latest = await bear.app.records.find(SYSTEM, "history", sort="-id", limit=1)
        assert latest[0]["after"]["body"].startswith("1499 "), "the latest is there"
        assert (await member.get(NOTES)).json()["count"] == 1


def _used(folder: Path) -> int:
    with contextlib.closing(connect(folder / "data" / "gridbear.db")) as connection:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        [free] = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages - free) * PAGE


@pytest.mark.anyio
async def test_unfinished_tasks_stay_whatever_the_cap_says(tmp_path: Path, anyio_backend: str) -> None:
    async with running_bear(tmp_path / "data", tasks_max_bytes=20_000) as bear:
        await bear.person("max")
        records = bear.app.records

        async def task(key: str, status: str) -> int:
            values = {"owner_id": bear.ids["max"], "key": key, "kind": "test", "status": status, "result": "r" * 1500}
            return int((await records.create(SYSTEM, "tasks", values))["id"])

        running = await task("running", "running")
        finished = [await task(f"task {number}", "completed") for number in range(40)]
        kept = [row["id"] for row in await records.find(SYSTEM, "tasks", sort="id")]
        assert kept[0] == running and kept[-1] == finished[-1] and finished[0] not in kept
        await records.update(SYSTEM, "tasks", running, {"status": "completed"})
        await task("one more", "completed")
        assert running not in [row["id"] for row in await records.find(SYSTEM, "tasks", sort="id")]


@pytest.mark.anyio
async def test_a_cap_is_changed_while_the_server_runs(tmp_path: Path, anyio_backend: str) -> None:
    async with running_bear(tmp_path / "data") as bear:
        member = await bear.person("max")
        for number in range(60):
            await member.post(NOTES, json={"title": f"note {number}"})
        current = bear.app.settings.current
        bear.app.settings.publish(current.model_copy(update={"history_max_bytes": 4096}))
        await member.post(NOTES, json={"title": "one more"})
        assert bear.app.records.shelf.store.log_bytes()["history"] <= 4096
        assert (await member.get(NOTES)).json()["count"] == 61


@pytest.mark.anyio
async def test_the_count_is_exact_after_every_way_of_changing_rows_and_after_a_restart(
    tmp_path: Path, anyio_backend: str
) -> None:
    folder = tmp_path / "data"
    async with running_bear(folder) as bear:
        await _everything(bear)
    _assert_exact(folder)
    async with running_bear(folder) as bear:
        await bear.app.records.create(SYSTEM, "notes", {"title": "after a restart"})
    _assert_exact(folder)


async def _everything(bear: Bear) -> None:
    admin, member = await bear.person("ada", "admin"), await bear.person("max")
    ids = [(await member.post(NOTES, json={"title": f"note ä {n}"})).json()["data"]["id"] for n in range(6)]
    await member.patch(f"{NOTES}/{ids[0]}", json={"body": "x" * 5000})
    await member.patch(f"{NOTES}/{ids[0]}", json={"title": None})
    await member.delete(f"{NOTES}/{ids[1]}")
    await member.post(f"{NOTES}/{ids[1]}/restore")
    operations = [
        {"verb": "create", "model": "notes", "values": {"title": "undone"}},
        {"verb": "delete", "model": "notes", "id": 9999},
    ]
    assert (await member.post("/api/v1/batch", json={"operations": operations})).status_code == 404
    await member.patch(f"{NOTES}/bulk?all=true&dry_run=true", json={"priority": 3})
    await member.patch(f"{NOTES}/bulk?all=true", json={"priority": 2})
    await member.post(f"{NOTES}/import?format=json", content='[{"title": "imported"}]')
    definition = {"name": "books", "label": "Book", "label_plural": "Books",
                  "fields": [{"name": "title", "type": "text"}]}  # fmt: skip
    assert (await admin.post("/api/v1/models", json=definition)).status_code == 201
    await admin.post("/api/v1/books", json={"title": "a book"})
    assert (await admin.delete("/api/v1/models/books?confirm=true")).status_code == 200
    browser = await bear.signed_in("max")
    await browser.post("/auth/logout")
    await bear.signed_in("max")
    await bear.app.records.create(SYSTEM, "notifications", {"owner_id": bear.ids["max"], "title": "hello"})


def _assert_exact(folder: Path) -> None:
    with contextlib.closing(connect(folder / "gridbear.db")) as connection:
        counted = {
            name.removeprefix("bytes:"): int(value)
            for name, value in connection.execute("SELECT name, value FROM gridbear_meta WHERE name GLOB 'bytes:*'")
        }
        assert {"history", "sessions", "notifications"} <= counted.keys()
        for table, size in counted.items():
            log = LogStatements(Base.metadata.tables[table], None)
            assert connection.execute(log.measure).fetchone() == (size,), table


def test_a_file_without_counts_is_measured_once(tmp_path: Path) -> None:
    log = LogStatements(HISTORY, None)
    measured: list[str] = []
    with contextlib.closing(connect(tmp_path / "it.db")) as connection:
        connection.execute("CREATE TABLE gridbear_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        _made(connection)
        connection.set_trace_callback(lambda sql: measured.append(sql) if "sum(" in sql else None)
        for by in (100, 50):
            sizes = LogSizes(connection)
            sizes.grow(log, by)
            sizes.settle()
            sizes.end(True)
        assert len(measured) == 1, "the second start reads what the first one wrote"
