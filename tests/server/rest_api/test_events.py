"""GET /events: what was committed, to those who may know, from where they left off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx2
import orjson
import pytest

from server.access.actor import Actor
from server.errors import RateLimited, ValidationFailed
from server.events.log import EventLog
from server.rest_api.event_stream import IN_ALL, PER_PERSON, EventStreams
from tests.conftest import Bear

pytestmark = pytest.mark.anyio


def streams_of(bear: Bear, *, kept: int = 100, heartbeat: float = 5.0) -> tuple[EventStreams, EventLog]:
    log = EventLog(bear.app._bus, kept)
    is_still = bear.app.authenticator.is_still
    return EventStreams(bear.app.records, log, time.monotonic, is_still, heartbeat_seconds=heartbeat), log


async def actor(bear: Bear, client: httpx2.AsyncClient) -> Actor:
    token = client.headers["authorization"]
    scope = {"type": "http", "headers": [(b"authorization", token.encode())], "client": ("127.0.0.1", 1)}
    return bear.app.authenticator.actor_for(cast(Any, scope))


async def message(stream: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(stream), 30)


async def begin(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    assert (await message(stream)).startswith(b"retry: 2000\nid: ")
    return stream


def changes(text: bytes) -> list[tuple[str, str, Any]]:
    lines = [orjson.loads(line[6:]) for line in text.splitlines() if line.startswith(b"data: ")]
    return [(data["model"], data["verb"], data["id"]) for data in lines if "model" in data]


async def test_changes_come_after_they_are_committed(bear: Bear, member: httpx2.AsyncClient) -> None:
    streams, _ = streams_of(bear)
    stream = await begin(streams.open(await actor(bear, member), "notes", None))
    waiting = asyncio.ensure_future(message(stream))
    note = (await member.post("/api/v1/notes", json={"title": "x"})).json()["data"]["id"]
    assert changes(await waiting) == [("notes", "create", note)]
    await member.patch(f"/api/v1/notes/{note}", json={"done": True})
    await member.delete(f"/api/v1/notes/{note}")
    assert changes(await message(stream)) == [("notes", "update", note), ("notes", "delete", note)]


async def test_nobody_hears_of_what_they_may_not_see(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    streams, _ = streams_of(bear, heartbeat=0.01)
    hers = await begin(streams.open(await actor(bear, other), "notes", None))
    all_ = await begin(streams.open(await actor(bear, admin), "", None))
    note = (await member.post("/api/v1/notes", json={"title": "his"})).json()["data"]["id"]
    await member.delete(f"/api/v1/notes/{note}")
    assert await message(hers) == b": still here\n\n"
    assert changes(await message(all_)) == [("notes", "create", note), ("notes", "delete", note)]


async def test_a_stream_goes_on_where_it_ended(bear: Bear, member: httpx2.AsyncClient) -> None:
    streams, log = streams_of(bear)
    me = await actor(bear, member)
    await member.post("/api/v1/notes", json={"title": "1"})
    seen = f"{log.boot}-{log.last}"
    second = (await member.post("/api/v1/notes", json={"title": "2"})).json()["data"]["id"]
    stream = await begin(streams.open(me, "notes", seen))
    text = await message(stream)
    assert changes(text) == [("notes", "create", second)]
    assert text.startswith(f"id: {log.boot}-".encode())


async def test_a_stream_that_was_cut_off_before_the_first_change_misses_none(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    streams, _ = streams_of(bear)
    me = await actor(bear, member)
    await member.post("/api/v1/notes", json={"title": "before"})
    first = await message(streams.open(me, "notes", None))
    meanwhile = (await member.post("/api/v1/notes", json={"title": "meanwhile"})).json()["data"]["id"]
    place = first.decode().split("id: ")[1].strip()
    again = await begin(streams.open(me, "notes", place))
    assert changes(await message(again)) == [("notes", "create", meanwhile)]


@pytest.mark.parametrize(
    ("given", "reason"), [("ffffffff-3", b"restarted"), ("nonsense", b"restarted"), ("BOOT-0", b"too_old"),
                          ("BOOT-999", b"too_old"), ("BOOT-x", b"too_old")]
)  # fmt: skip
async def test_who_was_away_too_long_is_told_to_read_anew(
    bear: Bear, member: httpx2.AsyncClient, given: str, reason: bytes
) -> None:
    streams, log = streams_of(bear, kept=3)
    for _ in range(5):
        await member.post("/api/v1/notes", json={"title": "x"})
    stream = await begin(streams.open(await actor(bear, member), "notes", given.replace("BOOT", log.boot)))
    text = await message(stream)
    assert b"event: resync" in text
    assert reason in text


async def test_a_slow_client_is_told_and_dropped(bear: Bear, member: httpx2.AsyncClient) -> None:
    streams, _ = streams_of(bear, kept=3)
    stream = await begin(streams.open(await actor(bear, member), "notes", None))
    for _ in range(5):
        await member.post("/api/v1/notes", json={"title": "x"})
    assert b"too_slow" in await message(stream)
    with pytest.raises(StopAsyncIteration):
        await message(stream)


async def test_a_changed_rule_is_told_and_in_force(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    streams, _ = streams_of(bear, heartbeat=0.05)
    stream = await begin(streams.open(await actor(bear, member), "notes", None))
    waiting = asyncio.ensure_future(message(stream))
    await asyncio.sleep(0)
    await admin.post("/api/v1/access_rules", json={"role": "member", "model": "notes", "verb": "any", "extent": "none"})
    text = await waiting
    while text == b": still here\n\n":
        text = await message(stream)
    assert b"access_changed" in text
    await admin.post("/api/v1/notes", json={"title": "x"})
    assert await message(stream) == b": still here\n\n"


async def test_streams_end_with_the_server_and_are_counted(bear: Bear, member: httpx2.AsyncClient) -> None:
    streams, log = streams_of(bear)
    me = await actor(bear, member)
    open_ = [await begin(streams.open(me, "notes", None)) for _ in range(PER_PERSON)]
    with pytest.raises(RateLimited, match="too many|the most"):
        streams.open(me, "notes", None)
    log.end()
    for stream in open_:
        with pytest.raises(StopAsyncIteration):
            await message(stream)
    streams.open(me, "notes", None)
    assert IN_ALL > PER_PERSON


async def test_unknown_and_forbidden_models_answer_alike(bear: Bear, member: httpx2.AsyncClient) -> None:
    streams, _ = streams_of(bear)
    me = await actor(bear, member)
    for name in ("birds", "access_rules"):
        with pytest.raises(ValidationFailed) as caught:
            streams.open(me, name, None)
        assert caught.value.message.replace(name, "") == "models: there is no model '' that you may list"


async def test_over_http_it_is_an_event_stream(bear: Bear, member: httpx2.AsyncClient, nobody: Any) -> None:
    assert (await nobody.get("/api/v1/events")).status_code == 401
    assert (await member.get("/api/v1/events?models=birds")).status_code == 422
    bear.app.stop_streams()
    answer = await member.get("/api/v1/events?models=notes")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("retry: 2000\nid: ")
