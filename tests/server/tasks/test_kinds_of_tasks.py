"""Kinds of tasks that go and come back, as those of a plugin that is read anew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.access.actor import Actor
from server.tasks.kinds import Kind
from server.tasks.report import Report
from tests.conftest import Bear
from tests.server.tasks.tests_tasks_support import ended, person, queue

pytestmark = pytest.mark.anyio


async def test_a_task_whose_kind_goes_before_its_first_step_waits_for_it_to_come_back(bear: Bear) -> None:
    async def work(_actor: Actor, _given: dict[str, Any], _report: Report) -> Any:
        await asyncio.sleep(0)

    max_, tasks = await person(bear, "max"), queue(bear)
    tasks.register(Kind("work", work))
    key = str((await tasks.submit(max_, "work", "Work", {}))["key"])
    await tasks.unregister("work")
    assert (await tasks.of(max_, key))["status"] == "queued" and not tasks._runs._running
    tasks.register(Kind("work", work))
    assert (await ended(bear, key))["status"] == "completed"
