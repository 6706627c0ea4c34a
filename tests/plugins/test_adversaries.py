"""Plugins that mean harm or know no better: each is contained, and everything else goes on."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.models.base import Base
from server.models.declared import declared_classes
from server.plugin_host.template import new_plugin
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import ROUTES, model, on, state, switch, write

pytestmark = pytest.mark.anyio

WORSE = ["RuntimeError('x')", "SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()", "asyncio.CancelledError()",
         "StopAsyncIteration()", "BaseExceptionGroup('x', [SystemExit(3)])"]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "plugins"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data") as bear:
        yield bear


@pytest.fixture
async def ada(house: Bear) -> httpx2.AsyncClient:
    return await house.person("ada", "admin")


async def until(there: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(20):
        while not (found := await there()):
            await asyncio.sleep(0)
        return found


async def all_is_well(ada: httpx2.AsyncClient) -> None:
    """The server answers, and the bundled plugin runs."""
    assert (await ada.get("/api/v1/notes")).status_code == 200
    assert (await ada.get("/api/webhook-inbox/")).status_code == 200


@pytest.mark.parametrize("what", WORSE)
async def test_a_route_may_raise_whatever_it_likes(ada: httpx2.AsyncClient, folder: Path, what: str) -> None:
    routes = f"""
import asyncio
from fastapi import APIRouter
router = APIRouter()
@router.get("/async")
async def a():
    raise {what}
@router.get("/thread")
def b():
    raise {what}
"""
    write(folder, "raises", routes=routes)
    await on(ada, "raises")
    answer = await ada.get("/api/raises/async")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert (await state(ada, "raises"))["failures"] == 1
    if not {"StopAsyncIteration()", "asyncio.CancelledError()", "GeneratorExit()"} & {what}:
        # These three can't leave a thread; Python itself makes something else of them.
        assert (await ada.get("/api/raises/thread")).status_code == 500
    await all_is_well(ada)


@pytest.mark.parametrize("what", WORSE)
async def test_hooks_and_tasks_may_raise_whatever_they_like(ada: httpx2.AsyncClient, folder: Path, what: str) -> None:
    hooks = f"""
import asyncio
from server.plugin_api import RecordEvent, on, on_shutdown
@on("raises_things")
async def noted(event: RecordEvent) -> None:
    raise {what}
@on_shutdown
async def end() -> None:
    raise {what}
"""
    tasks = (
        f"import asyncio\nfrom server.plugin_api import task\n@task()\nasync def work() -> None:\n    raise {what}\n"
    )
    routes = """
from fastapi import APIRouter
from server.plugin_api import Caller, Context
router = APIRouter()
@router.post("/work")
async def work(caller: Caller, plugin: Context):
    return {"key": await plugin.start_task("work", caller)}
"""
    files = {"hooks.py": hooks, "tasks.py": tasks}
    write(folder, "raises", models=model("raises_things"), routes=routes, files=files, permissions=["tasks"])
    assert (await on(ada, "raises", "tasks"))["state"] == "on"
    for name in ("one", "two"):
        await ada.post("/api/v1/raises_things", json={"name": name})

    async def both_told() -> bool:
        return (await state(ada, "raises"))["failures"] == 2

    await until(both_told)
    key = (await ada.post("/api/raises/work")).json()["key"]

    async def ended() -> Any:
        [row] = (await ada.get(f"/api/v1/tasks?key={key}")).json()["data"]
        return row if row["status"] not in ("queued", "running") else None

    assert (await until(ended))["status"] in ("failed", "cancelled")
    assert (await switch(ada, "raises", "disable")).json()["data"]["state"] == "off"
    await all_is_well(ada)


@pytest.mark.parametrize("what", WORSE)
async def test_a_start_may_raise_whatever_it_likes(ada: httpx2.AsyncClient, folder: Path, what: str) -> None:
    hooks = (
        f"import asyncio\nfrom server.plugin_api import on_startup\n@on_startup\nasync def begin():\n    raise {what}\n"
    )
    write(folder, "raises", models=model("raises_things"), routes=ROUTES, files={"hooks.py": hooks})
    row = await on(ada, "raises")
    assert row["state"] == "failed" and "hooks.py:begin" in row["error"] and row["traceback"]
    assert (await ada.get("/api/raises/who")).status_code == 404
    assert (await ada.get("/api/v1/raises_things")).status_code == 404
    await all_is_well(ada)


@pytest.mark.parametrize("what", ["RuntimeError('private detail')", "SystemExit(3)", "asyncio.CancelledError()"])
async def test_a_tool_may_raise_whatever_it_likes(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, what: str
) -> None:
    head = "import asyncio\nfrom server.plugin_api import tool\n@tool()\n"
    tools = f"{head}async def work() -> str:\n    'x'\n    raise {what}\n"
    write(folder, "raises", files={"tools.py": tools}, permissions=["mcp_tools"])
    await on(ada, "raises", "mcp_tools")
    answer = await ada.post("/api/v1/gateway/call", json={"tool": "raises__work", "arguments": {}})
    assert "private detail" not in answer.text and "plugin_failed" in answer.text
    assert (await state(ada, "raises"))["failures"] == 1
    await all_is_well(ada)


async def test_a_plugin_without_an_end_is_given_up_wherever_it_hangs(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.contained.SECONDS", 0.2)
    monkeypatch.setattr("server.plugin_host.hooks_contribution.SECONDS", 0.2)
    hang = "import time\ntime.sleep(2)\n"
    start = "import asyncio\nfrom server.plugin_api import on_startup\n"
    start += "@on_startup\nasync def begin():\n    await asyncio.Event().wait()\n"
    hangs: dict[str, dict[str, Any]] = {
        "models": {"models": hang},
        "routes": {"routes": hang},
        "tools": {"files": {"tools.py": hang}},
        "tasks": {"files": {"tasks.py": hang}},
        "hooks": {"files": {"hooks.py": hang}},
        "start": {"files": {"hooks.py": start}},
    }
    for name, given in hangs.items():
        write(folder, f"hangs-{name}", permissions=["mcp_tools", "tasks"], **given)
        row = await on(ada, f"hangs-{name}", "mcp_tools", "tasks")
        assert row["state"] == "failed", name
        await switch(ada, f"hangs-{name}", "disable")
    await all_is_well(ada)


ENDLESS = """
import time
from fastapi import APIRouter
router = APIRouter()
@router.get("/endless")
async def endless():
    while True:
        pass
