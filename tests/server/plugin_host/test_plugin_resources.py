"""Resources that plugins bring: listed and read by their rules, and contained when a plugin does wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear
from tests.server.mcp_gateway.tests_wire_support import LEGACY, MODERN, Wire, message
from tests.server.plugin_host.tests_plugin_support import on, state, switch, write

pytestmark = pytest.mark.anyio
RESOURCES = """
from server.plugin_api import (
    Actor, Conflict, NotFound, PluginContext, Resource, ResourceContent, list_resources, read_resource,
)

@list_resources
async def listed(plugin: PluginContext, actor: Actor):
    groups = await plugin.groups_of(actor)
    assert plugin.data_folder.is_dir()
    mine = [Resource(name, name) for name in groups]
    return [Resource("who/" + actor.username, "You", "text/plain", title="T", size=3), *mine]

@read_resource
async def read(actor: Actor, path: str):
    if path == "raises":
        raise RuntimeError("private detail")
    if path == "wrong":
        return "text"
    if path == "busy":
        raise Conflict("not now")
    if path == "bytes":
        return ResourceContent("application/x-bear", data=b"\\xff")
    if path != "who/" + actor.username:
        raise NotFound("nothing here")
    return ResourceContent("text/plain", text="ada")
"""


async def ask(client: httpx2.AsyncClient, method: str, path: str = "/mcp", **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = message(await (await Wire(client, MODERN, path).open()).ask(method, params))
    return found


async def test_a_plugin_with_resources_alone_is_a_server_for_clients(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "den", files={"resources.py": RESOURCES}, permissions=["mcp_tools"])
    await on(ada, "den", "mcp_tools")
    group = (await ada.post("/api/v1/groups", json={"name": "Bears"})).json()["data"]["id"]
    await ada.post("/api/v1/group_members", json={"group_id": group, "user_id": house.ids["ada"]})
    for path in ("/mcp", "/mcp/den"):
        told = (await ask(ada, "resources/list", path))["result"]["resources"]
        assert told == [
            {"uri": "gridbear://den/who/ada", "name": "You", "title": "T", "mimeType": "text/plain", "size": 3},
            {"uri": "gridbear://den/Bears", "name": "Bears"},
        ]
        [one] = (await ask(ada, "resources/read", path, uri="gridbear://den/who/ada"))["result"]["contents"]
        assert one == {"uri": "gridbear://den/who/ada", "mimeType": "text/plain", "text": "ada"}
    [blob] = (await ask(ada, "resources/read", uri="gridbear://den/bytes"))["result"]["contents"]
    assert blob == {"uri": "gridbear://den/bytes", "mimeType": "application/x-bear", "blob": "/w=="}
    max_ = await house.person("max")
    assert [it["name"] for it in (await ask(max_, "resources/list"))["result"]["resources"]] == ["You"]
    assert "not found" in (await ask(max_, "resources/read", uri="gridbear://den/who/ada"))["error"]["message"]

    wire = Wire(ada, LEGACY, "/mcp/den")
    hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = await wire.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
    assert "resources" in message(answer)["result"]["capabilities"]
    wire.session = answer.headers["mcp-session-id"]
    refused = message(await wire.ask("resources/subscribe", {"uri": "gridbear://den/who/ada"}))
    assert "Nothing more than reading" in refused["error"]["message"]

    assert (await switch(ada, "den", "disable")).status_code == 200
    assert (await ask(ada, "resources/list"))["result"]["resources"] == []
    assert "error" in await ask(ada, "resources/read", uri="gridbear://den/who/ada")


async def test_a_plugin_that_does_wrong_is_named_in_the_log_alone(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, "den", files={"resources.py": RESOURCES}, permissions=["mcp_tools"])
    await on(ada, "den", "mcp_tools")
    for path in ("raises", "wrong"):
        error = (await ask(ada, "resources/read", uri=f"gridbear://den/{path}"))["error"]
        assert "private" not in str(error) and "log says why" in error["message"]
    assert "private detail" in caplog.text
    assert (await ask(ada, "resources/read", uri="gridbear://den/busy"))["error"]["message"] == "not now"
    bad = RESOURCES.replace('return [Resource("who/"', 'return ["x", Resource("who/"')
    write(folder, "den", files={"resources.py": bad}, permissions=["mcp_tools"])
    assert (await switch(ada, "den", "reload")).status_code == 200
    assert (await ask(ada, "resources/list"))["result"]["resources"] == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("@read_resource", "#", "one list_resources and one read_resource"),
        ("async def read(actor: Actor, path: str)", "async def read(uri: str)", "`path` of the read"),
        ("async def listed(plugin: PluginContext, actor: Actor)", "async def listed(city: str)", "none of the list"),
        ("@list_resources", "@list_resources\nasync def two(): ...\n@list_resources", "there are two"),
    ],
)
async def test_what_is_missing_is_said_when_it_is_switched_on(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, old: str, new: str, why: str
) -> None:
    write(folder, "den", files={"resources.py": RESOURCES.replace(old, new, 1)}, permissions=["mcp_tools"])
    await switch(ada, "den", "enable", permissions=["mcp_tools"])
    error = (await state(ada, "den"))["error"] or ""
    assert why in error and "resources.py" in error
    write(folder, "den", files={"resources.py": RESOURCES})
    await switch(ada, "den", "enable")
    assert "mcp_tools" in ((await state(ada, "den"))["error"] or "")


async def test_a_rule_that_asks_about_all_asks_about_reading_too(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "den", files={"resources.py": RESOURCES}, permissions=["mcp_tools"])
    await on(ada, "den", "mcp_tools")
    max_ = await house.person("max")
    uri = "gridbear://den/who/max"
    assert (await ask(max_, "resources/read", uri=uri))["result"]["contents"]
    await house.app.records.create(SYSTEM, "mcp_rules", {"subject": "programs", "effect": "ask"})
    error = (await ask(max_, "resources/read", uri=uri))["error"]
    assert error["data"]["state"] == "pending"
    person = await house.signed_in("max")
    approval = f"/api/v1/gateway/approvals/{error['data']['approval']}/approve"
    assert (await person.post(approval, json={})).status_code == 200
    assert (await ask(max_, "resources/read", uri=uri))["result"]["contents"]
    assert "error" in await ask(max_, "resources/read", uri=uri), "it was approved once"
