"""What plugins bring beside models and routes: tools, hooks and tasks, and what becomes of bad ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.errors import GridBearError
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import model, on, state, switch, write

pytestmark = pytest.mark.anyio

TOOLS = '''
from server.plugin_api import Actor, NotFound, PluginContext, tool

@tool(title="Forecast", read_only=True)
async def forecast(plugin: PluginContext, actor: Actor, city: str, days: int = 3) -> dict[str, object]:
    """The weather of the next days."""
    if city == "nowhere":
        raise NotFound("there is no such city")
    if city == "hell":
        raise RuntimeError("private detail")
    return {"city": city, "days": days, "for": actor.username, "plugin": plugin.plugin_id}

@tool(admins_only=True)
async def flood(city: str) -> list[str]:
    """Floods a city."""
    return [city, "is wet"]
'''
HOOKS = """
from server.plugin_api import PluginContext, RecordEvent, on, on_shutdown, on_startup

@on_startup
async def begin(plugin: PluginContext) -> None:
    await plugin.records.create("diary_lines", {"name": "began"})

@on("notes", "create", "delete")
async def noted(event: RecordEvent, plugin: PluginContext) -> None:
    title = event.row["title"] if event.row else "gone"
    if title == "bad":
        raise RuntimeError("private detail")
    await plugin.records.create("diary_lines", {"name": f"{event.verb} {title}"})

@on_shutdown
async def end(plugin: PluginContext) -> None:
    await plugin.records.create("diary_lines", {"name": "ended"})
"""
TASKS = """
from server.plugin_api import Actor, PluginContext, Report, task

@task(priority=3)
async def count(plugin: PluginContext, actor: Actor, report: Report, to: int) -> dict[str, object]:
    report.progress(0.5, "counting")
    return {"counted": to, "for": actor.username}
"""
HOOK = """
import asyncio
from server.plugin_api import RecordEvent, on

@on("notes")
async def noted(event: RecordEvent) -> None:
    ...
"""
START_TASK = """
from fastapi import APIRouter
from server.plugin_api import Caller, Context
router = APIRouter()
@router.post("/count")
async def count(caller: Caller, plugin: Context):
    return {"key": await plugin.start_task("count", caller, "Counting", to=7)}
"""


async def until(there: Callable[[], Awaitable[Any]]) -> Any:
    """What `there` gives once it is something."""
    async with asyncio.timeout(10):
        while not (found := await there()):
            await asyncio.sleep(0)
        return found


async def call(bear: Bear, name: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a tool through the pipeline of the gateway, as `name`."""
    client = await bear.person(name)
    actor = bear.app.authenticator.actor_for(
        {"type": "http", "headers": [(b"authorization", client.headers["authorization"].encode())],
         "client": ("127.0.0.1", 5000)}
    )  # fmt: skip
    return await bear.app.gateway.gateway.call(Caller(actor=actor), tool, arguments)


