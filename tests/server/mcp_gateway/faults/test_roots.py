"""Servers of the older eras that ask for the folders of a client: told on a person's own connection alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
import pytest
from faulty_site import FaultySite
from tests_mcp_support import House
from tests_rich_support import listening, sending
from tests_wire_support import LEGACY, MODERN, Wire, message

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
CALL = {"name": "far__roots", "arguments": {}}
FOLDERS = {"roots": [{"uri": "file:///home/bob/work", "name": "work"}]}


async def far(house: House, site: FaultySite, **values: Any) -> None:
    row = {"transport": "sse", "url": f"http://127.0.0.1:{site.port}/sse", "visibility": "everyone", **values}
    await house.add("far", **row)


def told(answer: dict[str, Any]) -> Any:
    return orjson.loads(answer["result"]["content"][0]["text"])


async def test_on_a_connection_of_their_own_a_person_is_asked_for_their_folders(make_house: MakeHouse) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        wire = await Wire(http, LEGACY).open({"roots": {"listChanged": True}})
        await wire.ask("tools/list", {})
        assert site.server.client["roots"] == {"listChanged": True}
        async with sending(house, wire, "bob", "tools/call", CALL) as stream:
            question = await stream.next()
            assert question["method"] == "roots/list"
            await wire.post({"jsonrpc": "2.0", "id": question["id"], "result": FOLDERS})
            assert told(await stream.next()) == FOLDERS
        # A client that has none is not asked, and the server hears why.
        bare = await Wire(http, LEGACY).open()
        async with sending(house, bare, "bob", "tools/call", CALL) as stream:
            answer = await stream.next()
        assert "does not take questions of this kind (roots)" in told(answer)["message"]


async def test_on_a_shared_connection_nobodys_folders_are_told(make_house: MakeHouse) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site)
        wire = await Wire(http, LEGACY).open({"roots": {}})
        await wire.ask("tools/list", {})
        assert "roots" not in site.server.client and "elicitation" in site.server.client
        async with sending(house, wire, "bob", "tools/call", CALL) as stream:
            answer = await stream.next()
        assert "folders of one are not opened for all" in told(answer)["message"]


def folders(name: str) -> dict[str, Any]:
    return {"roots": [{"uri": f"file:///home/bob/{name}", "name": name}]}


async def answered(wire: Wire, stream: Any, name: str) -> None:
    """The next question for folders is answered."""
    question = await stream.until("roots/list")
    await wire.post({"jsonrpc": "2.0", "id": question["id"], "result": folders(name)})


async def changed(wire: Wire) -> None:
    told = await wire.post({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"})
    assert told.status_code == 202


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_server_asks_again_when_a_client_says_that_its_folders_have_changed(make_house: MakeHouse) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        wire = await Wire(http, LEGACY).open({"roots": {"listChanged": True}})
        await wire.ask("tools/list", {})
        async with listening(house, wire, "bob") as news:
            # Nothing of the client runs: it is asked on the stream that it keeps open.
            await changed(wire)
            await answered(wire, news, "work")
            await until(lambda: site.server.folders == [folders("work")])
            for _ in range(50):
                await changed(wire)
            await answered(wire, news, "other")
            await until(lambda: len(site.server.folders) > 1)
            assert site.server.changes < 20, "a flood is told as few changes"


@pytest.mark.parametrize("listed", [True, False])
async def test_a_server_that_asks_at_its_start_is_answered_by_the_client_whose_call_it_starts_for(
    make_house: MakeHouse, listed: bool
) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        echo = {"name": "far__echo", "arguments": {}}
        wire = await Wire(http, LEGACY).open({"roots": {}})
        if listed:
            await wire.ask("tools/list", {})
            # It is stopped for being idle, and its tools are known.
            for upstream in house.app.gateway.gateway._pool._personal.values():
                await upstream.supervisor.stop()
        site.server.asks_first = True
        async with sending(house, wire, "bob", "tools/call", echo) as stream:
            await answered(wire, stream, "work")
            assert (await stream.next())["result"]["content"][0]["text"] == "done"
        assert site.server.folders == [folders("work")]
        assert "result" in message(await wire.call("far__echo")) and site.server.changes == 0, "it knows them"


@pytest.mark.parametrize("method", ["tools/list", "prompts/list", "resources/list"])
async def test_a_server_that_asks_at_its_start_is_answered_by_the_client_whose_list_it_starts_for(
    make_house: MakeHouse, method: str
) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        # It does not ask again: what it hears at its start is all that it ever knows.
        site.server.asks_first, site.server.asks_anew = True, False
        wire = await Wire(http, LEGACY).open({"roots": {}})
        async with sending(house, wire, "bob", method, {}) as stream:
            await answered(wire, stream, "work")
            assert "result" in await stream.next()
        assert site.server.folders == [folders("work")]
        assert "result" in message(await wire.call("far__echo")) and site.server.changes == 0, "it knows them"
        # Once it is known, a list is short work again.
        assert (await wire.ask("tools/list", {})).headers["content-type"].startswith("application/json")


async def test_a_client_that_introduces_itself_is_not_asked_yet_and_is_before_its_first_call(
    make_house: MakeHouse,
) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        site.server.asks_first = True
        # What its server offers is not known yet, so that is started for the introduction.
        wire = await Wire(http, LEGACY, "/mcp/far").open({"roots": {"listChanged": True}})
        await until(lambda: bool(site.server.folders))
        assert "nobody to ask" in site.server.folders[0]["message"]
        async with sending(house, wire, "bob", "tools/call", {"name": "echo", "arguments": {}}) as stream:
            await answered(wire, stream, "work")
            assert (await stream.next())["result"]["content"][0]["text"] == "done"
        assert site.server.folders[1:] == [folders("work")]


async def test_a_client_that_names_no_folders_at_a_start_holds_it_up_for_a_moment_only(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.mcp_gateway.upstreams.heard._AT_START_SECONDS", 0.05)
    monkeypatch.setattr("server.mcp_gateway.upstreams.folders._ASKS_WITHIN_SECONDS", 0.05)
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        site.server.asks_first, site.server.asks_anew = True, False
        wire = await Wire(http, LEGACY).open({"roots": {}})
        async with sending(house, wire, "bob", "tools/call", {"name": "far__echo", "arguments": {}}) as stream:
            await stream.until("roots/list")
            await until(lambda: bool(site.server.folders))
            assert "did not name its folders within 0.05 s" in site.server.folders[0]["message"]
            await stream.until("notifications/cancelled")
            assert (await stream.next())["result"]["content"][0]["text"] == "done"


async def test_a_client_without_a_stream_is_asked_when_it_calls_next(make_house: MakeHouse) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        wire = await Wire(http, LEGACY).open({"roots": {"listChanged": True}})
        await wire.ask("tools/list", {})
        await changed(wire)
        await until(lambda: bool(site.server.folders))
        assert "no stream open" in site.server.folders[0]["message"]
        async with sending(house, wire, "bob", "tools/call", {"name": "far__echo", "arguments": {}}) as stream:
            await answered(wire, stream, "work")
            assert (await stream.next())["result"]["content"][0]["text"] == "done"
        assert site.server.folders[1:] == [folders("work")]


async def test_a_call_of_another_client_of_the_person_runs_with_the_folders_of_that_client(
    make_house: MakeHouse,
) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        echo = {"name": "far__echo", "arguments": {}}
        one, other = [await Wire(http, LEGACY).open({"roots": {}}) for _ in range(2)]
        await one.ask("tools/list", {})
        async with sending(house, one, "bob", "tools/call", CALL) as stream:
            await answered(one, stream, "one")
            assert told(await stream.next()) == folders("one")
        assert site.server.changes == 0
        async with sending(house, other, "bob", "tools/call", echo) as stream:
            await answered(other, stream, "other")
            await stream.next()
        assert site.server.folders == [folders("other")]
        for _ in range(3):
            async with sending(house, other, "bob", "tools/call", echo) as stream:
                assert "result" in await stream.next(), "the same client is not asked again"
        assert site.server.changes == 1


async def test_a_server_that_does_not_ask_again_is_waited_for_once(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.mcp_gateway.upstreams.folders._ASKS_WITHIN_SECONDS", 0.05)
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site, sign_in="each")
        site.server.asks_anew = False
        one, other = [await Wire(http, LEGACY).open({"roots": {}}) for _ in range(2)]
        await one.ask("tools/list", {})
        async with sending(house, one, "bob", "tools/call", CALL) as stream:
            await answered(one, stream, "one")
            await stream.next()
        assert "result" in message(await other.call("far__echo"))
        monkeypatch.setattr("server.mcp_gateway.upstreams.folders._ASKS_WITHIN_SECONDS", 3600)
        for wire in (one, other, one):
            async with asyncio.timeout(20):
                assert "result" in message(await wire.call("far__echo"))


async def test_nobody_else_is_told_of_a_change_and_the_newest_era_has_none(make_house: MakeHouse) -> None:
    async with make_house() as house, FaultySite().serving() as site, house.http("bob") as http:
        await far(house, site)
        async with house.http("ann") as hers:
            wire = await Wire(http, LEGACY).open({"roots": {"listChanged": True}})
            await wire.ask("tools/list", {})
            await changed(wire)
            await changed(await Wire(hers, LEGACY).open({"roots": {"listChanged": True}}))
            await wire.call("far__echo")
        assert site.server.changes == 0, "on a connection of all nobody's folders are told"
        refused = await Wire(http, MODERN).post(
            {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}, mcp_protocol_version=MODERN
        )
        assert refused.status_code < 500 and site.server.changes == 0
