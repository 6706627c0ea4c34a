"""Tasks of plugins in processes of their own: the server goes on beside them, and they end when they must."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import Actor
from server.plugin_host.context import HostContext
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import model, on, state, switch, write
from tests.server.tasks.tests_tasks_support import ended, until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TASKS = """
import asyncio, os, signal, sys, threading, time
from typing import Any
from server.plugin_api import Actor, NotFound, PluginContext, Report, schedule, task

@task(process=True)
async def spin(report: Report) -> None:
    report.log("spinning")
    report.progress(0.25, str(os.getpid()))
    while True:
        pass

@task(process=True)
async def pid() -> int:
    return os.getpid()

@task(process=True)
async def work(plugin: PluginContext, actor: Actor, report: Report, name: str) -> dict[str, Any]:
    print("printed")
    plugin.log.warning("logged by %s", plugin.plugin_id)
    mine = await plugin.records.create("crunch_things", {"name": name})
    found = await plugin.records.find("crunch_things", where={"name": name})
    await plugin.records.update("crunch_things", mine["id"], {"name": name + "!"})
    notes = await plugin.records_as(actor).find("notes")
    report.progress(0.5, "half")
    report.log("one\\ntwo")
    return {"found": len(found), "for": actor.username, "notes": [note["title"] for note in notes],
            "settings": plugin.settings, "address": plugin.address, "public": plugin.public_url,
            "runs": plugin.is_running("crunch"), "ours": [n for n in os.environ if n.startswith("GRIDBEAR_")]}

@task(process=True)
async def around(plugin: PluginContext, actor: Actor) -> dict[str, Any]:
    told = [await plugin.notify("once", user_id=actor.user_id, key="k") for _ in range(2)]
    return {"groups": await plugin.groups_of(actor), "data": str(plugin.data_folder), "told": told}

@task(process=True)
async def too_far(plugin: PluginContext) -> None:
    await plugin.records.find("notes")

@task(process=True)
async def ask_for_secret(plugin: PluginContext) -> str | None:
    return plugin.secret("key")

@task(process=True)
async def keep(plugin: PluginContext, actor: Actor) -> int:
    await plugin.start_task("pid", None, "Nobody's")
    return await plugin.keep_file("a.bin", bytes(range(256)))

@task(process=True)
async def ask_others(plugin: PluginContext) -> None:
    await plugin.fetch("https://example.org")

@task(process=True)
async def missing() -> None:
    raise NotFound("there is no such thing")

@task(process=True)
async def raises() -> None:
    raise RuntimeError("private detail")

@task(process=True)
async def leaves() -> None:
    sys.exit(3)

@task(process=True)
async def odd() -> object:
    return object()

@task(process=True)
async def crash() -> None:
    print("on the brink", file=sys.stderr, flush=True)
    os._exit(7)

@task(process=True)
async def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

@task(process=True)
async def greedy() -> int:
    return len(bytearray(600 << 20))

@task(process=True)
async def thread() -> int:
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return os.getpid()

@task(process=True, idempotent=True, attempts=2)
async def second_time(plugin: PluginContext) -> str:
    if not await plugin.records.find("crunch_things"):
        await plugin.records.create("crunch_things", {"name": "was here"})
        os._exit(1)
    return "done"

@schedule(every_seconds=3600, process=True)
async def nightly(plugin: PluginContext) -> int:
    return os.getpid()