async def listed(bear: Bear, client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    """The tools of the plugin `weather`, as the gateway lists them."""
    tools = await bear.app.gateway.gateway.tools(_actor(bear, client))
    return {tool.name: tool.as_listed(prefixed=True) for tool in tools if tool.server == "weather"}


async def test_tools_come_with_a_schema_and_go_with_the_plugin(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "weather", files={"tools.py": TOOLS}, permissions=["mcp_tools"])
    assert (await on(ada, "weather", "mcp_tools"))["error"] is None
    await house.person("max")
    told = await call(house, "max", "weather__forecast", {"city": "Rome"})
    assert told["structuredContent"] == {"city": "Rome", "days": 3, "for": "max", "plugin": "weather"}
    wrong = await call(house, "max", "weather__forecast", {"days": "many", "zip": 1})
    assert wrong["isError"]
    assert {"city", "days", "zip"} <= set(wrong["structuredContent"]["error"].replace(":", "").split())
    refused = await call(house, "max", "weather__forecast", {"city": "nowhere"})
    assert refused["structuredContent"] == {"error": "there is no such city", "code": "not_found"}
    failed = await call(house, "max", "weather__forecast", {"city": "hell"})
    assert failed["isError"] and "private detail" not in str(failed)
    assert (await state(ada, "weather"))["failures"] == 1
    with pytest.raises(CallFailed):
        await call(house, "max", "weather__flood", {"city": "Rome"})
    assert (await call(house, "ada", "weather__flood", {"city": "Rome"}))["structuredContent"]["result"][1] == "is wet"
    tools = await listed(house, ada)
    assert set(tools["forecast"]["inputSchema"]["properties"]) == {"city", "days"}
    assert tools["forecast"]["description"] == "The weather of the next days."
    assert set(await listed(house, await house.person("max"))) == {"forecast"}
    await switch(ada, "weather", "disable")
    assert await listed(house, ada) == {}
    with pytest.raises(CallFailed):
        await call(house, "max", "weather__forecast", {"city": "Rome"})


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("def forecast(city: str) -> str:\n    '''x'''", "async function"),
        ("async def forecast(city: str) -> str:\n    return ''", "docstring"),
        ("async def forecast(city) -> str:\n    '''x'''", "needs a type"),
        ("async def forecast(*city: str) -> str:\n    '''x'''", "*city"),
        ("async def forecast(city: 'Nothing') -> str:\n    '''x'''", "types can't be read"),
    ],
)
async def test_a_tool_that_can_not_be_offered_is_explained(
    ada: httpx2.AsyncClient, folder: Path, code: str, word: str
) -> None:
    text = f"from server.plugin_api import tool\n\n@tool()\n{code}\n"
    write(folder, "weather", files={"tools.py": text}, permissions=["mcp_tools"])
    row = await on(ada, "weather", "mcp_tools")
    assert row["state"] == "failed" and word in row["error"]


@pytest.mark.parametrize(
    ("file", "text", "permission"),
    [("tools.py", TOOLS, "mcp_tools"), ("tasks.py", TASKS, "tasks"), ("hooks.py", HOOKS, "records:read")],
)
async def test_what_the_manifest_does_not_ask_for_is_not_brought(
    ada: httpx2.AsyncClient, folder: Path, file: str, text: str, permission: str
) -> None:
    write(folder, "diary", models=model("diary_lines"), files={file: text})
    row = await on(ada, "diary")
    assert row["state"] == "failed" and f'"{permission}"' in row["error"]


