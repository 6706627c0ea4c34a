"""Tools of the program and of plugins, one by one: switched, renamed and described anew, on every way to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import on, write

pytestmark = pytest.mark.anyio
OWN = "/api/v1/gateway/own"
TOOLS = '''
from server.plugin_api import Actor, tool

@tool(read_only=True)
async def forecast(actor: Actor, city: str) -> dict[str, object]:
    """The weather of tomorrow."""
    return {"city": city}

@tool(read_only=True)
async def today(actor: Actor, city: str) -> dict[str, object]:
    """The weather of today."""
    return {"today": city}
'''


def actor(bear: Bear, name: str, role: Any = "member") -> Actor:
    return Actor(kind="token", user_id=bear.ids[name], username=name, role=role)


async def names(bear: Bear, who: Actor, server: str) -> dict[str, str]:
    """What is listed of a server: names at its own address with their descriptions."""
    gateway = bear.app.gateway.gateway
    listed = {tool.own_name: tool for tool in await gateway.tools(who, server)}
    assert [tool.public_name for tool in listed.values()] == [f"{server}__{name}" for name in listed]
    found = await bear.app.gateway.builtins.call(Caller(actor=who), "gridbear_help", {"server": server}, None)
    for name in listed:
        assert name in str(found)
    return {name: str(tool.raw["description"]) for name, tool in listed.items()}


async def refused(bear: Bear, who: Actor, name: str, **given: Any) -> str:
    """A call that is refused on every way; the reason."""
    gateway, texts = bear.app.gateway.gateway, set()
    server, _, own = name.partition("__")
    for caller, called in ((Caller(actor=who), name), (Caller(actor=who, server=server), own)):
        with pytest.raises(CallFailed) as failed:
            await gateway.call(caller, called, given)
        texts.add(failed.value.message.replace(name, own))
    with pytest.raises(CallFailed):
        await gateway.check(Caller(actor=who), name, given)
    [text] = texts
    return text


async def change(client: httpx2.AsyncClient, server: str, tool: str, status: int = 200, **values: Any) -> Any:
    answer = await client.patch(f"{OWN}/{server}/tools/{tool}", json=values)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_data_tool_that_is_off_is_in_no_list_and_callable_on_no_way(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    ann, max_ = await bear.signed_in("ada"), actor(bear, "max")
    assert {"search_notes", "get_notes"} <= set(await names(bear, max_, "records"))
    told = await change(ann, "records", "get_notes", enabled=False)
    assert told["data"]["enabled"] is False
    for who in (max_, actor(bear, "ada", "admin")):
        left = await names(bear, who, "records")
        assert "get_notes" not in left and "search_notes" in left
        assert await refused(bear, who, "records__get_notes", id=1) == "Unknown tool: get_notes"
    over_rest = (await admin.post("/api/v1/gateway/call", json={"tool": "records__get_notes"})).json()
    assert over_rest["code"] in ("not_found", "unknown_tool")
    # An admin still sees it, to switch it on again; nobody else does.
    listed = {tool["original_name"]: tool for tool in (await ann.get(f"{OWN}/records/tools")).json()["data"]}
    assert listed["get_notes"]["enabled"] is False and listed["search_notes"]["enabled"] is True
    theirs = (await member.get(f"{OWN}/records/tools")).json()["data"]
    assert theirs and "get_notes" not in str(theirs)
    await change(ann, "records", "get_notes", enabled=True)
    assert "get_notes" in await names(bear, max_, "records")


async def test_a_renamed_tool_is_called_by_its_new_name_alone_and_does_what_it_did(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    ann, max_ = await bear.signed_in("ada"), actor(bear, "max")
    await change(ann, "records", "create_notes", alias="write_down", description="Writes something down.")
    listed = await names(bear, max_, "records")
    assert listed["write_down"] == "Writes something down." and "create_notes" not in listed
    gateway = bear.app.gateway.gateway
    made = await gateway.call(Caller(actor=max_), "records__write_down", {"values": {"title": "wax"}})
    assert made["structuredContent"]["record"]["title"] == "wax"
    own = await gateway.call(Caller(actor=max_, server="records"), "write_down", {"values": {"title": "honey"}})
    assert own["structuredContent"]["record"]["title"] == "honey"
    assert "Unknown tool" in await refused(bear, max_, "records__create_notes", values={"title": "no"})
    # A rule goes by either name.
    rule = {"subject": "everyone", "effect": "deny", "own_server": "records", "tool": "create_notes"}
    number = (await ann.post("/api/v1/mcp_rules", json=rule)).json()["data"]["id"]
    assert "Unknown tool" in await refused(bear, max_, "records__write_down", values={"title": "no"})
    await ann.delete(f"/api/v1/mcp_rules/{number}")
    # By the new name it is found, and null takes both back.
    await change(ann, "records", "write_down", alias=None, description=None)
    assert "create_notes" in await names(bear, max_, "records")


async def test_no_two_tools_of_a_server_have_one_name(bear: Bear, admin: httpx2.AsyncClient) -> None:
    ann = await bear.signed_in("ada")
    for taken in ("search_notes", "create_notes"):
        told = await change(ann, "records", "get_notes", 422, alias=taken)
        assert told["fields"]["alias"]["code"] == "taken"
    await change(ann, "records", "get_notes", alias="read_note")
    assert (await change(ann, "records", "search_notes", 422, alias="read_note"))["fields"]["alias"]
    # Nor past the desk, by the records themselves; what could be no name is none.
    row = {"server": "records", "name": "update_notes", "alias": "read_note"}
    assert (await ann.post("/api/v1/own_tools", json=row)).json()["fields"]["alias"]["code"] == "taken"
    for bad in ("with space", "x" * 65, "ä", "a__b\0"):
        await change(ann, "records", "search_notes", 422, alias=bad)
    await change(ann, "records", "nothing", 404, enabled=False)
    await change(ann, "nowhere", "search_notes", 404, enabled=False)
    await change(ann, "records", "search_notes", 422, hash="x")


async def test_only_admins_who_are_signed_in_decide_and_it_is_in_the_audit_log(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    max_ = await bear.signed_in("max")
    for client, status in ((nobody, 401), (member, 403), (max_, 403), (admin, 403)):
        await change(client, "records", "get_notes", status, enabled=False)
        row = {"server": "records", "name": "get_notes", "enabled": False}
        assert (await client.post("/api/v1/own_tools", json=row)).status_code == status
    assert "get_notes" in await names(bear, actor(bear, "max"), "records")
    ann = await bear.signed_in("ada")
    await change(ann, "records", "get_notes", enabled=False)
    entries = (await admin.get("/api/v1/audit_entries?model=own_tools")).json()["data"]
    assert [entry["actor_name"] for entry in entries] == ["ada"]


async def test_tools_of_a_plugin_keep_their_settings_while_it_is_away_and_over_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_bear(folder) as bear:
        admin = await bear.person("ada", "admin")
        await bear.person("max")
        write(folder / "plugins", "weather", files={"tools.py": TOOLS}, permissions=["mcp_tools"])
        assert (await on(admin, "weather", "mcp_tools"))["error"] is None
        ann, max_ = await bear.signed_in("ada"), actor(bear, "max")
        assert {"name": "weather", "kind": "plugin", "tools": 2} in (await ann.get(OWN)).json()["data"]
        await change(ann, "weather", "forecast", alias="tomorrow", description="What will it be like?")
        await change(ann, "weather", "today", enabled=False)
        assert await names(bear, max_, "weather") == {"tomorrow": "What will it be like?"}
        told = await bear.app.gateway.gateway.call(Caller(actor=max_), "weather__tomorrow", {"city": "Rome"})
        assert told["structuredContent"] == {"city": "Rome"}
        assert (await admin.post("/api/v1/plugins/weather/disable")).status_code == 200
        assert (await ann.get(f"{OWN}/weather/tools")).status_code == 404
    # Meanwhile the plugin got a tool of the very name: that one has it.
    async with running_bear(folder) as bear:
        bear.ids |= {"ada": 1, "max": 2}
        write(
            folder / "plugins",
            "weather",
            files={"tools.py": TOOLS.replace("today", "tomorrow")},
            permissions=["mcp_tools"],
        )
        admin = await bear.person("ada", "admin")
        assert (await on(admin, "weather", "mcp_tools"))["error"] is None
        found = await names(bear, actor(bear, "max"), "weather")
        assert set(found) == {"forecast", "tomorrow"} and found["forecast"] == "What will it be like?"
