"""Plugins whose hooks never come to an end, and what plugins leave behind."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.models.base import Base
from server.models.declared import declared_classes
from server.plugin_host.template import new_plugin
from tests.conftest import Bear, running_bear
from tests.plugins.tests_adversaries_support import all_is_well, until
from tests.server.plugin_host.tests_plugin_support import model, on, state, switch, write

pytestmark = pytest.mark.anyio


async def test_a_hook_that_calls_itself_without_end_is_stopped(ada: httpx2.AsyncClient, folder: Path) -> None:
    hooks = """
from server.plugin_api import PluginContext, RecordEvent, on
@on("loops_things", "create")
async def more(event: RecordEvent, plugin: PluginContext) -> None:
    await plugin.records.create("loops_things", {"name": "more"})
"""
    write(folder, "loops", models=model("loops_things"), files={"hooks.py": hooks})
    await on(ada, "loops")
    assert (await ada.post("/api/v1/loops_things", json={"name": "first"})).status_code == 201

    async def told() -> bool:
        return "calls itself" in ((await state(ada, "loops"))["error"] or "")

    await until(told)
    count = (await ada.get("/api/v1/loops_things?limit=1")).json()["count"]
    for _ in range(200):
        await asyncio.sleep(0)
    assert (await ada.get("/api/v1/loops_things?limit=1")).json()["count"] == count <= 20
    await all_is_well(ada)


ECHO = """
from server.plugin_api import PluginContext, RecordEvent, on
@on("{other}_things", "create", "update")
async def back(event: RecordEvent, plugin: PluginContext) -> None:
    kept = await plugin.records.find("{mine}_things")
    if kept:
        await plugin.records.update("{mine}_things", kept[0]["id"], {{"name": event.row["name"] + "!"}})
    else:
        await plugin.records.create("{mine}_things", {{"name": "first"}})
"""


async def test_hooks_of_two_plugins_that_call_each_other_without_end_are_stopped(
    ada: httpx2.AsyncClient, folder: Path
) -> None:
    for name in ("ping", "pong"):
        write(folder, name, models=model(f"{name}_things"), permissions=["records:read"])
        assert (await on(ada, name, "records:read"))["error"] is None
    for mine, other in (("ping", "pong"), ("pong", "ping")):
        (folder / mine / "hooks.py").write_text(ECHO.format(mine=mine, other=other))
        assert (await switch(ada, mine, "reload")).json()["data"]["error"] is None
    assert (await ada.post("/api/v1/ping_things", json={"name": "a"})).status_code == 201

    async def told() -> str:
        errors = [str((await state(ada, name))["error"]) for name in ("ping", "pong")]
        return next((error for error in errors if "calls itself through" in error), "")

    error = await until(told)
    assert "ping/hooks.py:back" in error and "pong/hooks.py:back" in error and "after 10 rounds" in error
    names = [(await ada.get(f"/api/v1/{name}_things")).json()["data"][0]["name"] for name in ("ping", "pong")]
    for _ in range(200):
        await asyncio.sleep(0)
    again = [(await ada.get(f"/api/v1/{name}_things")).json()["data"][0]["name"] for name in ("ping", "pong")]
    assert again == names and max(map(len, names)) < 25
    # What comes from outside is told as ever, from the beginning.
    before = (await state(ada, "pong"))["failures"] + (await state(ada, "ping"))["failures"]
    assert (await ada.patch("/api/v1/ping_things/1", json={"name": "b"})).status_code == 200

    async def told_again() -> bool:
        return (await state(ada, "pong"))["failures"] + (await state(ada, "ping"))["failures"] == before + 1

    await until(told_again)
    await all_is_well(ada)


BY_TASK = """
from server.plugin_api import PluginContext, RecordEvent, on
@on("rounds_things", "create")
async def again(event: RecordEvent, plugin: PluginContext) -> None:
    await plugin.start_task("more", None)
"""
MORE = """
from server.plugin_api import PluginContext, task
@task{how}
async def more(plugin: PluginContext) -> None:
    await plugin.records.create("rounds_things", {{"name": "more"}})
"""
ON_TASKS = """
from server.plugin_api import PluginContext, RecordEvent, on
@on("tasks", "update")
async def again(event: RecordEvent, plugin: PluginContext) -> None:
    if event.row["status"] == "completed" and event.row["kind"] == "rounds.more":
        await plugin.start_task("more", None)
