"""The catalogue in a running application: kept over a restart, switched and renamed on every way in."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from tests_mcp_support import ERAS, House, call_text
from tests_shifty_support import (
    Shifty,
    approve,
    definition,
    is_running,
    names,
    over_http,
    refreshed,
    refusals,
    searched,
    told,
)
from tests_wire_support import LEGACY, MODERN, Wire, message

from server.access.actor import SYSTEM

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
WAITS = -32008


async def test_after_a_restart_of_the_app_tools_are_listed_without_a_started_server(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    shifty = Shifty(folder, definition("b"), definition("a", icons=[{"src": "x"}], _meta={"k": 1}))
    async with make_house() as house:
        server = await house.add("up", visibility="everyone", **shifty.command)
        assert await names(house, "bob") == ["b", "a"]
        async with house.mcp("bob") as client:
            before = [tool.model_dump() for tool in (await client.list_tools()).tools]
    async with make_house(again=True) as house:
        async with house.mcp("bob") as client:
            assert [tool.model_dump() for tool in (await client.list_tools()).tools] == before
            assert not is_running(house, server)
            assert (await house.state("up"))["state"] == "stopped"
            async with house.http("bob") as http:
                assert list(await told(http, server)) == ["b", "a"]
            assert not is_running(house, server)
            assert await call_text(client, "up__a", {}) == "called a"
            assert is_running(house, server)
        # What the record says of the server now was never listed.
        await house.app.records.update(SYSTEM, "mcp_servers", server, {"cwd": str(folder)})
        assert await names(house, "bob") == ["b", "a"] and is_running(house, server)


@pytest.mark.parametrize("damage", ["[1]", '{"name": 5}', '"x"', "{}"])
async def test_a_list_that_somebody_damaged_in_the_file_is_asked_for_again_and_stops_nothing(
    make_house: MakeHouse, tmp_path: Path, damage: str
) -> None:
    shifty = Shifty(tmp_path, definition("a"), definition("b"))
    async with make_house() as house:
        await house.add("up", visibility="everyone", **shifty.command)
        assert await names(house, "bob") == ["a", "b"]
        file = house.app.settings.current.data_dir / "gridbear.db"
    with contextlib.closing(sqlite3.connect(file)) as opened:
        changes = "UPDATE mcp_tools SET definition = ?, approved_definition = ?, approvals = ? WHERE name = 'a'"
        assert opened.execute(changes, (damage, damage, "[1, {}, null]")).rowcount == 1
        opened.commit()
    async with make_house(again=True) as house, house.session("ann") as http:
        assert await names(house, "bob") == ["b"], "what was approved is not known any more"
        waits = (await told(http, 1))["a"]
        assert waits["state"] in ("new", "changed") and waits["description"] == "Does what its name says."
        await approve(http, 1, waits)
        assert await names(house, "bob") == ["a", "b"]


async def test_an_old_list_is_asked_for_again_while_the_known_one_is_shown(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    shifty = Shifty(tmp_path, definition("a"))
    async with make_house() as house:
        server = await house.add("up", **shifty.command)
        assert await names(house, "ann") == ["a"]
    async with make_house(again=True, mcp_tools_ttl_hours=1e-9, mcp_tool_approval=False) as house:
        shifty.offers(definition("a"), definition("b"))
        assert await names(house, "ann") == ["a"]
        upstream = house.app.gateway.gateway._pool.of_id(server)
        assert upstream is not None and upstream._refreshing is not None
        await upstream._refreshing
        assert await names(house, "ann") == ["a", "b"]


async def test_a_refresh_by_hand_brings_what_is_new_and_says_when_it_could_not(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    shifty = Shifty(tmp_path, definition("a"), definition("b"))
    async with make_house(mcp_tool_approval=False) as house:
        server = await house.add("up", visibility="everyone", **shifty.command)
        async with house.session("ann") as http:
            assert list(await refreshed(http, server)) == ["a", "b"]
            shifty.offers(definition("c"), definition("b"))
            found = await refreshed(http, server)
            assert {name: tool["state"] for name, tool in found.items()} == {
                "a": "gone", "b": "approved", "c": "approved",
            }  # fmt: skip
            assert await names(house, "bob") == ["b", "c"]
            broken = await house.add("broken", command="/no/such/program")
            failed = await http.post(f"/api/v1/gateway/{broken}/refresh")
            assert failed.status_code == 502 and "not found" in failed.json()["error"]
        async with house.http("bob") as http:
            assert (await http.post(f"/api/v1/gateway/{server}/refresh")).status_code == 403
            assert (await http.post(f"/api/v1/gateway/{broken}/refresh")).status_code == 404
            assert list(await told(http, server)) == ["b", "c"]


async def test_a_switched_off_tool_is_unknown_on_every_way_at_once(make_house: MakeHouse) -> None:
    async with make_house() as house:
        server = await house.add("up", visibility="everyone")
        async with house.session("ann") as http:
            await refreshed(http, server)
            async with house.mcp("bob") as client:
                assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"
                off = await http.patch(f"/api/v1/gateway/{server}/tools/echo", json={"enabled": False})
                assert off.status_code == 200 and off.json()["data"]["enabled"] is False
                with pytest.raises(MCPError, match="Unknown tool: up__echo"):
                    await client.call_tool("up__echo", {"text": "hi"})
            assert "echo" not in await names(house, "bob") + await names(house, "ann", "/mcp/up")
            assert "up__echo" not in await searched(house, "bob", "echo says it back")
            for way, (code, text) in (await refusals(house, "bob", "echo")).items():
                assert code in (-32602, 404) and "Unknown tool" in text, way
            async with house.http("bob") as other:
                assert "echo" not in await told(other, server)
            assert (await told(http, server))["echo"]["enabled"] is False
            await http.patch(f"/api/v1/gateway/{server}/tools/echo", json={"enabled": True})
            assert "echo" in await names(house, "bob")


async def test_another_name_and_description_hold_on_every_way(make_house: MakeHouse) -> None:
    async with make_house() as house:
        server = await house.add("up", visibility="everyone")
        async with house.session("ann") as http, house.http("bob") as other:
            await refreshed(http, server)
            values = {"alias": "say", "description": "Says it."}
            answer = await http.patch(f"/api/v1/gateway/{server}/tools/echo", json=values)
            row = answer.json()["data"]
            assert (row["name"], row["original_name"], row["public_name"]) == ("say", "echo", "up__say")
            assert (row["description"], row["original_description"]) == ("Says it.", "Says it back.")
            for era in ERAS:
                for path, name in (("/mcp", "up__say"), ("/mcp/up", "say")):
                    async with house.mcp("bob", era, path) as client:
                        tool = {tool.name: tool for tool in (await client.list_tools()).tools}[name]
                        assert tool.description == "Says it." and "text" in tool.input_schema["properties"]
                        assert await call_text(client, name, {"text": "hi"}) == "hi"
            for era in (MODERN, LEGACY):
                wire = await Wire(other, era).open()
                for more in ({}, {"_meta": {"progressToken": 1}}):
                    found = message(await wire.call("up__say", {"text": "hi"}, **more))
                    assert found["result"]["content"][0]["text"] == "hi"
            rest = await other.post("/api/v1/gateway/call", json={"tool": "up__say", "arguments": {"text": "hi"}})
            assert rest.json()["data"]["result"]["content"][0]["text"] == "hi"
            assert "up__say" in await searched(house, "bob", "say")
            async with house.mcp("bob") as client:
                given = {"tool_name": "up__say", "arguments": {"text": "hi"}}
                assert await call_text(client, "execute_discovered_tool", given) == "hi"
                with pytest.raises(MCPError, match="Unknown tool"):
                    await client.call_tool("up__echo", {"text": "hi"})
            # It goes back to its own name.
            back = await http.patch(f"/api/v1/gateway/{server}/tools/say", json={"alias": None, "description": None})
            assert back.json()["data"]["name"] == "echo"
            assert back.json()["data"]["description"] == "Says it back."


async def test_names_that_no_client_takes_or_that_another_tool_has_are_refused(make_house: MakeHouse) -> None:
    async with make_house() as house:
        server = await house.add("up", visibility="everyone")
        other = await house.add("other")
        async with house.session("ann") as http:
            await refreshed(http, server)
            await refreshed(http, other)
            path = f"/api/v1/gateway/{server}/tools/echo"
            assert (
                await http.patch(f"/api/v1/gateway/{server}/tools/fail", json={"alias": "taken"})
            ).status_code == 200
            for alias in ("a b", "a.b", "ü", "x" * 65, "add", "taken", "fail", "a\n", "../x"):
                refused = await http.patch(path, json={"alias": alias})
                assert refused.status_code == 422, alias
            for body in ({"state": "approved"}, {"name": "x"}, {"enabled": "perhaps"}, {"definition": {}}):
                assert (await http.patch(path, json=body)).status_code == 422
            assert (await http.patch(f"/api/v1/gateway/{server}/tools/nothing", json={})).status_code == 404
            assert (await told(http, server))["echo"]["alias"] is None
            # Another server's tools are no obstacle.
            assert (await http.patch(f"/api/v1/gateway/{other}/tools/echo", json={"alias": "taken"})).status_code == 200
            # As a record it is the same, and what decides stays the gateway's.
            row = (await told(http, server))["echo"]["id"]
            assert (await http.patch(f"/api/v1/mcp_tools/{row}", json={"alias": "add"})).status_code == 422
            assert (await http.patch(f"/api/v1/mcp_tools/{row}", json={"state": "approved"})).status_code == 422
            assert (await http.post("/api/v1/mcp_tools", json={"name": "x"})).status_code in (403, 405)
            assert (await http.delete(f"/api/v1/mcp_tools/{row}")).status_code in (403, 405)
            assert (await http.patch(f"/api/v1/mcp_tools/{row}", json={"enabled": False})).status_code == 200
        assert "echo" not in await names(house, "bob")
        for who in ("bob", "eve", "ann"):
            async with house.http(who) as http:
                assert (await http.patch(path, json={"enabled": True})).status_code == 403
                assert (await http.patch(f"/api/v1/mcp_tools/{row}", json={"enabled": True})).status_code == 403
                assert (await http.get(f"/api/v1/mcp_tools/{row}")).status_code == (200 if who == "ann" else 403)


async def test_tools_with_hostile_names_are_listed_and_called(make_house: MakeHouse, tmp_path: Path) -> None:
    hostile = ["a/b", "a b", "../../x", "x" * 200, "naïve", "a\0b", "tools/approve", "up__a", "a_b", "%2e", "<script>"]
    shifty = Shifty(tmp_path, *map(definition, hostile), version="1\0\n" + "9" * 500)
    async with make_house() as house:
        server = await house.add("up", **shifty.command)
        for path in ("/mcp", "/mcp/up"):
            listed = await names(house, "ann", path)
            assert len(set(listed)) == len(hostile)
            async with house.mcp("ann", path=path) as client:
                prefix = "up__" if path == "/mcp" else ""
                said = {await call_text(client, prefix + name, {}) for name in listed}
                assert said == {f"called {name}" for name in hostile}
        async with house.session("ann") as http:
            for name, tool in (await told(http, server)).items():
                answer = await http.patch(f"/api/v1/gateway/{server}/tools/{name}", json={"enabled": False})
                assert answer.json()["data"]["original_name"] == tool["original_name"]
        assert await names(house, "ann") == []


async def test_what_a_deleted_server_offered_is_forgotten(make_house: MakeHouse, tmp_path: Path) -> None:
    shifty = Shifty(tmp_path, definition("a"), definition("b"))
    async with make_house() as house:
        server = await house.add("up", **shifty.command)
        assert await names(house, "ann") == ["a", "b"]
        await house.app.records.delete(SYSTEM, "mcp_servers", server)
        assert await names(house, "ann") == []
        assert not await house.app.records.find(SYSTEM, "mcp_tools")
        async with house.session("ann") as http:
            assert (await http.get(f"/api/v1/gateway/{server}/tools")).status_code == 404


async def test_where_everybody_signs_in_for_themselves_nobody_sees_or_calls_anothers_tools(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    shifty = Shifty(tmp_path, definition("mail", "Mail of ann."), definition("payroll"))
    with over_http(shifty) as url:
        async with make_house() as house:
            server = await house.add("up", transport="http", url=url, sign_in="each", visibility="everyone")
            assert await names(house, "ann") == ["mail", "payroll"]
            shifty.offers(definition("mail", "Mail of bob."))
            # Another definition than the one that the first list brought.
            assert await names(house, "bob") == []
            assert await names(house, "ann") == ["mail", "payroll"]
            async with house.session("ann") as http, house.http("bob") as other:
                seen = await told(http, server)
                assert {name: tool["state"] for name, tool in seen.items()} == {
                    "mail": "changed",
                    "payroll": "approved",
                }
                await approve(http, server, seen["mail"])
                for text in (str(await told(other, server)), str(await house.state("up", "bob"))):
                    assert "Mail of bob." in text and "payroll" not in text and "of ann" not in text
                refused = await other.post("/api/v1/gateway/call", json={"tool": "up__payroll"})
                assert refused.status_code == 404
                assert (await other.post(f"/api/v1/gateway/{server}/refresh")).status_code == 200
            async with house.mcp("bob") as client:
                [tool] = [tool for tool in (await client.list_tools()).tools if tool.name.startswith("up__")]
                assert tool.description == "Mail of bob."
                with pytest.raises(MCPError, match="Unknown tool: up__payroll"):
                    await client.call_tool("up__payroll", {})
            async with house.mcp("ann") as client:
                assert await call_text(client, "up__payroll", {}) == "called payroll"
            assert not any("payroll" in name for name in await searched(house, "bob", "payroll"))
        async with make_house(again=True) as house:
            # No list of anybody lies on disk for somebody else.
            shifty.offers(definition("other"))
            assert await names(house, "bob") == []
            async with house.mcp("bob") as client:
                with pytest.raises(MCPError, match="waits for the approval"):
                    await client.call_tool("up__other", {})


async def test_clients_are_told_of_what_an_admin_changes_and_of_nothing_else(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    shifty = Shifty(tmp_path, definition("a"), definition("b"))
    async with make_house() as house:
        server = await house.add("up", visibility="everyone", **shifty.command)
        assert await names(house, "bob") == ["a", "b"]
        heard: list[str] = []
        end = house.app.gateway.gateway.notices.listen(lambda notice: heard.append(notice.method))
        changed = ["notifications/tools/list_changed"]
        async with house.session("ann") as http:
            path = f"/api/v1/gateway/{server}/tools"
            await refreshed(http, server)
            assert heard == []
            for deed in ({"enabled": False}, {"enabled": True}, {"alias": "other"}, {"description": "Other words."}):
                await http.patch(f"{path}/a" if "a" in await told(http, server) else f"{path}/other", json=deed)
                assert heard == changed, deed
                heard.clear()
                await names(house, "bob")
            shifty.offers(definition("a"), definition("b", "Other."), definition("c"))
            seen = await refreshed(http, server)
            assert heard == changed, "b waits"
            heard.clear()
            assert await names(house, "bob") == ["other"]
            await approve(http, server, seen["c"])
            assert heard == changed
        end()


async def test_a_server_that_says_all_the_time_that_its_tools_have_changed_is_asked_now_and_then(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    shifty = Shifty(tmp_path, definition("flood"), definition("a"))
    async with make_house(mcp_tool_approval=False) as house:
        await house.add("up", **shifty.command)
        async with house.mcp("ann") as client:
            assert await call_text(client, "up__a", {}) == "called a"
            began = asyncio.get_running_loop().time()
            shifty.offers(definition("flood"), definition("a"), definition("b"))
            for _ in range(3):
                await call_text(client, "up__flood", {})
            while "b" not in await names(house, "ann"):
                await call_text(client, "up__flood", {})
            halves = (asyncio.get_running_loop().time() - began) / 0.5
        lists = Path(f"{shifty.file}.lists").read_text().count("one")
        assert lists <= 3 + halves
