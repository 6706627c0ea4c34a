"""Changes of a resource as server-sent events over REST: only for who may use its server, and only while they may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests_mcp_support import House
from tests_rich_support import add
from tests_wire_support import LEGACY, MODERN, Stream

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
URI = "note://both"
TOUCH = {"tool": "rich__touch"}


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_change_of_a_watched_resource_is_told(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house, house.session("bob") as http:
        server = await add(house, "rich", era)
        path = f"/api/v1/gateway/{server}/resources/updates?uri={URI}"
        async with Stream(house.app, await house.token("bob"), "GET", path) as stream:
            assert (stream.status, await stream.next()) == (200, {"uri": URI})
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert (await http.post("/api/v1/gateway/call", json=TOUCH)).status_code == 200
            assert await stream.next() == {"uri": URI}
        # The server is told that nobody watches any more.
        updates = house.app.gateway.updates
        assert not updates.streams
        [upstream] = house.app.gateway.gateway._pool.servers()
        assert URI not in upstream.watched


async def test_who_may_not_use_the_server_hears_nothing(make_house: MakeHouse) -> None:
    async with make_house() as house:
        server = await add(house, "rich", visibility="admins")
        path = f"/api/v1/gateway/{server}/resources/updates"
        for who in ("bob", "eve"):
            async with house.session(who) as http:
                for at in (path, "/api/v1/gateway/4711/resources/updates"):
                    refused = await http.get(f"{at}?uri={URI}")
                    assert refused.status_code == 404 and "rich" not in refused.text
        async with Stream(house.app, await house.token("ann"), "GET", f"{path}?uri={URI}") as stream:
            assert stream.status == 200
        for scopes in (["api"], ["api:read", "mcp"]):
            narrow = await house.token("ann", *scopes)
            async with Stream(house.app, narrow, "GET", f"{path}?uri={URI}") as stream:
                assert stream.status == 403
        async with house.session("ann") as http:
            assert (await http.get(path)).status_code == 422


async def test_a_stream_ends_with_its_credential_and_with_the_program(make_house: MakeHouse) -> None:
    async with make_house() as house:
        path = f"/api/v1/gateway/{await add(house, 'rich')}/resources/updates?uri={URI}"
        secret = await house.token("bob")
        async with Stream(house.app, secret, "GET", path) as stream, house.session("bob") as http:
            [row] = [one for one in (await http.get("/api/v1/api_tokens")).json()["data"] if one["name"] == "watcher"]
            assert (await http.delete(f"/api/v1/api_tokens/{row['id']}")).status_code in (200, 204)
            await asyncio.wait_for(asyncio.shield(stream._task), 10)
        async with Stream(house.app, await house.token("bob"), "GET", path) as stream:
            house.app.stop_streams()
            await asyncio.wait_for(asyncio.shield(stream._task), 10)
        assert not house.app.gateway.updates.streams


async def test_a_person_has_so_many_such_streams(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("bob") as http:
        server = await add(house, "rich")
        caller_token = await house.token("bob")
        path = f"/api/v1/gateway/{server}/resources/updates?uri={URI}"
        streams = [Stream(house.app, caller_token, "GET", path) for _ in range(8)]
        for stream in streams:
            await stream.__aenter__()
        refused = await http.get(path)
        assert refused.status_code == 429 and "8 resources" in refused.json()["error"]
        for stream in streams:
            await stream.__aexit__()
        assert not house.app.gateway.updates.streams
