"""Requests in the instant in which a changed model is committed and not yet in force."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.errors import Busy
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
WAIT_SECONDS = 20.0
BEARS: dict[str, Any] = {
    "name": "bears",
    "label": "Bear",
    "label_plural": "Bears",
    "fields": [{"name": "name", "type": "text", "required": True}, {"name": "age", "type": "integer"}],
}
RENAMED = {"fields": [{"name": "called", "was": "name", "type": "text", "required": True}, BEARS["fields"][1]]}
OLDER = {"verb": "update", "model": "bears", "id": 1, "values": {"age": 31}}


class Instant:
    """Holds the writer between a commit and telling of it."""

    def __init__(self) -> None:
        self.committed = threading.Event()
        self.told = threading.Event()


@contextmanager
def held_after_commit(bear: Bear, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instant]:
    writer: Any = bear.app._store._writer
    tell, instant = writer._tell, Instant()

    def late(group: Any) -> None:
        if any(waiting.exclusive for waiting in group):
            instant.committed.set()
            assert instant.told.wait(WAIT_SECONDS)
        tell(group)

    monkeypatch.setattr(writer, "_tell", late)
    try:
        yield instant
    finally:
        instant.told.set()


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, WAIT_SECONDS)


async def soon(*requests: Awaitable[httpx2.Response]) -> Sequence[asyncio.Future[httpx2.Response]]:
    """Start requests and let them run as far as they can."""
    started = [asyncio.ensure_future(request) for request in requests]
    for _ in range(200):
        await asyncio.sleep(0)
    return started


@pytest.fixture
async def bears(admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The admin, in whose server there are two bears."""
    assert (await admin.post("/api/v1/models", json=BEARS)).status_code == 201
    for name in ("Baloo", "Paddington"):
        assert (await admin.post("/api/v1/bears", json={"name": name, "age": 7})).status_code == 201
    return admin


async def test_reads_get_the_new_form(bear: Bear, bears: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with held_after_commit(bear, monkeypatch) as instant:
        change = asyncio.ensure_future(bears.patch("/api/v1/models/bears", json=RENAMED))
        await until(instant.committed)
        requests = await soon(
            bears.get("/api/v1/bears"),
            bears.get("/api/v1/bears?sort=-id&total=false"),
            bears.get("/api/v1/bears?called=Baloo"),
            bears.get("/api/v1/bears?name=Baloo"),
            bears.get("/api/v1/bears/1"),
            bears.get("/api/v1/bears/aggregate?group_by=called"),
            bears.get("/api/v1/bears/1/history"),
            bears.get("/api/v1/notes"),
        )
        instant.told.set()
        assert (await change).status_code == 200
        listed, backwards, found, unknown, one, groups, history, notes = [await request for request in requests]
    assert [row["called"] for row in listed.json()["data"]] == ["Baloo", "Paddington"]
    assert [row["called"] for row in backwards.json()["data"]] == ["Paddington", "Baloo"]
    assert found.json()["count"] == 1
    assert unknown.status_code == 422
    assert one.json()["data"]["called"] == "Baloo" and "name" not in one.json()["data"]
    assert "Paddington" in groups.text and groups.status_code == 200
    assert history.status_code == notes.status_code == 200


async def test_writes_are_checked_by_the_new_rules(
    bear: Bear, bears: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_after_commit(bear, monkeypatch) as instant:
        change = asyncio.ensure_future(bears.patch("/api/v1/models/bears", json=RENAMED))
        await until(instant.committed)
        requests = await soon(
            bears.post("/api/v1/bears", json={"called": "Winnie"}),
            bears.post("/api/v1/bears", json={"name": "Yogi"}),
            bears.patch("/api/v1/bears/1", json={"called": "Balou"}),
            bears.patch("/api/v1/bears/bulk?age=7", json={"age": 8}),
        )
        instant.told.set()
        assert (await change).status_code == 200
        statuses = [(await request).status_code for request in requests]
    assert statuses == [201, 422, 200, 200]
    rows = (await bears.get("/api/v1/bears?sort=id")).json()["data"]
    assert [(row["called"], row["age"]) for row in rows] == [("Balou", 8), ("Paddington", 8), ("Winnie", None)]


async def test_what_was_planned_before_and_waits_behind_the_change_is_planned_again(
    bear: Bear, bears: httpx2.AsyncClient
) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(_transaction: Any) -> None:
        begun.set()
        assert go.wait(WAIT_SECONDS)

    try:
        bear.app._store.write(slow, ())
        await until(begun)
        [change] = await soon(bears.patch("/api/v1/models/bears", json=RENAMED))
        requests = await soon(
            bears.post("/api/v1/bears", json={"name": "Yogi"}),
            bears.patch("/api/v1/bears/1", json={"age": 30}),
            bears.delete("/api/v1/bears/2"),
            bears.post(
                "/api/v1/batch",
                json={"operations": [{"verb": "update", "model": "bears", "id": 1, "values": {"age": 31}}]},
            ),
            bears.post("/api/v1/notes", json={"title": "untouched"}),
        )
        assert not any(request.done() for request in (change, *requests))
    finally:
        go.set()
    assert (await change).status_code == 200
    assert [(await request).status_code for request in requests] == [422, 200, 200, 200, 201]
    assert (await bears.get("/api/v1/bears")).json()["data"][0]["age"] == 31


async def test_a_dropped_model_is_not_found_at_once(
    bear: Bear, bears: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_after_commit(bear, monkeypatch) as instant:
        drop = asyncio.ensure_future(bears.delete("/api/v1/models/bears?confirm=true"))
        await until(instant.committed)
        requests = await soon(bears.get("/api/v1/bears"), bears.post("/api/v1/bears", json={"name": "Yogi"}))
        instant.told.set()
        assert (await drop).status_code == 200
        assert [(await request).status_code for request in requests] == [404, 404]


async def test_a_change_that_is_refused_holds_nobody_up(bear: Bear, bears: httpx2.AsyncClient) -> None:
    refused = await bears.patch(
        "/api/v1/models/bears?confirm=true",
        json={"fields": [BEARS["fields"][0], {"name": "age", "type": "integer", "maximum": 3}]},
    )
    assert refused.status_code == 409
    assert (await bears.get("/api/v1/bears")).json()["count"] == 2
    assert (await bears.post("/api/v1/bears", json={"name": "Yogi", "age": 9})).status_code == 201


async def test_a_change_whose_caller_gives_up_comes_into_force_all_the_same(
    bear: Bear, bears: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_after_commit(bear, monkeypatch) as instant:
        change = asyncio.ensure_future(bears.patch("/api/v1/models/bears", json=RENAMED))
        await until(instant.committed)
        change.cancel()
        [listed] = await soon(bears.get("/api/v1/bears"))
        instant.told.set()
        assert (await listed).json()["data"][0]["called"] == "Baloo"
    assert change.cancelled()
    assert (await bears.get("/api/v1/models/bears/definition")).json()["data"]["fields"][0]["name"] == "called"


async def test_an_export_that_goes_on_after_a_change_ends_with_an_error(bear: Bear, bears: httpx2.AsyncClient) -> None:
    export = bear.app.transfers.plan_export(SYSTEM, "bears", [("format", "jsonl")])
    assert (await bears.patch("/api/v1/models/bears", json=RENAMED)).status_code == 200
    with pytest.raises(Busy, match="changed in the meantime"):
        async for _part in export.chunks():
            pass
