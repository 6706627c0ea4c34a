"""A database that somebody else holds, and a writer that is stuck: waiting, then clear answers, then all is well."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from server.db import connection as connections
from server.db.connection import connect
from server.db.transaction import Transaction
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

NOTES = "/api/v1/notes"
QUEUE = 20


@contextlib.contextmanager
def held(database: Path) -> Iterator[None]:
    """Another program that writes and does not come to an end."""
    with contextlib.closing(connect(database)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
async def bear(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data", write_queue=QUEUE) as running:
        yield running


@pytest.fixture
async def impatient(tmp_path: Path, anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bear]:
    """A server that waits for a lock for a moment only."""
    monkeypatch.setattr(connections, "BUSY_MILLISECONDS", 50)
    async with running_bear(tmp_path / "data", write_queue=QUEUE) as running:
        yield running


async def test_a_lock_of_a_while_is_waited_for(bear: Bear, tmp_path: Path, admin: httpx2.AsyncClient) -> None:
    with held(tmp_path / "data" / "gridbear.db"):
        writing = asyncio.create_task(admin.post(NOTES, json={"title": "patient"}))
        reads = [(await admin.get(NOTES)).status_code for _ in range(20)]
        assert not writing.done() and set(reads) == {200}, "reading goes on meanwhile"
    assert (await writing).status_code == 201


async def test_a_lock_for_ever_is_503_and_no_damage(impatient: Bear, tmp_path: Path) -> None:
    admin = await impatient.person("ada", "admin")
    with held(tmp_path / "data" / "gridbear.db"):
        for answer in await asyncio.gather(*(admin.post(NOTES, json={"title": "no"}) for _ in range(5))):
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
            assert "locked by another program" in answer.json()["error"]
        assert (await admin.get(NOTES)).json()["count"] == 0
    assert (await admin.post(NOTES, json={"title": "yes"})).status_code == 201
    assert (await admin.get("/api/v1/server")).json()["data"]["storage"]["state"] == "ok"
    assert (await admin.get(NOTES)).json()["count"] == 1, "nothing of what was refused was kept"


async def test_a_stuck_writer_takes_so_many_and_refuses_the_rest_at_once(bear: Bear, admin: httpx2.AsyncClient) -> None:
    store = bear.app.records.shelf.store
    stuck, go_on = threading.Event(), threading.Event()

    def unit(_transaction: Transaction) -> None:
        stuck.set()
        go_on.wait(60)

    blocker = store.write(unit, ("notes",))
    try:
        await asyncio.to_thread(stuck.wait, 60)
        sent = [asyncio.create_task(admin.post(NOTES, json={"title": f"note {n}"})) for n in range(QUEUE * 10)]
        while sum(task.done() for task in sent) < QUEUE * 9:
            await asyncio.wait([task for task in sent if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        refused = [task.result() for task in sent if task.done()]
        for answer in refused:
            assert answer.status_code == 503 and answer.json()["code"] == "write_queue_full"
            assert int(answer.headers["retry-after"]) >= 1
        assert store._writer._queue.qsize() <= QUEUE, "no more than the limit is kept in memory"
        assert (await admin.get(NOTES)).status_code == 200
    finally:
        go_on.set()
    await blocker
    answers = await asyncio.gather(*sent)
    taken = sum(answer.status_code == 201 for answer in answers)
    assert taken == len(sent) - len(refused) > 0
    assert (await admin.get(NOTES)).json()["count"] == taken


async def test_bodies_that_wait_for_a_stuck_writer_take_no_more_than_their_limit(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    bear.app.settings.publish(bear.app.settings.current.model_copy(update={"bodies_held_bytes": 5_000_000}))
    store, room = bear.app.records.shelf.store, bear.app._asgi._bodies  # type: ignore[union-attr]  # it runs
    stuck, go_on = threading.Event(), threading.Event()

    def unit(_transaction: Transaction) -> None:
        stuck.set()
        go_on.wait(60)

    blocker = store.write(unit, ("notes",))
    try:
        await asyncio.to_thread(stuck.wait, 60)
        values = {"title": "long", "body": "x" * 900_000}
        sent = [asyncio.create_task(admin.post(NOTES, json=values)) for _ in range(QUEUE)]
        while sum(task.done() for task in sent) < QUEUE - 5:
            await asyncio.wait([task for task in sent if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        for answer in [task.result() for task in sent if task.done()]:
            assert answer.status_code == 503 and answer.json()["code"] == "bodies_full"
            assert int(answer.headers["retry-after"]) >= 1
        assert 4_500_000 < room.held <= 5_000_000
    finally:
        go_on.set()
    await blocker
    answers = await asyncio.gather(*sent)
    assert sum(answer.status_code == 201 for answer in answers) == 5
    assert room.held == 0, "given back with the answers"
