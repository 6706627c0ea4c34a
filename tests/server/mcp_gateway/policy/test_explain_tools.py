"""Why somebody may call a tool: what explain says is what the policy does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests_wire_support import MODERN, Wire, message

from server.access.actor import SYSTEM
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
TINY = Path(__file__).parent.parent / "tiny_server.py"

LOOK = {"own_server": "records", "tool": "look"}


async def server(bear: Bear, admin: httpx2.AsyncClient, **values: Any) -> int:
    """A server whose one tool, echo, was listed once."""
    row = {"name": "tiny", "transport": "stdio", "command": sys.executable, "args": [str(TINY)], **values}
    number = int((await bear.app.records.create(SYSTEM, "mcp_servers", row))["id"])
    assert len((await admin.get(f"/api/v1/gateway/{number}/tools")).json()["data"]) == 1
    return number


async def rule(bear: Bear, effect: str, **values: Any) -> int:
    row = {"subject": "everyone", "effect": effect, **values}
    return int((await bear.app.records.create(SYSTEM, "mcp_rules", row))["id"])


async def told(admin: httpx2.AsyncClient, number: int, user: int, **more: Any) -> dict[str, Any]:
    answer = await admin.get(f"/api/v1/gateway/{number}/explain", params={"user": user, "tool": "echo", **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def works(client: httpx2.AsyncClient) -> str:
    found = message(await Wire(client, MODERN).call("tiny__echo"))
    return "allow" if "result" in found else "ask" if found["error"]["code"] == -32009 else "deny"


async def test_it_names_what_decided_and_calls_come_to_the_same(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    number, max_, ada = await server(bear, admin), bear.ids["max"], bear.ids["ada"]
    shut = await told(admin, number, max_)
    assert shut["program"]["effect"] == "deny" and shut["program"]["because"].startswith("the server is not for them")
    assert shut["program"]["rules"] == [] and await works(member) == "deny"
    assert (await told(admin, number, ada))["person"]["effect"] == "allow" == await works(admin)

    opened = await rule(bear, "allow", server_id=number, subject="user", user_id=max_)
    first = await told(admin, number, max_)
    assert first["program"]["effect"] == "allow" == await works(member) and first["program"]["rule_id"] == opened

    asks = await rule(bear, "ask", server_id=number, tools="writing")
    second = await told(admin, number, max_)
    assert second["program"]["effect"] == "ask" == await works(member) and second["program"]["rule_id"] == asks
    assert second["person"]["effect"] == "allow", "with a session nobody is asked"
    assert {one["id"] for one in second["program"]["rules"]} == {opened, asks}

    shuts = await rule(bear, "deny", subject="programs", tool="echo")
    third = await told(admin, number, max_)
    assert third["program"]["effect"] == "deny" == await works(member) and third["program"]["rule_id"] == shuts
    assert third["person"]["effect"] == "allow"


async def test_a_token_is_explained_with_its_scopes(bear: Bear, admin: httpx2.AsyncClient) -> None:
    number = await server(bear, admin, visibility="everyone")
    for scopes, effect in ((["mcp:tiny:echo"], "allow"), (["mcp:other"], "deny"), (["api"], "deny")):
        client = await bear.person("max", scopes=scopes)
        [newest] = await bear.app.records.find(SYSTEM, "api_tokens", sort="-id", limit=1)
        found = await told(admin, number, bear.ids["max"], token=newest["id"])
        assert found["token"]["effect"] == effect, scopes
        assert found["program"]["effect"] == "allow"
        if "api" not in scopes:
            assert await works(client) == effect
    theirs = await admin.get(
        f"/api/v1/gateway/{number}/explain", params={"user": bear.ids["ada"], "tool": "echo", "token": newest["id"]}
    )
    assert theirs.status_code == 404


async def test_it_tells_what_stands_in_the_way_now(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    number = await server(bear, admin, visibility="everyone")
    assert (await told(admin, number, bear.ids["max"]))["obstacles"] == []
    await bear.app.records.create(SYSTEM, "settings", {"name": "mcp_rate_burst", "value": "1"})
    assert await works(member) == "allow"
    [limit] = (await told(admin, number, bear.ids["max"]))["obstacles"]
    assert limit["code"] == "rate_limited" and limit["retry_after"] > 0
    session = await bear.signed_in("ada")
    assert (await session.patch(f"/api/v1/gateway/{number}/tools/echo", json={"enabled": False})).status_code == 200
    await bear.app.records.update(SYSTEM, "users", bear.ids["max"], {"is_active": False})
    await bear.app.records.update(SYSTEM, "mcp_servers", number, {"enabled": False})
    codes = [one["code"] for one in (await told(admin, number, bear.ids["max"]))["obstacles"]]
    assert codes == ["person_disabled", "server_disabled", "tool_disabled", "rate_limited"]


async def test_only_admins_ask_and_what_is_not_there_is_said(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    number = await server(bear, admin, visibility="everyone")
    for client in (member, guest_role):
        for at in (number, 999):
            answer = await client.get(f"/api/v1/gateway/{at}/explain", params={"user": 1, "tool": "echo"})
            assert answer.status_code == 403, "nobody learns from it what there is"
    for at, given in (
        (999, {"user": bear.ids["max"], "tool": "echo"}),
        (number, {"user": 999, "tool": "echo"}),
        (number, {"user": bear.ids["max"], "tool": "nope"}),
    ):
        assert (await admin.get(f"/api/v1/gateway/{at}/explain", params=given)).status_code == 404
    assert (await admin.get(f"/api/v1/gateway/{number}/explain", params={"user": 1})).status_code == 422


async def test_a_rule_by_the_name_that_an_admin_gave_a_tool_holds(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    number = await server(bear, admin, visibility="everyone")
    session = await bear.signed_in("ada")
    renamed = await session.patch(f"/api/v1/gateway/{number}/tools/echo", json={"alias": "repeat"})
    assert renamed.status_code == 200, renamed.text
    for name in ("repeat", "echo"):
        made = await rule(bear, "deny", server_id=number, tool=name)
        found = message(await Wire(member, MODERN).call("tiny__repeat"))
        assert found["error"]["message"] == "Unknown tool: tiny__repeat"
        await bear.app.records.delete(SYSTEM, "mcp_rules", made)
    assert "result" in message(await Wire(member, MODERN).call("tiny__repeat"))


async def test_a_tool_that_gets_another_name_slips_away_from_no_rule(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    number = await server(bear, admin, visibility="everyone")
    session = await bear.signed_in("ada")

    async def called(client: httpx2.AsyncClient, name: str) -> str:
        found = message(await Wire(client, MODERN).call(name))
        return "done" if "result" in found else str(found["error"]["message"])

    async def alias(path: str, name: str | None) -> None:
        answer = await session.patch(f"/api/v1/gateway/{path}", json={"alias": name})
        assert answer.status_code == 200, answer.text

    await alias(f"{number}/tools/echo", "repeat")
    await alias("own/records/tools/search_notes", "look")
    for values in ({"server_id": number, "tool": "repeat"}, {"server_id": number, "tool": "tiny__repeat"}):
        made = (
            await session.post("/api/v1/mcp_rules", json={"subject": "everyone", "effect": "deny", **values})
        ).json()
        assert made["data"]["tool"] == "echo", "the name that stays"
        await alias(f"{number}/tools/repeat", "again")
        assert await called(member, "tiny__again") == "Unknown tool: tiny__again"
        await alias(f"{number}/tools/again", "repeat")
        assert (await session.delete(f"/api/v1/mcp_rules/{made['data']['id']}")).status_code == 200
    assert await called(member, "tiny__repeat") == "done"

    whole = await rule(bear, "deny", tool="tiny__repeat")
    assert await called(member, "tiny__repeat") == "Unknown tool: tiny__repeat", "by the name that clients see"
    # The name began with that of a server, so it is a rule for this one.
    patched = await session.patch(f"/api/v1/mcp_rules/{whole}", json={"server_id": None, **LOOK})
    assert patched.json()["data"]["tool"] == "search_notes"
    await alias("own/records/tools/look", None)
    assert (await called(member, "records__search_notes")).startswith("Unknown tool")
    other = await session.patch(f"/api/v1/mcp_rules/{whole}", json={"tool": "not_there_yet", "note": "it may come"})
    assert other.json()["data"]["tool"] == "not_there_yet"
    assert await called(member, "records__search_notes") == "done"


async def test_a_rule_for_all_servers_loses_no_tool_that_gets_another_name(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    number = await server(bear, admin, visibility="everyone")
    session = await bear.signed_in("ada")

    async def alias(path: str, name: str | None) -> None:
        answer = await session.patch(f"/api/v1/gateway/{path}", json={"alias": name})
        assert answer.status_code == 200, answer.text

    async def made(tool: str) -> httpx2.Response:
        return await session.post("/api/v1/mcp_rules", json={"subject": "everyone", "effect": "deny", "tool": tool})

    await alias(f"{number}/tools/echo", "repeat")
    refused = await made("repeat")
    assert refused.status_code == 422 and "echo of tiny" in refused.json()["fields"]["tool"]["message"]
    for before, given, now in (("repeat", "tiny__repeat", "again"), ("again", "tiny__echo", "repeat")):
        rule_id = (await made(given)).json()["data"]["id"]
        await alias(f"{number}/tools/{before}", now)
        for name in ("again", "repeat", "echo"):
            assert "Unknown tool" in message(await Wire(member, MODERN).call(f"tiny__{name}"))["error"]["message"]
        assert (await session.delete(f"/api/v1/mcp_rules/{rule_id}")).status_code == 200
    for given in ({"tool": "records__search_notes"}, {"own_server": "records", "tool": "records__search_notes"}):
        rule_id = await rule(bear, "deny", **given)
        await alias("own/records/tools/search_notes", "look")
        for name in ("look", "search_notes"):
            assert "Unknown tool" in message(await Wire(member, MODERN).call(f"records__{name}"))["error"]["message"]
        await alias("own/records/tools/look", None)
        assert (await session.delete(f"/api/v1/mcp_rules/{rule_id}")).status_code == 200
    refused = await made("not_there_yet")
    assert refused.status_code == 201, "it may come"


async def test_what_is_allowed_of_all_servers_grows_by_no_name_that_is_given_to_a_tool(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    number = await server(bear, admin)
    session = await bear.signed_in("ada")
    await rule(bear, "allow", tool="harmless")
    assert "error" in message(await Wire(member, MODERN).call("tiny__echo"))
    renamed = await session.patch(f"/api/v1/gateway/{number}/tools/echo", json={"alias": "harmless"})
    assert renamed.status_code == 200
    assert "error" in message(await Wire(member, MODERN).call("tiny__harmless"))
    await rule(bear, "allow", tool="echo")
    assert "result" in message(await Wire(member, MODERN).call("tiny__harmless"))
