"""So many subscriptions and no more, also when they are asked for at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests_mcp_support import House
from tests_rich_support import add, result
from tests_wire_support import LEGACY, Stream, Wire, message

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
