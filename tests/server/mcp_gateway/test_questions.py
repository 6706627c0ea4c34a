"""Servers that ask: passed on where both sides speak one era, refused by name where nobody can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
import pytest
from tests_mcp_support import House
from tests_rich_support import ODD, add, refused, result, sending, waits
from tests_wire_support import LEGACY, META, MODERN, Wire

from server.access.actor import SYSTEM, Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.upstreams import requests
from server.mcp_gateway.upstreams.config import ServerConfig
from server.mcp_gateway.upstreams.in_flight import InFlight

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
ASK = {"name": "rich__ask", "arguments": {}}
ELICITATION: dict[str, Any] = {"elicitation": {}}


async def opened(house: House, http: Any, client: str, upstream: str, **capabilities: Any) -> Wire:
    await add(house, "rich", upstream)
    wire = await Wire(http, client).open(capabilities)
    await result(wire, "tools/list")
    return wire


async def test_in_the_older_eras_a_question_comes_on_the_stream_of_its_call(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        wire = await opened(house, http, LEGACY, LEGACY, **ELICITATION)
        async with sending(house, wire, "bob", "tools/call", ASK) as stream:
            question = await stream.next()
            assert question["method"] == "elicitation/create"
            assert question["params"]["message"] == "Who?"
            assert question["params"]["x-ours"] == ODD["x-ours"], "it is relayed as its server wrote it"
            given = {"action": "accept", "content": {"name": "Ada"}, **ODD}
            await wire.post({"jsonrpc": "2.0", "id": question["id"], "result": given})
            answer = (await stream.next())["result"]
        assert orjson.loads(answer["content"][0]["text"]) == given


async def test_an_error_that_the_client_answers_with_is_its_servers_to_deal_with(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        wire = await opened(house, http, LEGACY, LEGACY, **ELICITATION)
        async with sending(house, wire, "bob", "tools/call", ASK) as stream:
            question = await stream.next()
            error = {"code": -32042, "message": "not today"}
            await wire.post({"jsonrpc": "2.0", "id": question["id"], "error": error})
            answer = (await stream.next())["result"]
        assert answer["isError"]
        assert "not today" in answer["content"][0]["text"]


async def test_in_the_newest_era_a_question_is_an_answer_and_its_answer_another_call(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        wire = await opened(house, http, MODERN, MODERN)
        capabilities = {f"{META}clientCapabilities": ELICITATION}
        asked = await result(wire, "tools/call", **ASK, _meta=capabilities)
        assert asked["resultType"] == "input_required"
        assert asked["inputRequests"]["who"]["params"]["x-ours"] == ODD["x-ours"]
        given = {"who": {"action": "accept", "content": {"name": "Ada"}}}
        again = {**ASK, "inputResponses": given, "requestState": asked["requestState"]}
        answer = await result(wire, "tools/call", **again, _meta=capabilities)
        assert orjson.loads(answer["content"][0]["text"]) == [given, "state of rich"]
        error = await refused(wire, "tools/call", **ASK)
        assert error["code"] == -32021, "what a client can is told to the server with each call"


@pytest.mark.parametrize(
    ("client", "upstream", "capabilities", "reason"),
    [
        (MODERN, LEGACY, ELICITATION, "the client speaks the protocol 2026-07-28"),
        (LEGACY, MODERN, ELICITATION, "the client speaks an older protocol than the server"),
        (LEGACY, LEGACY, {}, "the client does not take questions of this kind (elicitation)"),
        (LEGACY, LEGACY, {"sampling": {}}, "the client does not take questions of this kind (elicitation)"),
    ],
)
async def test_who_can_not_be_asked_is_told_why(
    make_house: MakeHouse, client: str, upstream: str, capabilities: dict[str, Any], reason: str
) -> None:
    async with make_house() as house, house.http("bob") as http:
        wire = await opened(house, http, client, upstream, **capabilities)
        error = await refused(wire, "tools/call", **ASK, _meta={f"{META}clientCapabilities": capabilities})
        assert error["code"] == -32007
        assert "The MCP server rich wanted to ask its client something" in error["message"]
        assert reason in error["message"]
        assert (await result(wire, "tools/call", name="rich__touch", arguments={}))["content"]


async def test_a_call_without_a_client_asks_nobody(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await add(house, "rich", LEGACY)
        with pytest.raises(CallFailed) as failed:
            await house.app.gateway.gateway.call(Caller(actor=SYSTEM), "rich__ask", {})
        assert "nobody can be asked" in failed.value.message


async def test_with_calls_of_several_clients_nobody_is_asked_for_another(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http, house.http("eve") as other:
        wire = await opened(house, http, LEGACY, LEGACY, **ELICITATION)
        hers = await Wire(other, LEGACY).open(ELICITATION)
        wait = {"name": "rich__wait", "arguments": {"until": "never"}}
        async with sending(house, hers, "eve", "tools/call", wait) as stream:
            await waits(wire, 1)
            async with sending(house, wire, "bob", "tools/call", ASK) as mine:
                error = (await mine.next())["error"]
            assert "requests of 2 clients are running" in error["message"]
            assert stream.heard() == [], "she was not asked"
            await hers.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}})
            await waits(wire, 0)
        # Of several calls of one client each is its own: it is asked.
        async with sending(house, wire, "bob", "tools/call", wait, number=3):
            async with sending(house, wire, "bob", "tools/call", ASK, number=4) as mine:
                question = await mine.next()
                await wire.post({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}})
                assert "decline" in (await mine.next())["result"]["content"][0]["text"]
            await wire.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}})


async def test_a_server_that_asks_gets_the_calls_of_one_client_at_a_time(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_house() as house, house.http("bob") as http, house.http("eve") as other:
        his = await opened(house, http, LEGACY, LEGACY, **ELICITATION)
        hers = await Wire(other, LEGACY).open(ELICITATION)
        async with sending(house, his, "bob", "tools/call", ASK) as mine:
            # The first question says that the server asks. While he thinks, her call waits for its turn.
            question = await mine.next()
            async with sending(house, hers, "eve", "tools/call", ASK) as stream:
                await asyncio.sleep(0)
                assert stream.heard() == []
                await his.post({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}})
                assert "decline" in (await mine.next())["result"]["content"][0]["text"]
                question = await stream.next()
                assert question["method"] == "elicitation/create", "it is her turn, and hers alone"
                assert mine.heard() == []
                await hers.post({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {}}})
                assert "accept" in (await stream.next())["result"]["content"][0]["text"]
        # Nobody waits for ever: after a while both are on their way, and nobody is asked for another.
        monkeypatch.setattr(requests, "_TURN_SECONDS", 0.01)
        wait = {"name": "rich__wait", "arguments": {"until": "never"}}
        async with sending(house, hers, "eve", "tools/call", wait) as stream:
            await waits(his, 1)
            async with sending(house, his, "bob", "tools/call", ASK) as mine:
                error = (await mine.next())["error"]
            assert "requests of 2 clients are running" in error["message"] and stream.heard() == []
            await hers.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}})


async def test_that_a_server_asks_is_remembered_over_a_restart_until_its_record_changes(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        his = await opened(house, http, LEGACY, LEGACY, **ELICITATION)
        async with sending(house, his, "bob", "tools/call", ASK) as mine:
            question = await mine.next()
            await his.post({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}})
            await mine.next()
    async with make_house(again=True) as house, house.http("bob") as http, house.http("eve") as other:
        his = await Wire(http, LEGACY).open(ELICITATION)
        hers = await Wire(other, LEGACY).open(ELICITATION)
        # The very first calls after the restart: hers waits for his, and neither is refused.
        async with sending(house, his, "bob", "tools/call", ASK) as mine:
            question = await mine.until("elicitation/create")
            async with sending(house, hers, "eve", "tools/call", ASK) as stream:
                await asyncio.sleep(0)
                assert stream.heard() == []
                await his.post({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}})
                assert "decline" in (await mine.next())["result"]["content"][0]["text"]
                question = await stream.until("elicitation/create")
                assert question["method"] == "elicitation/create"
                await hers.post({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {}}})
                assert "accept" in (await stream.next())["result"]["content"][0]["text"]
        [row] = await house.app.records.find(SYSTEM, "mcp_servers")
        await house.app.records.update(SYSTEM, "mcp_servers", row["id"], {"rate_per_minute": 100})
        changed = ServerConfig.of(await house.app.records.get(SYSTEM, "mcp_servers", row["id"]))
        assert not house.app.gateway.catalogue.offers.asks(changed)


async def test_calls_wait_for_each_other_only_where_a_question_could_be_meant_for_either() -> None:
    ann, bob = (Actor(kind="token", user_id=number, username=str(number), role="member") for number in (1, 2))

    async def ask(method: str, params: Any) -> dict[str, Any]:
        return {}

    hers, his = Caller(actor=ann, session="a", ask=ask), Caller(actor=bob, session="b", ask=ask)
    deaf, modern = Caller(actor=bob, session="c"), Caller(actor=bob, modern=True, ask=ask)
    flights = InFlight()
    with flights.one(hers, 60):
        await flights.turn(his, 60)
        flights.asks = True
        await flights.turn(hers, 60)
        for other in (his, deaf, modern):
            waiting = asyncio.ensure_future(flights.turn(other, 60))
            await asyncio.sleep(0)
            assert not waiting.done()
            waiting.cancel()
            await flights.turn(other, 0.001)
        waiting = asyncio.ensure_future(flights.turn(his, 60))
        await asyncio.sleep(0)
    await waiting
    with flights.one(deaf, 60):
        await flights.turn(modern, 60)


async def test_the_time_of_a_call_stands_still_while_a_person_is_asked() -> None:
    flights = InFlight()
    with flights.one(Caller(actor=SYSTEM), 60) as flight:
        with flight.asking():
            assert flight.ends_at is None
            flight.sign_of_life()
            assert flight.ends_at is None
        first = flight.ends_at
        await asyncio.sleep(0.001)
        flight.sign_of_life()
        assert first is not None and flight.ends_at is not None and flight.ends_at > first
        assert flights.whose(None) == flights.whose(flight) == [flight]
    assert flights.whose(flight) == flights.whose(None) == []
    assert flight.over.done() and flight.ends_at is None


async def test_a_call_whose_time_is_up_ends_and_one_that_is_cancelled_is_cancelled() -> None:
    flights = InFlight()
    this = asyncio.current_task()
    assert this is not None
    with pytest.raises(TimeoutError), flights.one(Caller(actor=SYSTEM), 0):
        await asyncio.Event().wait()
    assert this.cancelling() == 0, "whoever waits after that is not cancelled"
    with pytest.raises(ValueError, match="its own"), flights.one(Caller(actor=SYSTEM), 0):
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("its own")
    assert this.cancelling() == 0

    async def call() -> None:
        with flights.one(Caller(actor=SYSTEM), 60):
            await asyncio.Event().wait()

    calling = asyncio.create_task(call())
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert flights.whose(None) == []


async def test_flights_are_told_apart_by_session_and_person() -> None:
    flights = InFlight()
    ann, bob = (Actor(kind="token", user_id=number, username=str(number), role="member") for number in (1, 2))
    callers = [Caller(actor=ann, session="a"), Caller(actor=ann, session="a"), Caller(actor=bob, session="a")]
    with flights.one(callers[0], 60), flights.one(callers[1], 60) as second:
        assert flights.whose(None) == [second], "one client: its newest"
        with flights.one(callers[2], 60) as third:
            assert flights.whose(None) == [second, third]
            assert flights.whose(second) == [second], "a transport that knows is believed"
    modern = Caller(actor=ann, modern=True)
    with flights.one(modern, 60), flights.one(modern, 60):
        assert len(flights.whose(None)) == 2, "without sessions every request may be another client's"
