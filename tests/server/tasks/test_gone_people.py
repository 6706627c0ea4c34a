"""Tasks of people who are deleted meanwhile go with them, and are no error."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from server.access.actor import OWNER, SYSTEM, Actor
from server.tasks.kinds import Kind
from server.tasks.report import Report
from tests.conftest import Bear
from tests.server.tasks.tests_tasks_support import person, queue

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("ends", ["by itself", "with an error", "with its person"])
async def test_a_task_whose_person_is_deleted_while_it_runs_is_no_error(
    bear: Bear, caplog: pytest.LogCaptureFixture, ends: str
) -> None:
    max_, tasks = await person(bear, "max"), queue(bear)

    async def work(_actor: Actor, _given: dict[str, Any], report: Report) -> str:
        report.log("about to end")
        deleting = asyncio.create_task(bear.app.records.delete(OWNER, "users", bear.ids["max"]))
        if ends == "with its person":
            await asyncio.Event().wait()
        try:
            await asyncio.shield(deleting)
        except asyncio.CancelledError:
            await deleting
        if ends == "with an error":
            raise RuntimeError("It failed.")
        return "done"

    tasks.register(Kind("ends", work))
    row = await tasks.submit(max_, "ends", "Ends", {})
    await asyncio.gather(*tasks._runs._running.values())
    assert bear.app.records.look_up(SYSTEM, "tasks", "id", row["id"]) is None
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert told == ([f"task {row['id']} failed"] if ends == "with an error" else [])
    await tasks.stop()
