"""Whoever looks at the messages of a server hears at once when there is something new, and only while they may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests_mcp_support import House
from tests_wire_support import Stream

from server.mcp_gateway.messages.tap import WATCH_SECONDS, MessageWatch
from server.mcp_gateway.woken_streams import PER_PERSON, WokenStream

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.mark.parametrize("own", [False, True])
async def test_messages_and_the_begin_and_end_of_the_watching_are_told(make_house: MakeHouse, own: bool) -> None:
    async with make_house() as house, house.session("ann") as http:
        made = await house.add("up")
        at = f"/api/v1/gateway/{'own/records' if own else made}/messages"
        async with Stream(house.app, await house.token("ann"), "GET", f"{at}/updates") as stream:
            assert (stream.status, await stream.next()) == (200, {})
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert (await http.put(f"{at}/watch")).status_code == 200
            assert await stream.next() == {}
            tools = (await http.get("/api/v1/gateway/own/records/tools")).json()["data"]
            call = {
                "tool": tools[0]["public_name"] if own else "up__echo",
                "arguments": {} if own else {"text": "secret"},
            }
            answer = await http.post("/api/v1/gateway/call", json=call)
            assert answer.status_code == 200, answer.text
            assert await stream.next() == {}
            # Reading is nothing new.
            assert (await http.get(at)).json()["data"]["messages"]
            stream.heard()
            assert (await http.delete(f"{at}/watch")).status_code == 200
            assert await stream.next() == {}
            assert b"secret" not in stream._text
        assert not house.app.gateway.message_desk.streams


async def test_only_admins_follow_and_only_what_there_is(make_house: MakeHouse) -> None:
    async with make_house() as house:
        server = await house.add("up", visibility="everyone")
        for who in ("bob", "eve"):
            async with house.session(who) as http:
                for at in (str(server), "4711", "own/records", "own/nothing"):
                    refused = await http.get(f"/api/v1/gateway/{at}/messages/updates")
                    assert refused.status_code == 403 and "up" not in refused.text.split()
        async with house.session("ann") as http:
            for at in ("4711", "own/nothing"):
                assert (await http.get(f"/api/v1/gateway/{at}/messages/updates")).status_code == 404
        assert not house.app.gateway.message_desk.streams


async def test_it_ends_with_the_server_the_credential_and_the_program(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("ann") as http:
        server = await house.add("up")
        other = await house.add("other")
        secret = await house.token("ann")
        async with (
            Stream(house.app, secret, "GET", f"/api/v1/gateway/{server}/messages/updates") as gone,
            Stream(house.app, secret, "GET", f"/api/v1/gateway/{other}/messages/updates") as revoked,
        ):
            assert (await http.delete(f"/api/v1/mcp_servers/{server}")).status_code in (200, 204)
            await asyncio.wait_for(asyncio.shield(gone._task), 10)
            assert not revoked._task.done()
            [row] = [one for one in (await http.get("/api/v1/api_tokens")).json()["data"] if one["name"] == "watcher"]
            assert (await http.delete(f"/api/v1/api_tokens/{row['id']}")).status_code in (200, 204)
            await asyncio.wait_for(asyncio.shield(revoked._task), 10)
        path = f"/api/v1/gateway/{other}/messages/updates"
        async with Stream(house.app, await house.token("ann"), "GET", path) as stream:
            house.app.stop_streams()
            await asyncio.wait_for(asyncio.shield(stream._task), 10)
        assert not house.app.gateway.message_desk.streams


async def test_a_person_follows_so_many_at_a_time(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("ann") as http:
        path = f"/api/v1/gateway/{await house.add('up')}/messages/updates"
        secret = await house.token("ann")
        streams = [Stream(house.app, secret, "GET", path) for _ in range(PER_PERSON)]
        for stream in streams:
            await stream.__aenter__()
        refused = await http.get(path)
        assert refused.status_code == 429 and f"{PER_PERSON} servers" in refused.json()["error"]
        for stream in streams:
            await stream.__aexit__()
        assert not house.app.gateway.message_desk.streams


async def test_to_follow_is_to_go_on_watching(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("ann") as http:
        server = await house.add("up")
        at = f"/api/v1/gateway/{server}/messages"
        async with Stream(house.app, await house.token("ann"), "GET", f"{at}/updates") as stream:
            await stream.next()
            await http.put(f"{at}/watch")
            await stream.next()
            watch = house.app.gateway.gateway.watches.of(server)
            watch.ends_at -= WATCH_SECONDS - 60
            await http.post("/api/v1/gateway/call", json={"tool": "up__echo", "arguments": {"text": "a"}})
            await stream.next()
            assert watch.seconds_left > WATCH_SECONDS - 60


async def test_many_wakes_that_nobody_read_are_one_word() -> None:
    watch = MessageWatch()
    stream = WokenStream(b"first", b"again", lambda: True)
    stream.ends.callback(watch.hear(stream.wake))
    told = stream.messages()
    assert await anext(told) == b"first"
    watch.begin()
    for number in range(500):
        watch.note("to_server", {"id": number, "method": "ping"}, None)
    assert await anext(told) == b"again"
    stream.end()
    with pytest.raises(StopAsyncIteration):
        await anext(told)
    assert not watch._listeners