@router.get("/asleep")
async def asleep():
    time.sleep(0.6)
    return "awake"
"""


async def test_an_endless_loop_is_broken_off_and_the_server_goes_on(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.watchdog.SECONDS", 0.2)
    write(folder, "blocks", routes=ENDLESS)
    await on(ada, "blocks")
    answer = await ada.get("/api/blocks/endless")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    row = await state(ada, "blocks")
    assert "held up the whole server" in row["error"] and "in endless" in row["traceback"] and row["failures"] == 1
    await all_is_well(ada)


async def test_who_holds_up_the_server_is_named_where_nothing_can_be_broken_off(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.watchdog.SECONDS", 0.2)
    monkeypatch.setattr("server.plugin_host.watchdog.Watchdog._throw_out", lambda self: False)
    write(folder, "blocks", routes=ENDLESS)
    await on(ada, "blocks")
    assert (await ada.get("/api/blocks/asleep")).json() == "awake"

    async def told() -> bool:
        return "routes.py:" in ((await state(ada, "blocks"))["error"] or "")

    await until(told)
    row = await state(ada, "blocks")
    assert "held up the whole server" in row["error"] and "in asleep" in row["traceback"] and row["enabled"]


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


async def test_a_flood_of_notifications_ends_at_the_limit(ada: httpx2.AsyncClient, folder: Path) -> None:
    routes = """
from fastapi import APIRouter
from server.plugin_api import Context
router = APIRouter()
@router.post("/flood")
async def flood(plugin: Context):
    for number in range(500):
        await plugin.notify(f"spam {number}")
"""
    write(folder, "floods", routes=routes, permissions=["notifications"])
    await on(ada, "floods", "notifications")
    assert (await ada.post("/api/floods/flood")).status_code == 200
    assert (await ada.get("/api/v1/notifications?limit=1")).json()["count"] <= 100
    await all_is_well(ada)


@pytest.mark.parametrize("name", ["records", "gridbear"])
async def test_the_name_of_a_server_of_ours_is_not_taken(ada: httpx2.AsyncClient, folder: Path, name: str) -> None:
    tools = "from server.plugin_api import tool\n@tool()\nasync def work() -> str:\n    'stolen'\n"
    before = (await ada.get("/api/v1/gateway")).json()["data"]
    write(folder, name, files={"tools.py": tools}, permissions=["mcp_tools"])
    await on(ada, name, "mcp_tools")
    assert "stolen" not in str((await ada.get("/api/v1/gateway")).json())
    row = await state(ada, name)
    if row["state"] == "failed":
        assert name in row["error"]
        assert (await ada.get("/api/v1/gateway")).json()["data"] == before
    await all_is_well(ada)


async def test_routes_shadow_nothing_of_ours(house: Bear, ada: httpx2.AsyncClient, folder: Path) -> None:
    routes = """
from fastapi import APIRouter
router = APIRouter()
@router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def everything(rest: str):
    return {"mine": rest}
for path in ("/api/v1/notes", "/../v1/notes", "//api/v1/notes", "/auth/login"):
    router.get(path)(everything)
"""
    write(folder, "shadow", routes=routes, public_api=True)
    await on(ada, "shadow")
    nobody = await house.client()
    assert (await nobody.get("/api/shadow/api/v1/notes")).status_code in (200, 422)
    for path in ("/api/v1/notes", "/api/internal/health", "/api/openapi.json", "/auth/login", "/healthz", "/"):
        assert "mine" not in (await nobody.get(path)).text
    for path in ("/api/v1/notes", "/api/internal/health"):
        assert (await nobody.get(path)).status_code == 401
    assert (await nobody.get("/api/shadow/../v1/notes")).status_code != 200
    await all_is_well(ada)


async def test_a_variable_of_the_server_is_no_secret_of_a_plugin(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDBEAR_TLS_KEY", "private detail")
    routes = """
from fastapi import APIRouter
from server.plugin_api import Context
router = APIRouter()
@router.get("/steal")
async def steal(plugin: Context):
    return {"value": plugin.secret("key")}
"""
    write(folder, "tls", routes=routes, permissions=["secrets"])
    await on(ada, "tls", "secrets")
    assert (await ada.get("/api/tls/steal")).json() == {"value": None}


async def test_tables_that_are_declared_elsewhere_are_never_made(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "sneaky", routes=ROUTES, files={"tools.py": model("sneaky_things")}, permissions=["mcp_tools"])
    await on(ada, "sneaky", "mcp_tools")
    assert (await ada.get("/api/v1/sneaky_things")).status_code == 404
    await switch(ada, "sneaky", "disable")
    assert "sneaky_things" not in Base.metadata.tables
    await all_is_well(ada)


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
