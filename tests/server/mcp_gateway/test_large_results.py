"""Results of many megabytes: whoever asks for one holds up nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
import pytest

from server.access.actor import SYSTEM, Actor
from server.errors import Conflict
from server.mcp_gateway.builtin_tools.definitions import PAGE_BYTES
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.endpoint.large_results import LargeResults
from server.tasks.queue import Tasks
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
KEY = "task-of-many-megabytes"
MOST_SECONDS = 0.02


@dataclass
class Holds:
    """The longest that one turn of the event loop worked; what other programs took of the processor left out."""

    longest: float = 0.0


@contextlib.asynccontextmanager
async def watched_loop() -> AsyncIterator[Holds]:
    holds = Holds()

    async def watch() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            holds.longest, last = max(holds.longest, now - last), now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        yield holds
    finally:
        await asyncio.sleep(0)  # the last turn counts as well
        watching.cancel()


async def stored(bear: Bear, text: str, **more: Any) -> dict[str, Any]:
    """A finished call of max's; its result."""
    result = {"content": [{"type": "text", "text": text}], "isError": False}
    row = {"owner_id": bear.ids["max"], "key": KEY, "kind": "mcp_tool", "title": "shop__much", "status": "completed"}
    await bear.app.records.create(SYSTEM, "tasks", {**row, "result": result, **more})
    return result


def max_of(bear: Bear) -> Actor:
    return Actor(kind="user", user_id=bear.ids["max"], username="max", role="member")


def asking(**changed: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and body of a tasks/get; `changed`: parameters."""
    version, prefix = "2026-07-28", "io.modelcontextprotocol/"
    capabilities = {"extensions": {f"{prefix}tasks": {}}}
    meta = {f"{prefix}protocolVersion": version, f"{prefix}clientCapabilities": capabilities}
    headers = {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": version,
        "mcp-method": "tasks/get",
        "mcp-name": KEY,
    }
    params = {"taskId": KEY, "_meta": meta, **changed}
    return headers, {"jsonrpc": "2.0", "id": "seven", "method": "tasks/get", "params": params}


async def page_of(bear: Bear, who: Actor, page: int) -> dict[str, Any]:
    answer = await bear.app.gateway.builtins.call(
        Caller(actor=who), "async_task_status", {"task_id": KEY, "page": page}
    )
    assert not answer["isError"], answer
    found: dict[str, Any] = answer["structuredContent"]
    return found


async def test_a_page_of_42_megabytes_holds_the_loop_no_longer_than_a_page_of_little(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    await stored(bear, "häh " * 8_400_000)
    who = max_of(bear)
    first = await page_of(bear, who, 1)
    async with watched_loop() as holds:
        for page in (1, first["pages"] // 2, first["pages"]):
            assert len((await page_of(bear, who, page))["result_part"].encode()) <= PAGE_BYTES + 3
    assert holds.longest < MOST_SECONDS


@pytest.mark.parametrize("verb", ["update", "read"])
async def test_a_program_that_is_no_owner_of_tasks_is_turned_away_without_a_look_at_the_result(
    bear: Bear, member: httpx2.AsyncClient, verb: str
) -> None:
    await stored(bear, "much" * 10_000_000)
    program = Actor(kind="token", user_id=bear.ids["max"], username="max", role="member", scopes=frozenset({"mcp"}),
                    credential_id=7)  # fmt: skip
    name = "async_cancel_task" if verb == "update" else "async_task_status"
    async with watched_loop() as holds:
        answer = await bear.app.gateway.builtins.call(Caller(actor=program), name, {"task_id": KEY})
    assert answer["isError"] and "You have no task" in answer["structuredContent"]["error"]
    assert holds.longest < MOST_SECONDS


async def test_to_end_a_finished_task_of_many_megabytes_holds_the_loop_no_longer(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    await stored(bear, "much" * 10_000_000)
    async with watched_loop() as holds:
        with pytest.raises(Conflict, match="ended already: completed"):
            await Tasks(bear.app.records, bear.app.settings, bear.app._bus).cancel(max_of(bear), KEY)
    assert holds.longest < MOST_SECONDS


@pytest.mark.parametrize("letter", ["a", "é", "€", "🐻"])
@pytest.mark.parametrize("ahead", [0, 1, 2, 3])
async def test_no_page_breaks_a_character(bear: Bear, member: httpx2.AsyncClient, letter: str, ahead: int) -> None:
    result = await stored(bear, "." * ahead + letter * (PAGE_BYTES // 2))
    who = max_of(bear)
    first = await page_of(bear, who, 1)
    if "result" in first:
        assert letter == "a" and first["result"] == result
        return
    parts = [(await page_of(bear, who, page))["result_part"] for page in range(1, first["pages"] + 1)]
    assert orjson.loads("".join(parts)) == result
    assert len("".join(parts).encode()) == first["result_bytes"]


async def test_a_client_that_knows_tasks_gets_42_megabytes_without_holding_up_the_loop(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    await stored(bear, "häh " * 8_400_000)
    headers, body = asking()
    await member.post("/mcp", headers=headers, json=asking(taskId="none")[1])  # the SDK is loaded
    sent, longest = 0, 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps(body), "more_body": False}

    async def send(message: Any) -> None:
        nonlocal sent, longest
        sent, longest = sent + len(message.get("body", b"")), max(longest, len(message.get("body", b"")))

    headers |= {"host": "127.0.0.1:8088", "authorization": member.headers["authorization"]}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/mcp", "raw_path": b"/mcp", "query_string": b"", "root_path": "",
        "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 8088),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    async with watched_loop() as holds:
        await bear.app(scope, receive, send)
    assert sent > 42_000_000 and longest < 1 << 20
    assert holds.longest < MOST_SECONDS


@pytest.mark.parametrize("changed", [{}, {"more": 1}])
async def test_it_is_the_same_answer_as_the_one_of_the_usual_way(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, changed: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    result = await stored(bear, "häh🐻" * 100_000)
    answered, by_us = LargeResults.answered, list[bool]()

    async def noted(*given: Any) -> bool:
        by_us.append(await answered(*given))
        return by_us[-1]

    monkeypatch.setattr(LargeResults, "answered", noted)
    headers, body = asking(**changed)
    answer = await member.post("/mcp", headers=headers, json=body)
    text = answer.text.split("data: ", 1)[-1].strip()
    found = orjson.loads(text)
    handle = await bear.app.gateway.builtins.calls.handle(max_of(bear), KEY)
    assert found["id"] == "seven" and found["result"]["result"] == result
    told = found["result"]
    assert told.pop("_meta").keys() == {"io.modelcontextprotocol/serverInfo"} and told == handle
    assert by_us == [not changed]
    strange = await other.post("/mcp", headers=headers, json=body)
    assert "You have no task" in strange.text and by_us[1:] == [False]
    wrong = await member.post("/mcp", headers={**headers, "mcp-name": "another"}, json=body)
    assert "error" in wrong.text and by_us[2:] == [False]