"""


@pytest.mark.parametrize(
    ("hooks", "how"),
    [(BY_TASK, "()"), (ON_TASKS, "()"), pytest.param(BY_TASK, "(process=True)", marks=pytest.mark.slow)],
)
async def test_a_hook_that_calls_itself_through_tasks_without_end_is_stopped_and_named(
    hooks: str, how: str, house: Bear, ada: httpx2.AsyncClient, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = ["records:read", "tasks"]
    files = {"hooks.py": hooks, "tasks.py": MORE.format(how=how)}
    write(folder, "rounds", models=model("rounds_things"), files=files, permissions=asked)
    assert (await on(ada, "rounds", *asked))["error"] is None
    if hooks is BY_TASK:
        assert (await ada.post("/api/v1/rounds_things", json={"name": "first"})).status_code == 201
    else:
        [live] = [plugin for plugin in house.app.plugins.live if plugin.id == "rounds"]
        await live.context.start_task("more", None)

    async def told() -> str:
        error = str((await state(ada, "rounds"))["error"])
        return error if "calls itself" in error else ""

    error = await until(told)
    assert error == "rounds/hooks.py:again calls itself through the task rounds.more; after 10 rounds it is not called"
    assert error in caplog.text

    async def done() -> bool:
        return not await house.app.records.find(SYSTEM, "tasks", where={"status__in": ["queued", "running"]})

    await until(done)
    count = (await ada.get("/api/v1/rounds_things?limit=1")).json()["count"]
    for _ in range(200):
        await asyncio.sleep(0)
    assert (await ada.get("/api/v1/rounds_things?limit=1")).json()["count"] == count <= 12
    tasks = await house.app.records.find(SYSTEM, "tasks")
    assert len(tasks) in (10, 11) and {row["status"] for row in tasks} == {"completed"}
    await all_is_well(ada)


async def test_what_led_to_a_task_is_known_after_a_restart_and_is_nobodys_to_see(tmp_path: Path, folder: Path) -> None:
    files = {"hooks.py": BY_TASK, "tasks.py": MORE.format(how="()")}
    asked = ["tasks"]
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        write(folder, "rounds", models=model("rounds_things"), files=files, permissions=asked)
        await on(ada, "rounds", *asked)
        long = ["rounds/hooks.py:again", "the task rounds.more"] * 9
        row = {
            "kind": "rounds.more",
            "key": "task-left",
            "status": "queued",
            "input": {},
            "acting": '{"kind": "system"}',
        }
        await bear.app.records.create(SYSTEM, "tasks", {**row, "led_by": json.dumps(long)})
        shown = (await ada.get("/api/v1/tasks")).text
        assert "task-left" in shown and "hooks.py" not in shown
    async with running_bear(tmp_path / "data") as bear:
        bear.ids["ada"] = 1
        ada = await bear.person("ada")

        async def told() -> bool:
            return "after 10 rounds" in str((await state(ada, "rounds"))["error"])

        await until(told)
        # The one that was left, and one more round.
        assert (await ada.get("/api/v1/tasks")).json()["count"] == 2


FUTURE = "from __future__ import annotations\n"
LEAVES = """
import asyncio, queue, threading, time
from server.plugin_api import on_startup
async def forever():
    await asyncio.Event().wait()
GOES_ON = [True]
async def stubborn():
    while GOES_ON:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
def loop():
    while True:
        time.sleep(0.01)
@on_startup
async def begin():
    begin.kept = [asyncio.create_task(it, name=f"left {number}") for number, it in enumerate(STARTED)]
    for target in THREADS:
        threading.Thread(target=target, name="left thread", daemon=True).start()
"""


# Which is how a thread is broken off; outside of tests nobody is told of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_tasks_and_threads_that_a_plugin_began_end_with_it(ada: httpx2.AsyncClient, folder: Path) -> None:
    text = f"{LEAVES}\nSTARTED = [forever(), asyncio.wait_for(forever(), 3600)]\nTHREADS = [loop]\n"
    write(folder, "leaves", files={"hooks.py": text})
    for deed in ("reload", "disable"):
        assert (await on(ada, "leaves"))["error"] is None
        row = (await switch(ada, "leaves", deed)).json()["data"]
        assert (row["error"], row["state"]) == (None, "on" if deed == "reload" else "off")
    assert [it.name for it in threading.enumerate() if it.name == "left thread"] == []
    assert [it.get_name() for it in asyncio.all_tasks() if it.get_name().startswith("left ")] == []


async def test_what_can_not_be_ended_is_named(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.leftovers.CANCEL_SECONDS", 0.1)
    monkeypatch.setattr("server.plugin_host.leftovers.THREAD_SECONDS", 0.1)
    text = f"{LEAVES}\nLINE = queue.Queue()\ndef waits():\n    LINE.get()\n"
    write(folder, "leaves", files={"hooks.py": f"{text}\nSTARTED = [stubborn()]\nTHREADS = [waits]\n"})
    await on(ada, "leaves")
    module = next(it for name, it in sys.modules.items() if name.endswith(".hooks") and "leaves" in name)
    [task] = [it for it in asyncio.all_tasks() if it.get_name() == "left 0"]
    row = (await switch(ada, "leaves", "disable")).json()["data"]
    assert row["state"] == "off" and not row["enabled"]
    assert "the task left 0" in row["error"] and "the thread left thread" in row["error"]
    assert "in waits" in row["traceback"]
    module.LINE.put(None)
    module.GOES_ON.clear()
    task.cancel()
    await asyncio.wait([task])
    await all_is_well(ada)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_two_hundred_times_on_and_off_leave_nothing_of_a_whole_plugin(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    new_plugin("tea-time", folder)
    hooks = folder / "tea-time" / "hooks.py"
    hooks.write_text(f"{hooks.read_text()}\n{LEAVES}\nSTARTED = [forever()]\nTHREADS = [loop]\n".replace(FUTURE, ""))

    def left() -> dict[str, Any]:
        gc.collect()
        gateway = house.app.gateway.gateway
        return {
            "models": len(list(house.app.records.registry)),
            "classes": len(list(declared_classes(Base))),
            "tables": set(Base.metadata.tables),
            "modules": [name for name in sys.modules if "tea_time" in name],
            "threads": [it.name for it in threading.enumerate() if it.name.startswith(("plugin ", "left "))],
            "servers": gateway.own_names(),
            "listeners": len(house.app._bus._subscribers),
            "tasks": sorted(
                it.get_name() for it in asyncio.all_tasks() if "tea-time" in it.get_name() or "left " in it.get_name()
            ),
            "schedules": house.app.records.all_now(SYSTEM, "schedules"),
            "path": list(sys.path),
        }

    await on(ada, "tea-time", "mcp_tools", "tasks")
    await switch(ada, "tea-time", "disable")
    before = left()
    for _ in range(200):
        await on(ada, "tea-time", "mcp_tools", "tasks")
        await switch(ada, "tea-time", "disable")
    assert left() == before
    assert (before["modules"], before["tasks"], before["threads"]) == ([], [], [])
    assert (await ada.get("/api/tea-time/open")).status_code == 404
