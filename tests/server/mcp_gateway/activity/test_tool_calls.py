"""Calls of tools as records: who sees which, what is kept of them, and that no call waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import Actor
from server.mcp_gateway.activity import call_log
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from server.records.times import to_text
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
LOG = "/api/v1/tool_calls"


async def flushed(bear: Bear) -> None:
    await bear.app.gateway.activity.log.flush()


async def rows(client: httpx2.AsyncClient, more: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"{LOG}?sort=id{more}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def actor(bear: Bear, name: str, role: Any = "member") -> Actor:
    return Actor("token", bear.ids[name], name, role)


async def call(bear: Bear, who: Actor, name: str, **arguments: Any) -> dict[str, Any]:
    return await bear.app.gateway.gateway.call(Caller(actor=who, client="tests 1"), name, arguments)


async def test_a_call_is_kept_with_all_that_it_was(bear: Bear, admin: httpx2.AsyncClient) -> None:
    ada = actor(bear, "ada", "admin")
    await call(bear, ada, "records__create_notes", title="hello", body="x" * 40_000, password="very private")
    with pytest.raises(CallFailed):
        await call(bear, ada, "nothing__here", a=1)
    assert await rows(admin) == []
    await flushed(bear)
    first, second = await rows(admin)
    assert first["server"] == "records" and first["tool"] == "create_notes"
    assert first["user_name"] == "ada" and first["client"] == "tests 1" and first["through"] == "token"
    assert first["owner_id"] == bear.ids["ada"] and first["duration_ms"] >= 0
    assert first["arguments"]["title"] == "hello" and first["arguments"]["password"] == "•••"
    assert len(first["arguments"]["body"]) < 13_000 and "cut, 40000 characters" in first["arguments"]["body"]
    assert second["outcome"] == "refused" and second["server"] is None and second["tool"] == "nothing__here"
    assert second["error_code"] == -32602 and second["error"].startswith("Unknown tool")


async def test_everyone_sees_their_own_calls_and_nobody_changes_any(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient,
) -> None:  # fmt: skip
    for name in ("max", "olga", "gus"):
        with pytest.raises(CallFailed):
            await call(bear, actor(bear, name), f"of__{name}")
    await flushed(bear)
    assert len(await rows(admin)) == 3
    for client, name in ((member, "max"), (other, "olga"), (guest_role, "gus")):
        assert [row["tool"] for row in await rows(client)] == [f"of__{name}"]
    assert (await nobody.get(LOG)).status_code == 401
    hers = (await rows(other))[0]["id"]
    assert (await member.get(f"{LOG}/{hers}")).status_code == 404
    for client in (admin, other):
        for verb in ("PATCH", "DELETE", "PUT"):
            assert (await client.request(verb, f"{LOG}/{hers}", json={"tool": "x"})).status_code == 403
        assert (await client.post(LOG, json={"tool": "x"})).status_code == 403


async def test_what_is_kept_is_for_the_setting_to_say(tmp_path: Path) -> None:
    for kept in ("calls", "off"):
        async with running_bear(tmp_path / kept, tool_calls_log=kept) as bear:
            admin = await bear.person("ada", "admin")
            with pytest.raises(CallFailed):
                await call(bear, actor(bear, "ada", "admin"), "a__b", text="hi")
            await flushed(bear)
            found = await rows(admin)
            assert [(row["tool"], row["arguments"]) for row in found] == ([("a__b", None)] if kept == "calls" else [])
            meters = (await admin.get("/api/v1/gateway/metrics")).json()["data"]
            assert meters["servers"][""]["calls"] == 1


async def test_what_waits_at_the_end_is_written(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        await bear.person("ada", "admin")
        for number in range(600):
            with pytest.raises(CallFailed):
                await call(bear, actor(bear, "ada", "admin"), f"a__{number}")
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.signed_in("ada")
        assert (await admin.get(LOG)).json()["count"] == 600


async def test_a_batch_that_is_being_written_at_the_end_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "_GATHER_SECONDS", 0)
    async with running_bear(tmp_path / "data") as bear:
        await bear.person("ada", "admin")
        log = bear.app.gateway.activity.log
        begun = asyncio.Event()
        insert = log._insert

        async def slow_insert(rows: list[dict[str, Any]]) -> None:
            begun.set()
            await insert(rows)

        monkeypatch.setattr(log, "_insert", slow_insert)
        with pytest.raises(CallFailed):
            await call(bear, actor(bear, "ada", "admin"), "a__b")
        await begun.wait()
    async with running_bear(tmp_path / "data") as bear:
        assert (await (await bear.signed_in("ada")).get(LOG)).json()["count"] == 1


@pytest.mark.parametrize(("most", "batch"), [(1000, 9), (10, 7)])
async def test_while_many_come_more_of_them_are_written_together_unless_the_room_gets_short(
    bear: Bear, monkeypatch: pytest.MonkeyPatch, most: int, batch: int
) -> None:
    log = bear.app.gateway.activity.log
    written: list[int] = []
    done = asyncio.Event()
    insert = log._insert

    async def pause(_seconds: float) -> None:
        for number in range(2):
            with pytest.raises(CallFailed):
                await call(bear, actor(bear, "ada", "admin"), f"a__{number}")

    async def noted(rows: list[dict[str, Any]]) -> None:
        await insert(rows)
        written.append(len(rows))
        done.set()

    await bear.person("ada", "admin")
    monkeypatch.setattr(call_log, "_MANY", 3)
    monkeypatch.setattr(call_log, "MOST_WAITING", most)
    monkeypatch.setattr(log._buffer, "pause", pause)
    monkeypatch.setattr(log, "_insert", noted)
    with pytest.raises(CallFailed):
        await call(bear, actor(bear, "ada", "admin"), "a__b")
    await done.wait()
    assert written == [batch] and log.written == batch


async def test_a_flood_is_dropped_and_counted_and_calls_go_on(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "MOST_WAITING", 10)
    for number in range(25):
        with pytest.raises(CallFailed):
            await call(bear, actor(bear, "ada", "admin"), f"a__{number}")
    await flushed(bear)
    assert len(await rows(admin)) == 10
    log = (await admin.get("/api/v1/gateway/metrics")).json()["data"]["log"]
    assert log == {"waiting": 0, "written": 10, "dropped": {"buffer_full": 15}}


async def test_a_full_disk_drops_calls_and_says_so(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", free=lambda _: 500, storage_logs_stop_bytes=1000) as bear:
        admin = await bear.person("ada", "admin")
        with pytest.raises(CallFailed):
            await call(bear, actor(bear, "ada", "admin"), "a__b")
        await flushed(bear)
        assert await rows(admin) == []
        log = (await admin.get("/api/v1/gateway/metrics")).json()["data"]["log"]
        assert log["dropped"] == {"disk_full": 1}


async def test_the_call_of_somebody_who_is_gone_takes_no_other_with_it(bear: Bear, admin: httpx2.AsyncClient) -> None:
    for who in (Actor("token", 999_999, "ghost", "member"), actor(bear, "ada", "admin")):
        with pytest.raises(CallFailed):
            await call(bear, who, "a__b")
    await flushed(bear)
    assert [row["user_name"] for row in await rows(admin)] == ["ada"]
    assert bear.app.gateway.activity.log.dropped == {"failed": 1}


async def test_old_calls_go_and_the_cap_holds(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", tool_calls_max_bytes=40_000, tool_calls_days=1) as bear:
        admin = await bear.person("ada", "admin")
        for number in range(300):
            with pytest.raises(CallFailed):
                await call(bear, actor(bear, "ada", "admin"), f"a__{number}", text="x" * 200)
        await flushed(bear)
        found = await rows(admin, "&limit=500")
        assert 0 < len(found) < 150 and found[-1]["tool"] == "a__299"
        sizes = bear.app.records.shelf.store.log_bytes()
        assert sizes["tool_calls"] <= 40_000
        log = bear.app.gateway.activity.log
        assert await log.expire() == 0
        old = to_text(datetime.now(UTC) - timedelta(days=2))
        store = bear.app.records.shelf.store
        await store.write(lambda t: t.execute("UPDATE tool_calls SET created_at = ?", (old,)), ("tool_calls",))
        # A sweep of the server's own may have been first.
        assert await log.expire() in (0, len(found))
        assert await rows(admin) == [] and store.log_bytes()["tool_calls"] == 0


async def test_one_event_a_batch_and_person_tells_of_new_calls(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await bear.person("max")
    told: list[Any] = []
    bear.app._bus.subscribe(told.append, ("tool_calls",))
    for name in ("ada", "max", "ada", "max"):
        with pytest.raises(CallFailed):
            await call(bear, actor(bear, name), "a__b")
    await flushed(bear)
    assert sorted((event.owner_id, event.record_id) for event in told) == [(bear.ids["ada"], 3), (bear.ids["max"], 4)]


async def test_members_get_the_numbers_of_their_servers_alone(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    with pytest.raises(CallFailed):
        await call(bear, actor(bear, "ada", "admin"), "a__b")
    await call(bear, actor(bear, "ada", "admin"), "records__search_notes")
    told = (await member.get("/api/v1/gateway/metrics")).json()["data"]
    assert set(told["servers"]) == {"records"} and told["log"] is None
    numbers = told["servers"]["records"]
    assert numbers["calls"] == 1 and numbers["in_flight"] == 0 and numbers["p95_ms"] >= numbers["p50_ms"] > 0
    assert set((await admin.get("/api/v1/gateway/metrics")).json()["data"]["servers"]) == {"", "records"}


@pytest.mark.slow
async def test_a_real_client_and_its_outcomes(
    make_house: Callable[..., AbstractAsyncContextManager[Any]],
) -> None:
    async with make_house() as house:
        await house.add("up", visibility="everyone")
        async with house.mcp("bob") as client:
            await client.call_tool("up__echo", {"text": "hi"})
            await client.call_tool("gridbear_help", {})
            inner = {"tool_name": "up__echo", "arguments": {"text": "found"}}
            await client.call_tool("execute_discovered_tool", inner)
        await house.app.gateway.activity.log.flush()
        async with house.http("bob") as http:
            row, helped, found = (await http.get(f"{LOG}?sort=id")).json()["data"]
        assert (helped["server"], helped["tool"]) == ("gridbear", "gridbear_help")
        assert (found["tool"], found["arguments"]) == ("echo", {"text": "found"}) and found["client"]
        assert (row["server"], row["tool"], row["outcome"]) == ("up", "echo", "ok")
        assert row["arguments"] == {"text": "hi"} and row["result"]["content"][0]["text"] == "hi"
        assert row["client"] and row["request_id"] not in (None, "-")
