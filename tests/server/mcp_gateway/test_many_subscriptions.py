"""Subscriptions that are begun and ended at once: so many and no more, and none that its server does not know of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests_mcp_support import House
from tests_rich_support import add, result
from tests_wire_support import LEGACY, Stream, Wire, message

from server.mcp_gateway.failures import CallFailed

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


async def test_a_session_that_subscribes_to_many_resources_at_once_gets_no_more_than_it_may_have(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.mcp_gateway.endpoint.audience._MOST_URIS", 3)
    async with make_house() as house, house.http("bob") as http:
        await add(house, "rich", LEGACY)
        wire = await Wire(http, LEGACY, "/mcp/rich").open()
        await result(wire, "tools/list")
        uris = [f"note://rich/{number}" for number in range(9)]
        asked = (wire.ask("resources/subscribe", {"uri": uri}, n) for n, uri in enumerate(uris))
        answers = [message(one) for one in await asyncio.gather(*asked)]
        assert ["result" in one for one in answers].count(True) == 3
        assert {one["error"]["message"] for one in answers if "error" in one} == {
            "A session may subscribe to 3 resources."
        }
        [upstream] = house.app.gateway.gateway._pool.servers()
        taken = upstream.watched.uris
        assert len(taken) == 3
        # What it has it may ask for again, and one that is given back makes room.
        await result(wire, "resources/subscribe", uri=taken[0])
        await result(wire, "resources/unsubscribe", uri=taken[0])
        await result(wire, "resources/subscribe", uri="note://rich/other")
        assert upstream.watched.uris == sorted([*taken[1:], "note://rich/other"])


async def test_a_person_who_opens_many_streams_of_updates_at_once_gets_no_more_than_they_may_have(
    make_house: MakeHouse,
) -> None:
    async with make_house() as house:
        server = await add(house, "rich", LEGACY)
        token = await house.token("bob")
        path = f"/api/v1/gateway/{server}/resources/updates?uri=note://both"
        streams = [Stream(house.app, token, "GET", path) for _ in range(12)]
        # The server is started for the first of them, and all wait for it.
        await asyncio.gather(*(stream.__aenter__() for stream in streams))
        assert [stream.status for stream in streams].count(200) == 8
        assert {stream.status for stream in streams} == {200, 429}
        [upstream] = house.app.gateway.gateway._pool.servers()
        assert upstream.watched._wanted["note://both"] == 8
        for stream in streams:
            await stream.__aexit__()
        assert not house.app.gateway.updates.streams and not upstream.watched


@pytest.mark.parametrize("taken", [True, False])
async def test_who_joins_a_subscription_that_is_being_refused_asks_for_their_own(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    async with make_house() as house, house.http("bob") as http:
        await add(house, "rich", LEGACY)
        one, other = [await Wire(http, LEGACY, "/mcp/rich").open() for _ in range(2)]
        await result(one, "tools/list")
        [upstream] = house.app.gateway.gateway._pool.servers()
        pass_on, asked, go_on = upstream.requests.pass_on, list[str](), asyncio.Event()

        async def answered(method: str, *given: Any, **named: Any) -> dict[str, Any]:
            asked.append(method)
            if len(asked) == 1:
                await go_on.wait()
                if not taken:
                    raise CallFailed(-1, "Not now.")
            return await pass_on(method, *given, **named)

        monkeypatch.setattr(upstream.requests, "pass_on", answered)
        uri = {"uri": "note://rich/1"}
        first, second = [asyncio.create_task(wire.ask("resources/subscribe", uri)) for wire in (one, other)]
        while upstream.watched._wanted["note://rich/1"] < 2:
            await asyncio.sleep(0)
        assert not second.done()
        go_on.set()
        assert ("result" in message(await first)) is taken and "result" in message(await second)
        assert asked == ["resources/subscribe"] * (1 if taken else 2)
        monkeypatch.undo()
        assert await subscribed(one) == "note://rich/1"
        assert upstream.watched._wanted["note://rich/1"] == 1 + taken


async def test_the_end_of_a_subscription_that_waits_for_its_turn_ends_none_that_was_begun_since(
    make_house: MakeHouse,
) -> None:
    async with make_house() as house, house.http("bob") as http:
        await add(house, "rich", LEGACY)
        one, other = [await Wire(http, LEGACY, "/mcp/rich").open({"elicitation": {}}) for _ in range(2)]
        await result(one, "tools/list")
        [upstream] = house.app.gateway.gateway._pool.servers()
        await result(one, "resources/subscribe", uri="note://rich/1")
        # At a server that asks its clients one waits for the calls of another.
        upstream.requests._in_flight.asks = True
        call = asyncio.create_task(other.ask("tools/call", {"name": "wait", "arguments": {"until": "never"}}, 55))
        while not upstream.requests._in_flight._flights:
            await asyncio.sleep(0)
        await result(one, "resources/unsubscribe", uri="note://rich/1")
        await result(other, "resources/subscribe", uri="note://rich/1")
        await other.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 55}})
        await call
        await asyncio.gather(*house.app.gateway.subscriptions._ending)
        assert await subscribed(one) == "note://rich/1"


async def subscribed(wire: Wire) -> str:
    """What its server was asked to tell of."""
    found: str = (await result(wire, "tools/call", name="touch", arguments={}))["content"][0]["text"]
    return found
