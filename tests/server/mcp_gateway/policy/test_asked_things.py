"""Prompts and resources that a person approves: a rule that asks about all of a server asks about these too."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
import orjson
import pytest
from tests_mcp_support import House
from tests_rich_support import add, refused, result
from tests_wire_support import LEGACY, META, MODERN, Stream, Wire, message

from server.access.actor import SYSTEM
from server.mcp_gateway.failures import UPSTREAM_FAILED, CallFailed
from server.mcp_gateway.upstreams.session import Session

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
NEEDED = -32009
GREET = {"name": "greet", "arguments": {"who": "you"}}
READ = {"uri": "note://rich/1"}
CHANGES = {"uri": "note://both"}
LISTEN = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "subscriptions/listen",
    "params": {
        "notifications": {"resourceSubscriptions": [CHANGES["uri"]]},
        "_meta": {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}},
    },
}
LISTEN_HEADERS = {"mcp_protocol_version": MODERN, "mcp_method": "subscriptions/listen"}


async def rule(house: House, **values: Any) -> None:
    row = {"subject": "programs", "effect": "ask", **values}
    await house.app.records.create(SYSTEM, "mcp_rules", row)


async def asked(wire: Wire, method: str, params: dict[str, Any]) -> int:
    """The number of the request that waits after this one."""
    error = await refused(wire, method, **params)
    assert error["code"] == NEEDED and error["data"]["state"] == "pending", error
    return int(error["data"]["approval"])


def decide(http: httpx2.AsyncClient, number: int, deed: str = "approve", **more: Any) -> Any:
    return http.post(f"/api/v1/gateway/approvals/{number}/{deed}", json=more)


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_prompt_and_a_resource_wait_on_both_addresses_and_are_got_once(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house, house.http("bob") as http, house.session("bob") as bob:
        await add(house, "rich", era)
        all_, one = await Wire(http, era).open(), await Wire(http, era, "/mcp/rich").open()
        assert (await result(all_, "prompts/get", name="rich__greet"))["messages"], "nobody asks yet"
        await result(all_, "resources/list")
        await rule(house)
        prompt = await asked(all_, "prompts/get", {**GREET, "name": "rich__greet"})
        assert await asked(one, "prompts/get", GREET) == prompt, "it is one question"
        resource = await asked(one, "resources/read", READ)
        assert await asked(all_, "resources/read", READ) == resource
        assert await asked(one, "prompts/get", {**GREET, "arguments": {"who": "me"}}) not in (prompt, resource)
        assert (await result(one, "prompts/list"))["prompts"], "they are listed all the same"
        rows = {row["id"]: row for row in (await bob.get("/api/v1/mcp_approvals")).json()["data"]}
        assert (rows[prompt]["tool"], rows[resource]["tool"]) == ("prompts/get greet", "resources/read note://rich/1")
        assert rows[prompt]["arguments"] == GREET
        for number in (prompt, resource):
            assert (await decide(bob, number)).status_code == 200
        assert (await result(one, "prompts/get", **GREET))["messages"]
        assert (await result(all_, "resources/read", **READ))["contents"]
        assert await asked(one, "prompts/get", GREET) != prompt
        # Whoever refuses is not asked again.
        number = await asked(all_, "resources/read", READ)
        assert (await decide(bob, number, "deny", lasts="always")).status_code == 200
        error = await refused(one, "resources/read", **READ)
        assert error["code"] == NEEDED and error["data"]["state"] == "denied"
        await result(one, "completion/complete", ref={"type": "ref/prompt", "name": "greet"},
                     argument={"name": "who", "value": "y"})  # fmt: skip


async def test_only_a_rule_about_everything_asks_and_the_narrower_one_counts(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        server = await add(house, "rich", LEGACY)
        wire = Wire(http, MODERN, "/mcp/rich")
        await rule(house, tool="greet", server_id=server)
        await rule(house, tools="destructive")
        assert (await result(wire, "prompts/get", **GREET))["messages"]
        await rule(house)
        await asked(wire, "prompts/get", GREET)
        await rule(house, effect="allow", server_id=server)
        assert (await result(wire, "prompts/get", **GREET))["messages"]
        await rule(house, effect="deny", server_id=server, subject="everyone")
        # Then nobody knows of the server at all.
        assert (await wire.ask("prompts/get", GREET)).status_code == 404


async def test_who_is_signed_in_is_not_asked_and_nobody_approves_for_others(make_house: MakeHouse) -> None:
    async with (
        make_house() as house,
        house.http("bob") as http,
        house.http("eve") as other,
        house.session("eve") as eve,
        house.session("bob") as bob,
    ):
        await add(house, "rich", LEGACY)
        await rule(house, subject="everyone")
        wire = Wire(http, MODERN, "/mcp/rich")
        number = await asked(wire, "prompts/get", GREET)
        assert (await decide(eve, number)).status_code == 404
        assert (await decide(bob, number, lasts="always")).status_code == 200
        assert (await result(wire, "prompts/get", **GREET))["messages"]
        hers = await asked(Wire(other, MODERN, "/mcp/rich"), "prompts/get", GREET)
        assert hers != number, "bob's approval is for bob"
        assert "error" in message(await wire.ask("resources/read", READ))


async def test_to_hear_of_changes_of_a_resource_is_asked_about_as_reading_it_is(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http, house.session("bob") as bob:
        server = await add(house, "rich", LEGACY)
        wire = await Wire(http, LEGACY, "/mcp/rich").open()
        [upstream] = house.app.gateway.gateway._pool.servers()
        await rule(house)
        number = await asked(wire, "resources/subscribe", CHANGES)
        assert CHANGES["uri"] not in upstream.watched
        [row] = (await bob.get("/api/v1/mcp_approvals")).json()["data"]
        assert (row["tool"], row["arguments"]) == ("resources/subscribe note://both", CHANGES)
        updates = f"/api/v1/gateway/{server}/resources/updates"
        answer = await http.get(updates, params=CHANGES)
        assert answer.status_code == 403 and answer.json()["code"] == "approval_pending"
        stream = Stream(house.app, house.tokens["bob"], "POST", "/mcp/rich", orjson.dumps(LISTEN), **LISTEN_HEADERS)
        async with stream:
            assert (await stream.next())["method"].endswith("acknowledged")
            assert CHANGES["uri"] not in upstream.watched
        assert (await decide(bob, number, lasts="while")).status_code == 200
        await result(wire, "resources/subscribe", **CHANGES)
        assert CHANGES["uri"] in upstream.watched
        await result(wire, "resources/unsubscribe", **CHANGES)
        # Who is there with a session of their own asks nobody but themselves.
        own = await Wire(bob, LEGACY, "/mcp/rich").open()
        await result(own, "resources/subscribe", **CHANGES)
        assert CHANGES["uri"] in upstream.watched


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_subscription_that_never_reached_its_server_leaves_its_approval_for_the_next(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    async with make_house() as house, house.http("bob") as http, house.session("bob") as bob:
        await add(house, "rich", era)
        wire = await Wire(http, LEGACY, "/mcp/rich").open()
        [upstream] = house.app.gateway.gateway._pool.servers()
        await rule(house)
        number = await asked(wire, "resources/subscribe", CHANGES)
        assert (await decide(bob, number)).status_code == 200

        async def no_start(_wait: float) -> Session:
            raise CallFailed(UPSTREAM_FAILED, "The MCP server rich can't be reached.")

        with monkeypatch.context() as broken:
            broken.setattr(upstream.start, "session", no_start)
            assert (await refused(wire, "resources/subscribe", **CHANGES))["code"] == UPSTREAM_FAILED
        await result(wire, "resources/subscribe", **CHANGES)
        assert CHANGES["uri"] in upstream.watched
        await result(wire, "resources/unsubscribe", **CHANGES)
        assert await asked(wire, "resources/subscribe", CHANGES) != number, "it was for one"


async def test_a_rule_that_comes_while_a_server_starts_for_a_subscription_holds_for_it(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_house() as house, house.http("bob") as http:
        await add(house, "rich", LEGACY)
        wire = await Wire(http, LEGACY, "/mcp/rich").open()
        [upstream] = house.app.gateway.gateway._pool.servers()
        session = upstream.start.session

        async def and_meanwhile(wait: float) -> Session:
            await rule(house)
            return await session(wait)

        monkeypatch.setattr(upstream.start, "session", and_meanwhile)
        assert "not without approval" in (await refused(wire, "resources/subscribe", **CHANGES))["message"]
        assert CHANGES["uri"] not in upstream.watched
