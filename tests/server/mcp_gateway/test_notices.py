"""What servers tell by themselves, and what an admin changes: heard by every client that may hear it, and no other."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest
from tests_mcp_support import House
from tests_rich_support import PAIRS, add, listening, refused, result, sending, waits
from tests_wire_support import LEGACY, META, MODERN, Wire

from server.access.actor import SYSTEM, Actor

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
LISTS = {f"notifications/{kind}/list_changed" for kind in ("tools", "prompts", "resources")}


@pytest.mark.parametrize("path", ["/mcp", "/mcp/rich"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_changed_lists_are_told_and_then_there(
    make_house: MakeHouse, client: str, upstream: str, path: str
) -> None:
    prefix = "rich__" if path == "/mcp" else ""
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        await add(house, "rich", upstream)
        wire = await Wire(http, client, path).open()
        for method in ("tools/list", "prompts/list", "resources/list"):
            await result(wire, method)
        async with listening(house, wire, "bob") as stream:
            if client == MODERN:
                assert (await stream.next())["method"] == "notifications/subscriptions/acknowledged"
            await result(wire, "tools/call", name=f"{prefix}grow", arguments={})
            heard = [await stream.next() for _ in range(3)]
            assert {one["method"] for one in heard} == LISTS
            if client == MODERN:
                assert {one["params"]["_meta"][f"{META}subscriptionId"] for one in heard} == {"listen-1"}
            for kind in ("tools", "prompts", "resources"):
                names = [one["name"] for one in (await result(wire, f"{kind}/list"))[kind]]
                assert any(name.endswith("grown") for name in names)


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_a_subscribed_resource_is_told_of_and_no_other(make_house: MakeHouse, client: str, upstream: str) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http, house.http("eve") as other:
        await add(house, "rich", upstream)
        wire, deaf = await Wire(http, client).open(), await Wire(other, client).open()
        await result(wire, "tools/list")
        if client == LEGACY:
            await result(wire, "resources/subscribe", uri="note://rich/1")
        async with listening(house, wire, "bob", "note://rich/1") as stream, listening(house, deaf, "eve") as nothing:
            if client == MODERN:
                await stream.next()
                await nothing.next()
            await result(wire, "tools/call", name="rich__touch", arguments={})
            told = await stream.until("notifications/resources/updated")
            assert told["params"]["uri"] == "note://rich/1"
            if client == LEGACY:
                await result(wire, "resources/unsubscribe", uri="note://rich/1")
                again = await result(wire, "tools/call", name="rich__touch", arguments={})
                if upstream == LEGACY:
                    assert again["content"][0]["text"] == "", "its server was told that nobody wants it any more"
            await result(wire, "tools/call", name="rich__grow", arguments={})
            assert {(await nothing.next())["method"] for _ in range(3)} == LISTS
        if client == MODERN:
            # The stream was closed, and with it the subscription.
            again = await result(wire, "tools/call", name="rich__touch", arguments={})
            assert again["content"][0]["text"] == ""


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_server_that_repeats_itself_without_end_drowns_nobody(make_house: MakeHouse, era: str) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        await add(house, "rich")
        wire = await Wire(http, era).open()
        await result(wire, "tools/list")
        if era == LEGACY:
            await result(wire, "resources/subscribe", uri="note://rich/1")
        async with listening(house, wire, "bob", "note://rich/1") as stream:
            if era == MODERN:
                await stream.next()
            await result(wire, "tools/call", name="rich__flood", arguments={})
            await result(wire, "tools/call", name="rich__grow", arguments={})
            heard = [await stream.next()]
            while heard[-1]["method"] != "notifications/tools/list_changed":
                heard.append(await stream.next())
        assert {one["method"] for one in heard} == LISTS | {"notifications/resources/updated"}
        assert len(heard) < 300, "of 6000"


async def test_news_are_told_also_after_their_server_died(make_house: MakeHouse) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        await add(house, "rich")
        wire = await Wire(http, MODERN).open()
        await result(wire, "tools/list")
        async with listening(house, wire, "bob", "note://rich/1") as stream:
            await stream.next()
            (upstream,) = house.app.gateway.gateway.visible(SYSTEM)
            before = upstream.supervisor.child_pid
            assert before is not None
            os.kill(before, signal.SIGKILL)
            told = await stream.until("notifications/resources/updated")
            assert told["params"]["uri"] == "note://rich/1", "nobody knows what happened in between"
            assert upstream.supervisor.child_pid not in (None, before)
            await result(wire, "tools/call", name="rich__touch", arguments={})
            await stream.until("notifications/resources/updated")


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_news_are_told_also_after_their_server_was_changed_or_switched_off_for_a_while(
    make_house: MakeHouse, client: str, upstream: str
) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        await add(house, "rich", upstream)
        gateway = house.app.gateway.gateway
        wire = await Wire(http, client).open()
        await result(wire, "tools/list")
        if client == LEGACY:
            await result(wire, "resources/subscribe", uri="note://rich/1")
        async with listening(house, wire, "bob", "note://rich/1") as stream:
            if client == MODERN:
                await stream.next()
            (before,) = gateway.visible(SYSTEM)
            for change in ({"env": {"BEAR": "brown"}}, {"enabled": False}, {"enabled": True}):
                await house.app.records.update(SYSTEM, "mcp_servers", before.config.id, change)
                await asyncio.gather(*gateway._pool._reloads)
                if change.get("enabled") is not False:
                    told = await stream.until("notifications/resources/updated")
                    assert told["params"]["uri"] == "note://rich/1", "nobody knows what happened in between"
            await result(wire, "tools/call", name="rich__touch", arguments={})
            await stream.until("notifications/resources/updated")
            if client == LEGACY:
                await result(wire, "resources/unsubscribe", uri="note://rich/1")
        (now,) = gateway.visible(SYSTEM)
        assert now is not before and not now.watched and not before.watched


async def test_what_the_connection_of_one_person_tells_is_for_them(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await house.add("each", transport="http", url="http://127.0.0.1:9/mcp", sign_in="each", visibility="everyone")
        gateway = house.app.gateway.gateway
        ann, bob = (Actor(kind="token", user_id=number, username=str(number), role="member",
                          scopes=frozenset({"mcp"})) for number in (1, 2))  # fmt: skip
        (hers,) = gateway.visible(ann)
        for whole in (True, False):
            assert gateway.hears(ann, hers.config, whole=whole)
            assert not gateway.hears(bob, hers.config, whole=whole)
        single = replace(ann, scopes=frozenset({"mcp:each:echo"}))
        assert gateway.hears(single, hers.config, whole=False)
        assert not gateway.hears(single, hers.config, whole=True), "a token for one tool has no prompts and resources"


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_nobody_hears_of_a_server_that_they_may_not_use(make_house: MakeHouse, era: str) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("ann") as admins, house.http("bob") as http:
        await add(house, "secret", visibility="admins")
        await add(house, "open")
        admin, wire = await Wire(admins, era).open(), await Wire(http, era).open()
        for one in (admin, wire):
            await result(one, "tools/list")
        if era == LEGACY:
            hidden = await refused(wire, "resources/subscribe", uri="note://secret/1")
            absent = await refused(wire, "resources/subscribe", uri="note://nothing/1")
            assert hidden["message"].replace("secret", "nothing") == absent["message"]
            await result(admin, "resources/subscribe", uri="note://secret/1")
        uri = "note://secret/1"
        async with listening(house, admin, "ann", uri) as hers, listening(house, wire, "bob", uri) as his:
            if era == MODERN:
                await hers.next()
                await his.next()
            await result(admin, "tools/call", name="secret__touch", arguments={})
            assert (await hers.until("notifications/resources/updated"))["params"]["uri"] == uri
            await result(admin, "tools/call", name="secret__grow", arguments={})
            for _ in range(3):
                await hers.next()
            # What comes next on his stream is from the server that he may use: of the other came nothing.
            await result(wire, "tools/call", name="open__touch", arguments={})
            await result(wire, "tools/call", name="open__grow", arguments={})
            heard = [await his.next() for _ in range(3)]
            assert {one["method"] for one in heard} == LISTS
            assert his.heard() == []


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_what_an_admin_does_with_servers_is_told(make_house: MakeHouse, era: str) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        wire = await Wire(http, era).open()
        async with listening(house, wire, "bob") as stream:
            if era == MODERN:
                await stream.next()
            number = await add(house, "rich")
            assert {(await stream.next())["method"] for _ in range(3)} == LISTS
            assert any(one["name"] == "rich__link" for one in (await result(wire, "tools/list"))["tools"])
            await house.app.records.update(SYSTEM, "mcp_servers", number, {"visibility": "admins"})
            assert {(await stream.next())["method"] for _ in range(3)} == LISTS
            assert not any(one["name"].startswith("rich") for one in (await result(wire, "tools/list"))["tools"])
            await house.app.records.update(SYSTEM, "mcp_servers", number, {"visibility": "everyone"})
            assert {(await stream.next())["method"] for _ in range(3)} == LISTS
            assert any(one["name"] == "rich__link" for one in (await result(wire, "tools/list"))["tools"])


async def test_a_session_without_a_stream_hears_on_the_next_answers(make_house: MakeHouse) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        await add(house, "rich")
        wire = await Wire(http, LEGACY).open()
        await result(wire, "tools/list")
        method, params = "tools/call", {"name": "rich__grow", "arguments": {}}
        heard: set[str] = set()
        async with asyncio.timeout(20):
            while heard != LISTS:
                async with sending(house, wire, "bob", method, params) as stream:
                    while "result" not in (one := await stream.next()):
                        assert one["method"] not in heard, "nothing is told twice"
                        heard.add(one["method"])
                method, params = "prompts/list", {}


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_log_messages_of_a_call_and_its_progress_come_with_it(
    make_house: MakeHouse, client: str, upstream: str
) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        await add(house, "rich", upstream)
        wire = await Wire(http, client).open()
        await result(wire, "tools/list")
        for level, expected in (("debug", ["debug", "warning"]), ("warning", ["warning"])):
            meta = {"progressToken": "mine"}
            if client == MODERN:
                meta[f"{META}logLevel"] = level
            else:
                await result(wire, "logging/setLevel", level=level)
            call = {"name": "rich__log", "arguments": {}, "_meta": meta}
            async with sending(house, wire, "bob", "tools/call", call) as stream:
                heard = []
                while "result" not in (one := await stream.next()):
                    heard.append(one)
            logged = [one["params"] for one in heard if one["method"] == "notifications/message"]
            assert [one["level"] for one in logged] == expected
            assert logged[-1]["data"] == {"said": ["warning", None]}
            assert logged[-1]["x-ours"] == {"deep": [1, None, "ä"]}
            progress = next(one["params"] for one in heard if one["method"] == "notifications/progress")
            assert progress == {"progressToken": "mine", "progress": 1, "total": 2}
            complete = next(one["params"] for one in heard if one["method"] == "notifications/elicitation/complete")
            assert complete == {"elicitationId": "page 1"}


@pytest.mark.parametrize("client", [MODERN, LEGACY])
async def test_a_call_that_is_taken_back_is_taken_back_at_its_server(make_house: MakeHouse, client: str) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        await add(house, "rich")
        wire = await Wire(http, client).open()
        await result(wire, "tools/list")
        call = {"name": "rich__wait", "arguments": {"until": "never"}, "_meta": {"progressToken": 1}}
        stream = sending(house, wire, "bob", "tools/call", call, number=41)
        stream.send()
        await waits(wire, 1)
        if client == LEGACY:
            await wire.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 41}})
            await waits(wire, 0)
            assert "result" not in await stream.next()
        await stream.hang_up()
        await waits(wire, 0)
