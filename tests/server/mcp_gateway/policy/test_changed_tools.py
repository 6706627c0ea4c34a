"""A server that comes back with another tool under the name of the one that was allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests_shifty_support import Shifty, definition
from tests_wire_support import MODERN, Wire, message

from server.access.actor import SYSTEM, Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.upstreams.upstream import Upstream
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
READS, WRITES = {"readOnlyHint": True}, {"readOnlyHint": False}


async def rested(bear: Bear, folder: Path) -> Shifty:
    """A server, `up`, with a tool that reads. It was used once and is stopped; no tool waits for an admin."""
    records, shifty = bear.app.records, Shifty(folder, definition("look", annotations=READS))
    await records.create(SYSTEM, "settings", {"name": "mcp_tool_approval", "value": "false"})
    row = {"name": "up", "transport": "stdio", "visibility": "everyone", **shifty.command}
    number = (await records.create(SYSTEM, "mcp_servers", row))["id"]
    upstream = bear.app.gateway.gateway._pool.of_id(number)
    assert upstream is not None
    await upstream.refresh(30)
    await upstream.stop()
    return shifty


async def call(client: httpx2.AsyncClient, path: str = "/mcp") -> Any:
    found = message(await Wire(client, MODERN, path).call("up__look"))
    return found["error"] if "error" in found else found["result"]["content"][0]["text"]


@pytest.mark.parametrize("way", ["address", "deny", "ask"])
async def test_a_tool_that_turns_out_to_write_is_not_called_where_only_reading_is_allowed(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path, way: str
) -> None:
    shifty = await rested(bear, tmp_path)
    if way != "address":
        rule = {"subject": "everyone", "tools": "writing", "effect": way}
        await bear.app.records.create(SYSTEM, "mcp_rules", rule)
    shifty.offers(definition("look", annotations=WRITES))
    error = await call(member, "/mcp?read_only=1" if way == "address" else "/mcp")
    if way == "ask":
        assert error["code"] == -32009 and error["data"] == {"state": "ended"}, error
        assert (await call(member))["data"]["state"] == "pending"
    else:
        assert error == {"code": -32602, "message": "Unknown tool: up__look"}
        assert (await call(member) == "called look") == (way == "address")


async def test_a_tool_that_has_changed_in_what_no_rule_is_about_is_called(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path
) -> None:
    shifty = await rested(bear, tmp_path)
    await bear.app.records.create(SYSTEM, "mcp_rules", {"subject": "everyone", "tools": "writing", "effect": "deny"})
    shifty.offers(definition("look", "Other words.", annotations=READS), version="2")
    assert await call(member, "/mcp?read_only=1") == "called look"


async def test_a_tool_that_becomes_another_while_its_call_waits_for_its_turn_is_not_called(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shifty = await rested(bear, tmp_path)
    [number] = [row["id"] for row in await bear.app.records.find(SYSTEM, "mcp_servers")]
    upstream = bear.app.gateway.gateway._pool.of_id(number)
    assert upstream is not None
    turn = upstream.requests._in_flight.turn

    async def meanwhile(*waiting: Any) -> None:
        shifty.offers(definition("look", annotations=WRITES))
        await upstream.refresh(30)
        await turn(*waiting)

    monkeypatch.setattr(upstream.requests._in_flight, "turn", meanwhile)
    error = await call(member, "/mcp?read_only=1")
    assert error == {"code": -32602, "message": "Unknown tool: up__look"}
    assert await call(member) == "called look"


async def ruled_meanwhile(bear: Bear, monkeypatch: pytest.MonkeyPatch, effect: str) -> Upstream:
    """The server, at which each call waits until there is such a rule."""
    [number] = [row["id"] for row in await bear.app.records.find(SYSTEM, "mcp_servers")]
    upstream = bear.app.gateway.gateway._pool.of_id(number)
    assert upstream is not None
    turn = upstream.requests._in_flight.turn

    async def meanwhile(*waiting: Any) -> None:
        if not await bear.app.records.find(SYSTEM, "mcp_rules"):
            await bear.app.records.create(SYSTEM, "mcp_rules", {"subject": "everyone", "effect": effect})
        await turn(*waiting)

    monkeypatch.setattr(upstream.requests._in_flight, "turn", meanwhile)
    return upstream


@pytest.mark.parametrize("effect", ["deny", "ask"])
async def test_a_rule_that_is_made_while_a_call_waits_for_its_server_holds_for_that_call(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    await rested(bear, tmp_path)
    await ruled_meanwhile(bear, monkeypatch, effect)
    error = await call(member)
    if effect == "deny":
        assert error == {"code": -32602, "message": "Unknown tool: up__look"}
    else:
        assert error["code"] == -32009 and error["data"] == {"state": "ended"}, error
        assert (await call(member))["data"]["state"] == "pending"


@pytest.mark.parametrize("effect", ["deny", "ask"])
async def test_it_holds_for_what_is_no_tool_as_well(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    await rested(bear, tmp_path)
    upstream = await ruled_meanwhile(bear, monkeypatch, effect)
    program = Actor(
        kind="token", user_id=bear.ids["max"], username="max", role="member", scopes=frozenset({"mcp"}), credential_id=7
    )
    with pytest.raises(CallFailed, match="any more, or not without approval"):
        await bear.app.gateway.gateway.request(
            Caller(actor=program), upstream, "resources/read", {"uri": "up://look"}, None, None
        )


async def test_a_rule_that_is_made_while_an_approval_is_looked_up_forbids_that_call(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rested(bear, tmp_path)
    await bear.app.records.create(SYSTEM, "mcp_rules", {"subject": "everyone", "effect": "ask"})
    gateway = bear.app.gateway.gateway
    [number] = [row["id"] for row in await bear.app.records.find(SYSTEM, "mcp_servers")]
    upstream = gateway._pool.of_id(number)
    assert upstream is not None
    await upstream.refresh(30)

    async def approved(*_call: Any, **_how: Any) -> int:
        await bear.app.records.create(SYSTEM, "mcp_rules", {"subject": "everyone", "effect": "deny"})
        return 0

    monkeypatch.setattr(gateway.asking, "require", approved)
    assert await call(member) == {"code": -32602, "message": "Unknown tool: up__look"}
