"""MCP servers that plugins bring: asked for, offered, kept from other hands, and gone with their plugin."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.mcp_gateway.caller import Caller
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import on, state, switch, write

pytestmark = pytest.mark.anyio

SERVER = """
import json, os, sys
TOOL = {"name": "echo", "description": "Says what it has.", "inputSchema": {"type": "object"}}
RESULTS = {
    "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                   "serverInfo": {"name": "tiny", "version": "1"}},
    "tools/list": {"tools": [TOOL]},
    "tools/call": {"content": [{"type": "text", "text": os.environ.get("KEY", "") + " in " + os.getcwd()}]},
    "ping": {},
}
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": RESULTS.get(message["method"], {})}),
              flush=True)
"""
ASKED = ("mcp_servers", "secrets")


def bring(folder: Path, plugin_id: str = "weather", **entry: Any) -> Path:
    """A plugin that brings one server, which it has in its folder."""
    told = {"command": sys.executable, "args": ["server.py"], "env": {"KEY": "${secret:key}"}, **entry}
    files = {"server.py": SERVER}
    return write(folder, plugin_id, files=files, permissions=list(ASKED), mcp_servers={"sky": told})


async def listed(client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    """What the Tools page shows, by name."""
    return {one["name"]: one for one in (await client.get("/api/v1/gateway")).json()["data"]["servers"]}


async def rows(client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in (await client.get("/api/v1/mcp_servers")).json()["data"]}


def _actor(bear: Bear, client: httpx2.AsyncClient) -> Any:
    header = (b"authorization", client.headers["authorization"].encode())
    return bear.app.authenticator.actor_for({"type": "http", "headers": [header], "client": ("127.0.0.1", 5000)})


async def call(bear: Bear, client: httpx2.AsyncClient, name: str) -> str:
    result = await bear.app.gateway.gateway.call(Caller(actor=_actor(bear, client)), name, {})
    return str(result["content"][0]["text"])


async def test_what_a_server_starts_is_shown_before_somebody_says_yes(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    bring(folder)
    await ada.post("/api/v1/plugins/rescan")
    told = (await ada.get("/api/v1/plugins/weather/manifest")).json()["data"]
    [asked] = [one for one in told["permissions"] if one["name"] == "mcp_servers"]
    assert asked["enforced"] and "your rights" in asked["meaning"]
    [detail] = asked["details"]
    assert detail.startswith("weather-sky starts ") and "server.py" in detail and "KEY" in detail
    assert (await switch(ada, "weather", "enable", permissions=["secrets"])).status_code == 409
    assert await rows(ada) == {}
    max_ = await house.person("max")
    assert (await switch(max_, "weather", "enable", permissions=list(ASKED))).status_code == 403
    assert await rows(ada) == {}


async def test_a_server_comes_with_its_plugin_and_goes_with_it(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    bring(folder)
    assert (await on(ada, "weather", *ASKED))["error"] is None
    shown = (await listed(ada))["weather-sky"]
    assert (shown["plugin"], shown["transport"], shown["enabled"]) == ("weather", "stdio", True)
    [live] = [one for one in house.app.plugins.live if one.id == "weather"]
    await live.context.put_secret("key", "s3cret")
    gateway = house.app.gateway.gateway
    await gateway.tools(_actor(house, ada))
    assert await call(house, ada, "weather-sky__echo") == f"s3cret in {folder / 'weather'}"
    assert (await switch(ada, "weather", "disable")).status_code == 200
    assert "weather-sky" not in await listed(ada)
    assert not [tool for tool in await gateway.tools(_actor(house, ada)) if tool.server == "weather-sky"]


async def test_a_server_is_for_admins_until_one_of_them_opens_it(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    bring(folder, env={})
    await on(ada, "weather", *ASKED)
    max_, gus = await house.person("max"), await house.person("gus", "guest")
    anonymous = await house.client()
    for client in (max_, gus):
        assert "weather-sky" not in await listed(client)
    assert (await anonymous.get("/api/v1/gateway")).status_code == 401
    at = (await rows(ada))["weather-sky"]["id"]
    for client in (max_, gus):
        assert (await client.patch(f"/api/v1/mcp_servers/{at}", json={"visibility": "everyone"})).status_code == 403
    opened = await ada.patch(f"/api/v1/mcp_servers/{at}", json={"visibility": "everyone"})
    assert opened.status_code == 200, opened.text
    await house.app.gateway.gateway.tools(_actor(house, ada))
    assert "weather-sky" in await listed(max_)
    assert (await call(house, max_, "weather-sky__echo")).startswith(" in ")


async def test_people_switch_it_and_change_or_delete_nothing_else(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    bring(folder)
    await on(ada, "weather", *ASKED)
    at = (await rows(ada))["weather-sky"]["id"]
    values: dict[str, Any]
    for values in (
        {"command": "/bin/sh"}, {"args": ["-c"]}, {"env": {"KEY": "other"}}, {"cwd": "/"}, {"headers": {"a": "b"}},
        {"transport": "http", "command": None, "url": "https://example.org/mcp", "args": [], "env": None, "cwd": None},
    ):  # fmt: skip
        answer = await ada.patch(f"/api/v1/mcp_servers/{at}", json=values)
        assert (answer.status_code, answer.json()["code"]) == (409, "of_plugin"), values
        assert "plugin weather" in answer.json()["error"]
    refused = await ada.patch(f"/api/v1/mcp_servers/{at}", json={"plugin": None})
    assert refused.status_code == 422
    renamed = await ada.patch(f"/api/v1/mcp_servers/{at}", json={"name": "sky"})
    assert (renamed.status_code, renamed.json()["code"]) == (409, "of_plugin")
    gone = await ada.delete(f"/api/v1/mcp_servers/{at}")
    assert (gone.status_code, gone.json()["code"]) == (409, "of_plugin")
    off = await ada.patch(f"/api/v1/mcp_servers/{at}", json={"enabled": False, "rate_per_minute": 5})
    assert off.status_code == 200, off.text
    assert (await listed(ada))["weather-sky"]["state"] == "disabled"
    # What people decided outlives a reload.
    assert (await switch(ada, "weather", "reload")).status_code == 200
    kept = (await rows(ada))["weather-sky"]
    assert (kept["id"], kept["enabled"], kept["rate_per_minute"]) == (at, False, 5)


async def test_nobody_makes_a_server_that_says_it_is_a_plugins(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    values = {"name": "x", "transport": "http", "url": "https://example.org", "plugin": "weather"}
    made = await ada.post(
        "/api/v1/mcp_servers",
        json=values,
    )
    assert made.status_code == 422
    bring(folder)
    await on(ada, "weather", *ASKED)
    await switch(ada, "weather", "disable")
    at = (await rows(ada))["weather-sky"]["id"]
    await ada.delete(f"/api/v1/mcp_servers/{at}")
    back = await ada.post(f"/api/v1/mcp_servers/{at}/restore")
    assert (back.status_code, back.json()["code"]) == (409, "of_plugin")
    assert await rows(ada) == {}


async def test_a_persons_server_of_the_same_name_stays_and_the_plugin_stays_out(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    own = {"name": "weather-sky", "transport": "http", "url": "https://example.org/mcp"}
    at = (await ada.post("/api/v1/mcp_servers", json=own)).json()["data"]["id"]
    bring(folder)
    row = await on(ada, "weather", *ASKED)
    assert row["state"] == "failed" and "MCP server named weather-sky already" in row["error"]
    kept = (await rows(ada))["weather-sky"]
    assert (kept["id"], kept["url"], kept["plugin"]) == (at, own["url"], None)
    await ada.delete(f"/api/v1/mcp_servers/{at}")
    assert (await on(ada, "weather", *ASKED))["state"] == "on"
    again = await ada.post("/api/v1/mcp_servers", json=own)
    assert again.status_code == 409
    # Another plugin's name may come to the same.
    write(folder, "a", permissions=["mcp_servers"], mcp_servers={"b-c": {"url": "https://a.example/mcp"}})
    write(folder, "a-b", permissions=["mcp_servers"], mcp_servers={"c": {"url": "https://b.example/mcp"}})
    assert (await on(ada, "a", "mcp_servers"))["state"] == "on"
    assert (await on(ada, "a-b", "mcp_servers"))["state"] == "failed"
    assert (await rows(ada))["a-b-c"]["url"] == "https://a.example/mcp"


async def test_a_tool_that_somebody_forbade_stays_forbidden_when_its_plugin_was_off_or_away(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    bring(folder, env={})
    await on(ada, "weather", *ASKED)
    gateway, actor = house.app.gateway.gateway, _actor(house, ada)
    at = (await rows(ada))["weather-sky"]["id"]
    rule = {"server_id": at, "tool": "echo", "effect": "deny", "subject": "everyone"}
    await house.app.records.create(SYSTEM, "mcp_rules", rule)

    async def offered() -> list[str]:
        return [tool.name for tool in await gateway.tools(actor) if tool.server == "weather-sky"]

    assert await offered() == []
    await switch(ada, "weather", "disable")
    await on(ada, "weather", *ASKED)
    assert ((await rows(ada))["weather-sky"]["id"], await offered()) == (at, [])
    uninstalled = await ada.post("/api/v1/plugins/weather/uninstall", json={})
    assert uninstalled.status_code == 200, uninstalled.text
    bring(folder, env={})
    await ada.post("/api/v1/plugins/rescan")
    await on(ada, "weather", *ASKED)
    assert ((await rows(ada))["weather-sky"]["id"], await offered()) == (at, [])
    # An admin may forget it all while the plugin is off.
    await switch(ada, "weather", "disable")
    assert (await ada.delete(f"/api/v1/mcp_servers/{at}")).status_code == 200
    await on(ada, "weather", *ASKED)
    assert await offered() == ["echo"]


async def test_other_commands_than_were_agreed_to_are_not_started(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    bring(folder)
    await on(ada, "weather", *ASKED)
    bring(folder, args=["other.py"])
    row = (await switch(ada, "weather", "reload")).json()["data"]
    assert row["state"] == "failed" and "mcp_servers" in row["error"]
    assert "weather-sky" not in await listed(ada)
    assert (await on(ada, "weather", *ASKED))["state"] == "on"
    assert (await rows(ada))["weather-sky"]["args"] == ["other.py"]


async def test_a_newer_version_brings_other_servers_and_takes_the_old_ones_away(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    bring(folder)
    await on(ada, "weather", *ASKED)
    write(folder, "weather", permissions=["mcp_servers"], mcp_servers={"sea": {"url": "https://sea.example/mcp"}})
    await switch(ada, "weather", "reload")
    await on(ada, "weather", "mcp_servers")
    assert {name for name in await rows(ada) if name.startswith("weather")} == {"weather-sea"}


async def test_servers_of_a_plugin_wait_for_it_after_a_restart(tmp_path: Path, folder: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        bring(folder)
        await on(ada, "weather", *ASKED)
        at = (await rows(ada))["weather-sky"]["id"]
    (folder / "weather" / "tools.py").write_text("raise RuntimeError('broken')")
    async with running_bear(tmp_path / "data") as bear:
        assert bear.app.gateway.server_desk.states(SYSTEM) == []
    (folder / "weather" / "tools.py").unlink()
    async with running_bear(tmp_path / "data") as bear:
        [shown] = bear.app.gateway.server_desk.states(SYSTEM)
        assert (shown["id"], shown["name"]) == (at, "weather-sky")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"mcp_servers": []}, "mcp_servers"),
        ({"mcp_servers": {"Sky": {"url": "https://a.example"}}}, "Sky"),
        ({"mcp_servers": {"../x": {"url": "https://a.example"}}}, "../x"),
        ({"mcp_servers": {"sky": {}}}, '"command" or "url"'),
        ({"mcp_servers": {"sky": {"command": "a", "url": "https://a.example"}}}, '"command" or "url"'),
        ({"mcp_servers": {"sky": {"command": "a", "headers": {"x": "y"}}}}, '"headers"'),
        ({"mcp_servers": {"sky": {"url": "https://a.example", "args": ["x"]}}}, '"args"'),
        ({"mcp_servers": {"sky": {"url": "file:///etc/passwd"}}}, "http://"),
        ({"mcp_servers": {"sky": {"url": "https://me:pw@a.example"}}}, "credentials"),
        ({"mcp_servers": {"sky": {"url": "https://[a"}}}, "no address"),
        ({"mcp_servers": {"sky": {"command": "a", "cwd": "../.."}}}, '"cwd"'),
        ({"mcp_servers": {"sky": {"command": "a", "cwd": "/etc"}}}, '"cwd"'),
        ({"mcp_servers": {"sky": {"command": "a", "args": ["${secret:key}"]}}}, "secrets go into"),
        ({"mcp_servers": {"sky": {"command": "a", "args": ["a\nb"]}}}, "args"),
        ({"mcp_servers": {"sky": {"command": "a", "env": {"A B": "x"}}}}, "A B"),
        ({"mcp_servers": {"sky": {"command": "a", "env": {"A": "${secret:../other}"}}}}, "no name of a secret"),
        ({"mcp_servers": {"sky": {"command": "a", "env": {"A": "${secret:key}"}}}}, '"secrets" among'),
        ({"mcp_servers": {"sky": {"command": "a"}}, "permissions": []}, '"mcp_servers" among'),
        ({"mcp_servers": {"sky": {"command": "a", "shell": True}}}, "shell"),
    ],
)
async def test_a_manifest_with_a_wrong_server_is_refused_by_name(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, change: dict[str, Any], told: str
) -> None:
    write(folder, "weather", **{"permissions": ["mcp_servers"], **change})
    await ada.post("/api/v1/plugins/rescan")
    error = (await ada.get("/api/v1/plugins/weather/manifest")).json()["data"]["error"]
    assert error.startswith("weather/manifest.json: ") and told in error


async def test_too_long_a_name_is_refused_before_anything_is_made(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    long = "a-plugin-with-quite-a-long-name"
    bring(folder, long)
    row = await on(ada, long, *ASKED)
    assert row["state"] == "failed" and "at most 32" in row["error"]
    assert await rows(ada) == {}


async def test_a_secret_is_the_plugins_own_and_one_that_is_missing_is_told_by_name(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    await ada.post("/api/v1/secrets", json={"name": "key", "value": "somebody else's"})
    bring(folder)
    await on(ada, "weather", *ASKED)
    await house.app.gateway.gateway.tools(_actor(house, ada))
    error = (await listed(ada))["weather-sky"]["error"]
    assert "'key'" in error and "settings of the plugin weather" in error and "somebody else's" not in error


async def test_twenty_times_on_and_off_leaves_nothing_behind(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    bring(folder, env={})
    gateway = house.app.gateway.gateway
    actor = _actor(house, ada)
    before = len(asyncio.all_tasks())
    for _ in range(20):
        await on(ada, "weather", *ASKED)
        assert [tool.name for tool in await gateway.tools(actor) if tool.server == "weather-sky"] == ["echo"]
        await switch(ada, "weather", "disable")
    assert (await state(ada, "weather"))["state"] == "off"
    assert len(await house.app.records.find(SYSTEM, "mcp_servers")) == 1
    uninstalled = await ada.post("/api/v1/plugins/weather/uninstall", json={"drop_data": True})
    assert uninstalled.status_code == 200, uninstalled.text
    for model in ("mcp_servers", "mcp_tools", "mcp_approvals", "mcp_offers"):
        assert await house.app.records.find(SYSTEM, model) == [], model
    assert gateway._pool.connections() == [] and gateway._pool._plugins == {}
    assert gateway.plugin_servers._declared == {} and gateway.plugin_servers._running == set()
    assert len(asyncio.all_tasks()) <= before
