"""Schedules that plugins bring: there while the plugin is on, paused by people, and without anybody's rights."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import model, on, state, switch, write
from tests.server.tasks.tests_tasks_support import ended

pytestmark = pytest.mark.anyio
TASKS = """
from server.plugin_api import Actor, Forbidden, PluginContext, Report, schedule, task

@schedule(cron="0 3 * * *", time_zone="Europe/Rome", title="Tidy up")
async def tidy(plugin: PluginContext, actor: Actor, report: Report):
    await plugin.records.create("tidy_things", {"name": actor.kind})
    report.log("tidied")

@task(schedulable="Says hello.")
async def hello(plugin: PluginContext, actor: Actor, name: str = "you"):
    return f"hello {name}, says {actor.username}"
"""


async def test_it_shows_runs_without_rights_and_keeps_its_pause_through_reloads(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "tidy", models=model("tidy_things"), files={"tasks.py": TASKS}, permissions=["tasks"])
    await on(ada, "tidy", "tasks")
    [row] = (await ada.get("/api/v1/schedules")).json()["data"]
    assert (row["name"], row["task"], row["plugin"], row["owner_id"]) == ("tidy: Tidy up", "tidy.tidy", "tidy", None)
    assert row["next_run_at"] is not None
    where = f"/api/v1/schedules/{row['id']}"
    answer = await ada.post(f"{where}/run")
    task = await ended(house, answer.json()["data"]["key"])
    assert task["status"] == "completed" and "tidied" in task["log"]
    assert [it["name"] for it in await house.app.records.find(SYSTEM, "tidy_things")] == ["internal"]

    assert (await ada.patch(where, json={"cron": "* * * * *"})).status_code == 403
    assert (await ada.patch(where, json={"enabled": False})).status_code == 200
    write(folder, "tidy", files={"tasks.py": TASKS.replace("0 3 * * *", "30 4 * * *")}, permissions=["tasks"])
    assert (await switch(ada, "tidy", "reload")).status_code == 200
    [row] = (await ada.get("/api/v1/schedules")).json()["data"]
    assert (row["cron"], row["enabled"], row["next_run_at"]) == ("30 4 * * *", False, None)
    write(folder, "tidy", files={"tasks.py": TASKS.replace("@schedule", "#").replace("async def tidy", "async def _t")},
          permissions=["tasks"])  # fmt: skip
    assert (await switch(ada, "tidy", "reload")).status_code == 200
    assert (await ada.get("/api/v1/schedules")).json()["data"] == []


async def test_a_time_that_can_not_be_is_told_with_the_file_that_has_it(ada: httpx2.AsyncClient, folder: Path) -> None:
    tasks = TASKS.replace("0 3 * * *", "61 * * * *")
    write(folder, "tidy", models=model("tidy_things"), files={"tasks.py": tasks}, permissions=["tasks"])
    answer = await switch(ada, "tidy", "enable", permissions=["tasks"])
    assert "tidy/tasks.py: cron: Bad minute" in answer.text


async def test_a_task_that_a_plugin_offers_runs_by_a_persons_own_schedule(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "tidy", models=model("tidy_things"), files={"tasks.py": TASKS}, permissions=["tasks"])
    await on(ada, "tidy", "tasks")
    max_ = await house.person("max")
    kinds = {kind["task"] for kind in (await max_.get("/api/v1/schedules/kinds")).json()["data"]}
    assert "tidy.hello" in kinds and "tidy.tidy" not in kinds
    given = {"name": "s", "task": "tidy.hello", "every_seconds": 86400, "input": {"name": "bear"}}
    made = (await max_.post("/api/v1/schedules", json=given)).json()["data"]
    answer = await max_.post(f"/api/v1/schedules/{made['id']}/run")
    assert (await ended(house, answer.json()["data"]["key"]))["result"] == "hello bear, says max"
    refused = await max_.post("/api/v1/schedules", json={**given, "task": "tidy.tidy"})
    assert refused.status_code == 422
    assert [row["id"] for row in (await max_.get("/api/v1/schedules")).json()["data"]] == [made["id"]]


async def test_a_schedule_that_never_runs_keeps_its_plugin_out_and_says_why(
    ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "tidy", files={"tasks.py": TASKS.replace("0 3 * * *", "0 3 * *")}, permissions=["tasks"])
    await switch(ada, "tidy", "enable", permissions=["tasks"])
    assert "five parts are wanted" in ((await state(ada, "tidy"))["error"] or "")


async def test_what_a_task_raises_stands_at_its_plugin_and_what_it_says_itself_does_not(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    tasks = (
        "from server.plugin_api import NotFound, schedule\n"
        'HOW = {"known": NotFound("no such bear"), "fault": KeyError("honey")}\n'
        '@schedule(every_seconds=86400, title="Fails")\nasync def known():\n    raise HOW["known"]\n'
        '@schedule(every_seconds=86400, title="Raises")\nasync def fault():\n    raise HOW["fault"]\n'
    )
    write(folder, "tidy", files={"tasks.py": tasks}, permissions=["tasks"])
    await on(ada, "tidy", "tasks")
    known, fault = (await ada.get("/api/v1/schedules?sort=id")).json()["data"]
    run = await ada.post(f"/api/v1/schedules/{known['id']}/run")
    assert (await ended(house, run.json()["data"]["key"]))["error"] == "no such bear"
    assert (await state(ada, "tidy"))["error"] is None

    run = await ada.post(f"/api/v1/schedules/{fault['id']}/run")
    assert (await ended(house, run.json()["data"]["key"]))["status"] == "failed"
    row = await state(ada, "tidy")
    assert (row["state"], row["error"]) == ("on", "tidy/tasks.py:fault raised KeyError: 'honey'")
    assert "Traceback" in row["traceback"] and "fault" in row["traceback"]
