"""Why somebody may call a tool of this program, of its records or of a plugin: explain says what calls come to."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests_wire_support import MODERN, Wire, message

from server.access.actor import SYSTEM
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
OWN = "/api/v1/gateway/own"


async def told(admin: httpx2.AsyncClient, server: str, user: int, tool: str, **more: Any) -> dict[str, Any]:
    answer = await admin.get(f"{OWN}/{server}/explain", params={"user": user, "tool": tool, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def works(client: httpx2.AsyncClient, tool: str, arguments: dict[str, Any] | None = None) -> str:
    found = message(await Wire(client, MODERN).call(tool, arguments or {}))
    return "allow" if "result" in found else "ask" if found["error"]["code"] == -32009 else "deny"


async def rule(bear: Bear, effect: str, **values: Any) -> int:
    row = {"subject": "everyone", "effect": effect, **values}
    return int((await bear.app.records.create(SYSTEM, "mcp_rules", row))["id"])


async def test_tools_of_records_are_explained_as_they_work(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    max_ = bear.ids["max"]
    first = await told(admin, "records", max_, "search_notes")
    assert first["server"] == {"id": None, "name": "records", "visibility": None}
    assert first["tool"] == {"name": "search_notes", "public_name": "records__search_notes"}
    assert (
        first["person"]["effect"]
        == first["program"]["effect"]
        == "allow"
        == await works(member, "records__search_notes")
    )
    assert first["obstacles"] == []
    asks = await rule(bear, "ask", own_server="records", tool="search_notes")
    second = await told(admin, "records", max_, "search_notes")
    assert second["program"]["effect"] == "ask" == await works(member, "records__search_notes")
    assert second["program"]["rule_id"] == asks and second["person"]["effect"] == "allow"
    shuts = await rule(bear, "deny", own_server="records", subject="user", user_id=max_)
    third = await told(admin, "records", max_, "search_notes")
    assert third["person"]["effect"] == "deny" == await works(member, "records__search_notes")
    assert third["person"]["rule_id"] == shuts


async def test_a_tool_that_their_records_do_not_make_is_told_so(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    closed = {"role": "member", "model": "notes", "verb": "create", "extent": "none"}
    await bear.app.records.create(SYSTEM, "access_rules", closed)
    found = await told(admin, "records", bear.ids["max"], "create_notes")
    assert found["person"]["effect"] == "deny" == await works(member, "records__create_notes", {"title": "x"})
    assert "does not offer it to them" in found["person"]["because"]
    assert (await told(admin, "records", bear.ids["ada"], "create_notes"))["person"]["effect"] == "allow"


async def test_a_tool_that_is_off_or_renamed_is_found_and_told(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("ada")
    off = await session.patch(f"{OWN}/records/tools/search_notes", json={"enabled": False, "alias": "find"})
    assert off.status_code == 200, off.text
    found = await told(admin, "records", bear.ids["max"], "search_notes")
    assert [one["code"] for one in found["obstacles"]] == ["tool_disabled"]
    assert await works(member, "records__search_notes") == "deny"
    await session.patch(f"{OWN}/records/tools/search_notes", json={"enabled": True})
    assert (await told(admin, "records", bear.ids["max"], "find"))["obstacles"] == []


async def test_a_token_is_explained_with_its_scopes(bear: Bear, admin: httpx2.AsyncClient) -> None:
    for scopes, records, gateway in (
        (["mcp:records:search_notes", "api"], "allow", "allow"),
        (["mcp:other"], "deny", "allow"),
        (["api"], "deny", "deny"),
    ):
        await bear.person("max", scopes=scopes)
        [newest] = await bear.app.records.find(SYSTEM, "api_tokens", sort="-id", limit=1)
        found = await told(admin, "records", bear.ids["max"], "search_notes", token=newest["id"])
        assert found["token"]["effect"] == records, scopes
        found = await told(admin, "gridbear", bear.ids["max"], "search_tools", token=newest["id"])
        assert found["token"]["effect"] == gateway, scopes


async def test_only_admins_ask_and_what_is_not_there_is_not_found(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    params = {"user": bear.ids["max"], "tool": "search_notes"}
    for client, code in ((member, 403), (nobody, 401)):
        assert (await client.get(f"{OWN}/records/explain", params=params)).status_code == code
    for server, tool, user in (
        ("records", "no_such_tool", "max"), ("no-such", "search_notes", "max"), ("gridbear", "search_notes", "max"),
        ("records", "search_notes", None),
    ):  # fmt: skip
        asked = {"user": 999 if user is None else bear.ids[user], "tool": tool}
        assert (await admin.get(f"{OWN}/{server}/explain", params=asked)).status_code == 404, (server, tool)


async def test_the_gateways_own_tools_are_listed_called_and_kept_as_they_are(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    servers = {one["name"]: one for one in (await member.get(OWN)).json()["data"]}
    assert (servers["gridbear"]["kind"], servers["records"]["kind"]) == ("gateway", "records")
    tools = (await member.get(f"{OWN}/gridbear/tools")).json()["data"]
    assert len(tools) == servers["gridbear"]["tools"] == 7
    assert {tool["public_name"] for tool in tools} >= {"search_tools", "async_run_tool"}
    called = await member.post("/api/v1/gateway/call", json={"tool": "search_tools", "arguments": {"query": "notes"}})
    assert "records__search_notes" in called.text
    session = await bear.signed_in("ada")
    kept = await session.patch(f"{OWN}/gridbear/tools/search_tools", json={"enabled": False})
    assert kept.status_code == 409
    assert (await nobody.get(f"{OWN}/gridbear/tools")).status_code == 401
    narrow = await bear.person("max", scopes=["api"])
    assert "gridbear" not in {one["name"] for one in (await narrow.get(OWN)).json()["data"]}
    assert (await narrow.get(f"{OWN}/gridbear/tools")).status_code == 404