async def test_a_plugin_takes_no_name_from_a_server_that_is_there(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    server = {"name": "weather", "transport": "http", "url": "http://127.0.0.1:9/mcp"}
    assert (await ada.post("/api/v1/mcp_servers", json=server)).status_code == 201
    gateway = house.app.gateway.gateway
    while gateway.find(_actor(house, ada), "weather") is None:
        await asyncio.sleep(0)
    before = {tool.name for tool in await gateway.tools(_actor(house, ada), "records")}
    assert before
    for name in ("records", "weather"):
        write(folder, name, files={"tools.py": TOOLS}, permissions=["mcp_tools"])
        row = await on(ada, name, "mcp_tools")
        assert row["state"] == "failed" and f"an MCP server named {name} already" in row["error"]
        await switch(ada, name, "disable")
    assert {tool.name for tool in await gateway.tools(_actor(house, ada), "records")} == before


async def test_hooks_hear_of_committed_changes_and_of_start_and_end(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "diary", models=model("diary_lines"), files={"hooks.py": HOOKS}, permissions=["records:read"])
    assert (await on(ada, "diary", "records:read"))["error"] is None

    async def lines(least: int) -> list[str]:
        rows = (await ada.get("/api/v1/diary_lines?sort=id")).json()["data"]
        return [row["name"] for row in rows] if len(rows) >= least else []

    note = (await ada.post("/api/v1/notes", json={"title": "hello"})).json()["data"]
    assert await until(lambda: lines(2)) == ["began", "create hello"]
    await ada.post("/api/v1/notes", json={"title": "bad"})
    await ada.patch(f"/api/v1/notes/{note['id']}", json={"title": "other"})
    await ada.delete(f"/api/v1/notes/{note['id']}")
    assert (await until(lambda: lines(3)))[2] == "delete gone"
    assert (await state(ada, "diary"))["failures"] == 1
    await switch(ada, "diary", "disable")
    await ada.post("/api/v1/notes", json={"title": "unheard"})
    write(folder, "diary", models=model("diary_lines"), files={"hooks.py": "# none\n"}, permissions=["records:read"])
    await on(ada, "diary", "records:read")
    assert await lines(0) == ["began", "create hello", "delete gone", "ended"]


async def test_a_hook_that_hangs_holds_up_no_change(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.hooks_contribution.MOST_WAITING", 5)
    monkeypatch.setattr("server.plugin_host.hooks_contribution.CALL_SECONDS", 0.05)
    hook = HOOK.replace("...", "await asyncio.Event().wait()")
    write(folder, "slow", files={"hooks.py": hook}, permissions=["records:read"])
    await on(ada, "slow", "records:read")
    for number in range(30):
        assert (await ada.post("/api/v1/notes", json={"title": str(number)})).status_code == 201

    async def failed() -> bool:
        return (await state(ada, "slow"))["failures"] >= 2

    await until(failed)
    assert "TimeoutError" in (await state(ada, "slow"))["traceback"]


async def test_a_hook_that_fails_too_often_ends_its_plugin(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.host.FAILURES_TO_SWITCH_OFF", 3)
    hook = HOOK.replace("...", "raise RuntimeError")
    write(folder, "bad", files={"hooks.py": hook}, permissions=["records:read"])
    await on(ada, "bad", "records:read")
    for number in range(6):
        await ada.post("/api/v1/notes", json={"title": str(number)})

    async def off() -> bool:
        return not (await state(ada, "bad"))["enabled"]

    await until(off)
    assert (await state(ada, "bad"))["failures"] == 3


async def test_a_task_runs_for_its_person_and_its_kind_goes_with_the_plugin(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "counter", routes=START_TASK, files={"tasks.py": TASKS}, permissions=["tasks"])
    assert (await on(ada, "counter", "tasks"))["error"] is None
    member = await house.person("max")
    started = await member.post("/api/counter/count")
    assert started.status_code == 200, started.text
    key = started.json()["key"]

    async def done() -> Any:
        [row] = (await member.get(f"/api/v1/tasks?key={key}")).json()["data"]
        return row if row["status"] not in ("queued", "running") else None

    row = await until(done)
    assert (row["status"], row["kind"], row["result"]) == ("completed", "counter.count", {"counted": 7, "for": "max"})
    assert row["priority"] == 3
    await switch(ada, "counter", "disable")
    assert not house.app.gateway.gateway.serves(_actor(house, member), "counter")
    assert (await member.post(f"/api/v1/tasks/{key}/retry")).status_code == 409


async def test_a_plugin_ends_what_it_began_when_the_server_stops(tmp_path: Path, folder: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        write(folder, "diary", models=model("diary_lines"), files={"hooks.py": HOOKS}, permissions=["records:read"])
        await on(ada, "diary", "records:read")
    async with running_bear(tmp_path / "data") as bear:
        bear.ids["ada"] = 1
        ada = await bear.person("ada")
        rows = (await ada.get("/api/v1/diary_lines?sort=id")).json()["data"]
        assert [row["name"] for row in rows] == ["began", "ended", "began"]


def _actor(bear: Bear, client: httpx2.AsyncClient) -> Any:
    headers = [(b"authorization", client.headers["authorization"].encode())]
    try:
        return bear.app.authenticator.actor_for({"type": "http", "headers": headers, "client": ("127.0.0.1", 5000)})
    except GridBearError as error:
        raise AssertionError(error.message) from error
