"""A queue that starts: what an earlier process left in the file, and what came before the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.access.actor import SYSTEM
from server.tasks.kinds import Kind
from tests.conftest import Bear, running_bear
from tests.server.tasks.tests_tasks_support import Gate, ended, person, queue, until

pytestmark = pytest.mark.anyio


async def test_after_a_kill_what_waited_runs_what_ran_is_over_and_what_may_be_done_twice_begins_again(
    bear: Bear,
) -> None:
    max_ = await person(bear, "max")
    acting = '{"kind":"user","scopes":["api"],"credential_id":1,"resource":null}'
    for number, (kind, status, attempts) in enumerate(
        (("once", "running", 1), ("once", "queued", 0), ("twice", "running", 1), ("twice", "running", 2))
    ):
        values = {
            "owner_id": max_.user_id,
            "key": f"task-{number}",
            "kind": kind,
            "status": status,
            "attempts": attempts,
            "input": {"name": number},
            "acting": acting,
        }
        await bear.app.records.create(SYSTEM, "tasks", values)
    tasks, gate = queue(bear), Gate()
    gate.open.set()
    tasks.register(Kind("once", gate.run))
    tasks.register(Kind("twice", gate.run, idempotent=True))
    await tasks.start()
    states = [(await ended(bear, f"task-{number}"))["status"] for number in range(4)]
    assert states == ["interrupted", "completed", "completed", "interrupted"], "nothing is begun for ever"
    assert sorted(gate.begun) == [1, 2]


async def test_what_was_submitted_and_begun_before_the_start_is_not_taken_for_what_an_earlier_process_left(
    bear: Bear,
) -> None:
    max_ = await person(bear, "max")
    tasks, gate = queue(bear), Gate()
    tasks.register(Kind("once", gate.run, at_once=1))
    keys = [(await tasks.submit(max_, "once", "Work", {"name": number}))["key"] for number in range(2)]
    await until(bear, keys[0], lambda row: row["status"] == "running")
    await tasks.start()
    assert (await until(bear, keys[0], lambda _row: True))["status"] == "running"
    gate.open.set()
    assert [(await ended(bear, key))["status"] for key in keys] == ["completed", "completed"]
    assert gate.begun == [0, 1], "each is begun once"


async def test_what_a_killed_process_left_running_becomes_interrupted(tmp_path: Path) -> None:
    async with running_bear(tmp_path) as bear:
        await bear.person("ada", "admin")
        values = {"owner_id": bear.ids["ada"], "key": "task-1", "kind": "work", "status": "running"}
        await bear.app.records.create(SYSTEM, "tasks", values)
    async with running_bear(tmp_path) as bear:
        [row] = await bear.app.records.find(SYSTEM, "tasks")
        assert row["status"] == "interrupted" and "stopped" in row["error"] and row["finished_at"]