"""


class House:
    """A server with the plugin `crunch`, and a member `max` who starts its tasks."""

    def __init__(self, bear: Bear, ada: httpx2.AsyncClient, max_: httpx2.AsyncClient) -> None:
        self.bear = bear
        self.ada = ada
        self.max = max_
        self.actor = Actor(kind="user", user_id=bear.ids["max"], username="max", role="member")

    @property
    def context(self) -> HostContext:
        return next(live.context for live in self.bear.app.plugins.live if live.id == "crunch")

    async def begin(self, name: str, /, **given: Any) -> str:
        return await self.context.start_task(name, self.actor, **given)

    async def run(self, name: str, /, **given: Any) -> dict[str, Any]:
        return await ended(self.bear, await self.begin(name, **given))


@asynccontextmanager
async def crunching(tmp_path: Path, **settings: Any) -> AsyncIterator[House]:
    async with running_bear(tmp_path / "data", **settings) as bear:
        ada, max_ = await bear.person("ada", "admin"), await bear.person("max")
        said: dict[str, Any] = {
            "permissions": ["tasks", "records:read", "notifications"],
            "config_schema": {"city": {"type": "string", "default": "Rome"}},
        }
        folder = tmp_path / "data" / "plugins"
        write(folder, "crunch", models=model("crunch_things"), files={"tasks.py": TASKS}, **said)
        row = await on(ada, "crunch", "tasks", "records:read", "notifications")
        assert row["error"] is None
        yield House(bear, ada, max_)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with crunching(tmp_path) as house:
        yield house


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_busy_loop_leaves_the_server_answering_and_a_cancel_ends_it(house: House) -> None:
    key = await house.begin("spin")
    row = await until(house.bear, key, lambda row: row["message"] is not None)
    assert (row["status"], row["progress"]) == ("running", 0.25) and "spinning" in row["log"]
    nobody = await house.bear.client()
    for _ in range(200):
        assert (await nobody.get("/healthz")).status_code == 200
        assert (await house.max.get(f"/api/v1/tasks?key={key}")).json()["data"][0]["status"] == "running"
    assert not is_gone(int(row["message"]))
    assert (await house.max.post(f"/api/v1/tasks/{key}/cancel")).json()["data"]["status"] == "cancelled"
    assert is_gone(int(row["message"]))


async def test_a_task_in_a_process_has_the_narrow_context_of_its_plugin(house: House) -> None:
    await house.max.post("/api/v1/notes", json={"title": "mine"})
    await house.ada.post("/api/v1/notes", json={"title": "not to be seen"})
    row = await house.run("work", name="thing")
    assert row["status"] == "completed", row["error"]
    result = row["result"]
    assert result.pop("public").endswith("/api/crunch/")
    assert result == {"found": 1, "for": "max", "notes": ["mine"], "settings": {"city": "Rome"},
                      "address": "/api/crunch/", "runs": True, "ours": []}  # fmt: skip
    assert [line.split(" ", 1)[1] for line in row["log"].splitlines()] == ["one", "two"]
    [thing] = (await house.ada.get("/api/v1/crunch_things")).json()["data"]
    assert thing["name"] == "thing!"


async def test_a_task_in_a_process_knows_groups_and_the_data_folder_and_tells_once(house: House) -> None:
    group = (await house.ada.post("/api/v1/groups", json={"name": "Bears"})).json()["data"]["id"]
    await house.ada.post("/api/v1/group_members", json={"group_id": group, "user_id": house.actor.user_id})
    row = await house.run("around")
    told = {"groups": ["Bears"], "data": str(house.context.data_folder), "told": [True, True]}
    assert row["result"] == told, row["error"]
    news = (await house.max.get("/api/v1/notifications?source=crunch")).json()["data"]
    assert [(one["title"], one["key"]) for one in news] == [("once", "crunch k")]


async def test_a_task_in_a_process_keeps_files_and_starts_tasks_for_nobody(house: House) -> None:
    row = await house.run("keep")
    assert row["status"] == "completed", row["error"]
    kept = await house.ada.get(f"/api/v1/files/{row['result']}/content")
    assert kept.content == bytes(range(256))
    [other] = (await house.ada.get("/api/v1/tasks?kind=crunch.pid")).json()["data"]
    assert other["owner_id"] is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("too_far", "may use its own models"),
        ("ask_for_secret", '"secrets"'),
        ("ask_others", '"network"'),
        ("missing", "there is no such thing"),
        ("raises", "the log has the details"),
        ("leaves", "the log has the details"),
        ("odd", "the log has the details"),
        ("crash", "ended with exit code 7. Its last words:\non the brink"),
        ("killed", "was ended by SIGKILL"),
    ],
)
async def test_whatever_goes_wrong_is_a_failed_task_with_its_reason(house: House, name: str, words: str) -> None:
    row = await house.run(name)
    assert row["status"] == "failed" and words in row["error"] and "private detail" not in row["error"]
    assert (await house.run("pid"))["status"] == "completed"
    plugin = await state(house.ada, "crunch")
    assert plugin["state"] == "on"
    if name == "raises":
        assert plugin["error"] == "crunch/tasks.py:raises raised RuntimeError: private detail"
        assert "Traceback" in plugin["traceback"]


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="a limit of memory needs RLIMIT_AS, which Linux alone enforces")
async def test_more_memory_than_it_may_have_fails_the_task(tmp_path: Path) -> None:
    async with crunching(tmp_path, task_process_memory_bytes=400 << 20) as house:
        row = await house.run("greedy")
        assert row["status"] == "failed" and "task_process_memory_bytes" in row["error"]


async def test_a_task_that_takes_too_long_is_ended(house: House) -> None:
    pid = (await house.run("pid"))["result"]
    settings = house.bear.app.settings
    settings.publish(settings.current.model_copy(update={"task_process_seconds": 0.5}))
    row = await house.run("spin")
    assert row["status"] == "failed" and "longer than 0.5 s" in row["error"]
    assert is_gone(pid)


async def test_a_process_is_used_again_unless_a_thread_was_left_in_it(house: House) -> None:
    first = (await house.run("pid"))["result"]
    assert (await house.run("pid"))["result"] == first
    assert (await house.run("thread"))["result"] == first
    assert is_gone(first)
    assert (await house.run("pid"))["result"] != first


async def test_an_idle_process_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.plugin_host.workers.workers.IDLE_SECONDS", 0.0)
    first = (await house.run("pid"))["result"]
    second = (await house.run("pid"))["result"]
    assert first != second and is_gone(first)


async def test_one_that_may_be_done_twice_begins_again_after_a_crash(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.tasks.kinds._FIRST_DELAY_SECONDS", 0.0)
    row = await house.run("second_time")
    assert (row["status"], row["result"], row["attempts"]) == ("completed", "done", 2)


async def test_what_runs_and_what_waits_ends_with_the_plugin(house: House) -> None:
    idle = (await house.run("pid"))["result"]
    key = await house.begin("spin")
    row = await until(house.bear, key, lambda row: row["message"] is not None)
    assert (await switch(house.ada, "crunch", "disable")).json()["data"]["state"] == "off"
    assert is_gone(idle) and is_gone(int(row["message"]))
    row = await ended(house.bear, key)
    assert row["status"] == "interrupted" and "or the plugin that does it" in row["error"]


async def test_a_schedule_may_run_in_a_process(house: House) -> None:
    [row] = (await house.ada.get("/api/v1/schedules?plugin=crunch")).json()["data"]
    task = (await house.ada.post(f"/api/v1/schedules/{row['id']}/run")).json()["data"]
    done = await ended(house.bear, task["key"])
    assert done["status"] == "completed" and done["result"] != os.getpid()
