"""Background tasks: stored first, owned by a person, whole results, honest ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from server.access.actor import SYSTEM, Actor
from server.errors import Conflict, NotFound, RateLimited, UpstreamFailed
from server.tasks.queue import PER_PERSON, Progress, Tasks
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio


async def _person(bear: Bear, name: str) -> Actor:
    await bear.person(name)
    return Actor(kind="user", user_id=bear.ids[name], username=name, role="member")


async def _ended(tasks: Tasks, actor: Actor, key: str) -> dict[str, Any]:
    while (row := await tasks.of(actor, key))["status"] == "running":
        await asyncio.sleep(0)
    return row


async def test_a_task_runs_for_its_person_and_keeps_its_whole_result(bear: Bear) -> None:
    await bear.person("ada", "admin")
    max_, olga = await _person(bear, "max"), await _person(bear, "olga")
    tasks = Tasks(bear.app.records)

    async def work(actor: Actor, given: dict[str, Any], progress: Progress) -> Any:
        await progress(0.5)
        return {"for": actor.username, "text": given["word"] * 200_000}

    async def fail(_actor: Actor, _given: dict[str, Any], _progress: Progress) -> Any:
        raise UpstreamFailed("the other side is away")

    tasks.register("work", work)
    tasks.register("fail", fail)
    done = await _ended(tasks, max_, (await tasks.submit(max_, "work", "Work", {"word": "honey"}))["key"])
    assert done["status"] == "completed" and done["progress"] == 1.0
    assert done["result"] == {"for": "max", "text": "honey" * 200_000}
    failed = await _ended(tasks, max_, (await tasks.submit(max_, "fail", "Fail", {}))["key"])
    assert failed["status"] == "failed" and failed["error"] == "the other side is away"
    for stranger in (olga, SYSTEM):
        with pytest.raises(NotFound):
            await tasks.of(stranger, done["key"])
    assert await tasks.listed(olga) == [] and len(await tasks.listed(max_)) == 2
    with pytest.raises(Conflict):
        await tasks.cancel(max_, done["key"])


async def test_a_person_can_cancel_and_has_only_so_many_at_once(bear: Bear) -> None:
    await bear.person("ada", "admin")
    max_ = await _person(bear, "max")
    tasks = Tasks(bear.app.records)
    never = asyncio.Event()

    async def wait(_actor: Actor, _given: dict[str, Any], _progress: Progress) -> Any:
        await never.wait()

    tasks.register("wait", wait)
    rows = [await tasks.submit(max_, "wait", "Wait", {}) for _ in range(PER_PERSON)]
    with pytest.raises(RateLimited):
        await tasks.submit(max_, "wait", "Wait", {})
    assert (await tasks.cancel(max_, rows[0]["key"]))["status"] == "cancelled"
    await tasks.stop()
    assert {row["status"] for row in await tasks.listed(max_)} == {"cancelled", "interrupted"}


async def test_what_a_killed_process_left_running_becomes_interrupted(tmp_path: Path) -> None:
    async with running_bear(tmp_path) as bear:
        await bear.person("ada", "admin")
        values = {"owner_id": bear.ids["ada"], "key": "task-1", "kind": "work", "status": "running"}
        await bear.app.records.create(SYSTEM, "tasks", values)
    async with running_bear(tmp_path) as bear:
        [row] = await bear.app.records.find(SYSTEM, "tasks")
        assert row["status"] == "interrupted" and "stopped" in row["error"] and row["finished_at"]


async def test_old_tasks_give_way_when_the_cap_is_reached(tmp_path: Path) -> None:
    async with running_bear(tmp_path, tasks_max_bytes=100_000) as bear:
        await bear.person("ada", "admin")
        for number in range(20):
            values = {"owner_id": bear.ids["ada"], "key": f"task-{number}", "kind": "work", "status": "completed"}
            row = await bear.app.records.create(SYSTEM, "tasks", values)
            await bear.app.records.update(SYSTEM, "tasks", row["id"], {"result": "x" * 10_000})
        kept = await bear.app.records.find(SYSTEM, "tasks")
        assert 5 <= len(kept) <= 10 and kept[-1]["key"] == "task-19"
