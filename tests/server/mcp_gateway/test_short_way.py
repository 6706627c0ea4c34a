"""Calls that are answered without the SDK: the same answers, the same rules, and everything else goes on to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests_mcp_support import House
from tests_wire_support import ACCEPT, LEGACY, META, MODERN, Wire, message

from server.access.actor import SYSTEM

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
ERAS = (MODERN, LEGACY)


async def ready(house: House, name: str = "up", **values: Any) -> None:
    """A server that everybody may use, and that has been listed: before that the SDK waits for it."""
    await house.add(name, visibility="everyone", **values)
    async with house.http("bob") as http:
        assert message(await Wire(http, MODERN).ask("tools/list", {}))["result"]["tools"]


@pytest.mark.parametrize("era", ERAS)
async def test_the_short_way_answers_as_the_sdk_does(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house:
        await ready(house)
        async with house.http("bob") as http:
            wire = await Wire(http, era).open()
            cases: list[tuple[str, dict[str, Any]]] = [
                ("tools/call", {"name": "up__echo", "arguments": {"text": "ä \u2028 🐻"}}),
                ("tools/call", {"name": "up__add", "arguments": {"first": 1, "second": 2}}),
                ("tools/call", {"name": "up__fail", "arguments": {}}),
                ("tools/call", {"name": "up__add", "arguments": {"first": "no number"}}),
                ("tools/list", {}),
            ]
            for method, params in cases:
                short = await wire.ask(method, params)
                # A client that wants progress is the SDK's business.
                long = await wire.ask(method, {**params, "_meta": {"progressToken": 1}})
                assert short.headers["content-type"] == "application/json"
                assert message(short) == message(long), (method, params)
                assert short.status_code == long.status_code


@pytest.mark.parametrize("era", ERAS)
async def test_an_endpoint_of_one_server_goes_the_short_way_too(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house:
        await ready(house)
        async with house.http("bob") as http:
            wire = await Wire(http, era, "/mcp/up").open()
            answer = await wire.call("echo", {"text": "hello"})
            assert answer.headers["content-type"] == "application/json"
            assert message(answer)["result"]["content"] == [{"type": "text", "text": "hello"}]
            assert message(await wire.call("up__echo", {"text": "hello"}))["error"]["code"] == -32602


@pytest.mark.parametrize("era", ERAS)
async def test_a_name_leads_to_the_server_that_has_it_now(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house:
        first = await house.add("first", visibility="everyone")
        await house.add("second", visibility="everyone")
        async with house.http("bob") as http:
            wire = await Wire(http, era).open()
            for name in ("first__echo", "second__echo"):
                assert message(await wire.call(name, {"text": name}))["result"]["content"][0]["text"] == name
            await house.app.records.update(SYSTEM, "mcp_servers", first, {"name": "third"})
            for name in ("third__echo", "second__echo"):
                assert message(await wire.call(name, {"text": name}))["result"]["content"][0]["text"] == name
            assert message(await wire.call("first__echo", {"text": "x"}))["error"]["code"] == -32602
            await house.app.records.delete(SYSTEM, "mcp_servers", first)
            assert message(await wire.call("third__echo", {"text": "x"}))["error"]["code"] == -32602


@pytest.mark.parametrize("era", ERAS)
async def test_whom_the_policy_refuses_it_refuses_here(make_house: MakeHouse, era: str) -> None:
    async with make_house(mcp_rate_burst=3, mcp_rate_per_minute=0.001) as house:
        await ready(house)
        await house.add("hushed", visibility="admins")
        async with house.http("ann") as http:
            assert message(await Wire(http, MODERN).call("hushed__echo", {"text": "hello"}))["result"]
        async with house.http("bob") as http:
            wire = await Wire(http, era).open()
            hidden, absent = await wire.call("hushed__echo", {"text": "x"}), await wire.call("hushed__no", {})
            assert message(hidden)["error"]["code"] == message(absent)["error"]["code"] == -32602
            assert "hushed" not in (await wire.ask("tools/list", {})).text
            for _ in range(3):
                assert "result" in message(await wire.call("up__echo", {"text": "x"}))
            refused = message(await wire.call("up__echo", {"text": "x"}))["error"]
            assert refused["code"] == -32001 and refused["data"]["retry_after"] > 0
        async with house.http("reader") as http:
            assert (await Wire(http, era).call("up__echo", {"text": "x"})).status_code == 403
        async with house.http() as http:
            assert (await Wire(http, era).call("up__echo", {"text": "x"})).status_code == 401


@pytest.mark.parametrize(
    ("headers", "meta"),
    [
        ({"mcp-name": "up__fail"}, {}),
        ({"mcp-method": "tools/list"}, {}),
        ({}, {f"{META}protocolVersion": "2030-01-01"}),
        ({}, {f"{META}clientCapabilities": None}),
        ({"accept": "application/json"}, {}),
        ({"content-type": "text/plain"}, {}),
    ],
)
async def test_headers_that_say_something_else_than_the_message_are_refused(
    make_house: MakeHouse, headers: dict[str, str], meta: dict[str, Any]
) -> None:
    async with make_house() as house:
        await ready(house)
        async with house.http("bob") as http:
            params = {"name": "up__echo", "arguments": {"text": "x"}, "_meta": meta}
            answer = await Wire(http, MODERN).ask("tools/call", params, **headers)
            assert answer.status_code in (400, 406, 415), answer.text


async def test_a_session_is_good_for_the_credential_that_opened_it_alone(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await ready(house)
        async with house.http("bob") as http, house.http("eve") as other:
            wire = await Wire(http, LEGACY).open()
            thief = Wire(other, LEGACY)
            thief.session = wire.session
            assert (await thief.call("up__echo", {"text": "x"})).status_code == 404
            await wire.http.delete("/mcp", headers={"mcp-session-id": wire.session or "", "accept": ACCEPT})
            assert (await wire.call("up__echo", {"text": "x"})).status_code == 404
            wire.session = "made-up"
            assert (await wire.call("up__echo", {"text": "x"})).status_code == 404


async def test_an_id_that_is_in_use_is_refused_and_the_first_call_is_answered(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await ready(house)
        async with house.http("bob") as http:
            wire = await Wire(http, LEGACY).open()
            slow = {"seconds": 0.3}
            answers = await asyncio.gather(wire.call("up__slow", slow), wire.call("up__slow", slow))
            [refused] = [found["error"] for found in map(message, answers) if "error" in found]
            [served] = [found["result"] for found in map(message, answers) if "result" in found]
            assert (refused["code"], served["content"][0]["text"]) == (-32600, "done")


async def test_a_client_takes_a_call_back(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await ready(house)
        async with house.http("bob") as http:
            wire = await Wire(http, LEGACY).open()
            call = asyncio.create_task(wire.call("up__slow", {"seconds": 60.0}))
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
            while not call.done():
                assert (await wire.post(cancel)).status_code == 202
                await asyncio.wait((call,), timeout=0.05)
            assert "took this call back" in message(await call)["error"]["message"]
            assert message(await wire.call("up__echo", {"text": "x"}))["result"]


async def test_a_client_that_answers_questions_goes_the_long_way_to_servers_that_may_ask(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await ready(house)
        async with house.http("bob") as http:
            plain = await Wire(http, LEGACY).open()
            asking = await Wire(http, LEGACY).open({"elicitation": {}})
            [upstream] = house.app.gateway.gateway._pool.servers()
            session = upstream.supervisor.current
            assert session is not None and session.is_modern
            # A modern server asks nobody: both go the short way.
            for wire in (plain, asking):
                assert (await wire.call("up__echo", {"text": "x"})).headers["content-type"] == "application/json"
            type(session).is_modern, kept = property(lambda _self: False), type(session).is_modern
            try:
                answers = [await wire.call("up__echo", {"text": "x"}) for wire in (plain, asking)]
            finally:
                type(session).is_modern = kept
            assert [answer.headers["content-type"] for answer in answers] == ["application/json", "text/event-stream"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b'{"jsonrpc":"2.0","id":1e400}', b"\xff"])
async def test_what_is_no_message_is_refused_by_the_sdk(make_house: MakeHouse, body: bytes) -> None:
    async with make_house() as house, house.http("bob") as http:
        for era in ERAS:
            headers = {"accept": ACCEPT, "content-type": "application/json", "mcp-protocol-version": era}
            assert (await http.post("/mcp", content=body, headers=headers)).status_code == 400
