"""What a server offers beside tools is kept: after a restart its clients wait for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests_mcp_support import House
from tests_rich_support import add, listening, result, sending
from tests_shifty_support import is_running
from tests_wire_support import LEGACY, MODERN, Wire, message

from server.access.actor import SYSTEM
from server.mcp_gateway.catalogue.offer_store import OfferStore
from server.mcp_gateway.upstreams.config import ServerConfig
from server.mcp_gateway.upstreams.listing import Listing

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
LISTS = {"prompts/list": "prompts", "resources/list": "resources", "resources/templates/list": "resourceTemplates"}


async def lists(wire: Wire) -> dict[str, Any]:
    return {method: (await result(wire, method))[field] for method, field in LISTS.items()}


async def introduced(house: House, http: Any, era: str, path: str) -> dict[str, Any]:
    """The capabilities that an endpoint tells of."""
    wire = Wire(http, era, path)
    if era == MODERN:
        found: dict[str, Any] = (await result(wire, "server/discover"))["capabilities"]
        return found
    info = {"name": "wire", "version": "1"}
    params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": info}
    answer = message(await wire.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}))
    return dict(answer["result"]["capabilities"])


@pytest.mark.parametrize("era", [MODERN, LEGACY])
@pytest.mark.parametrize("upstream", [pytest.param(MODERN, marks=pytest.mark.slow), LEGACY])
async def test_after_a_restart_the_first_introduction_and_lists_start_nothing(
    make_house: MakeHouse, era: str, upstream: str
) -> None:
    async with make_house() as house, house.http("bob") as http:
        server = await add(house, "rich", upstream)
        before = await introduced(house, http, era, "/mcp/rich")
        assert is_running(house, server), "the first introduction waits for it"
        wire = await Wire(http, era, "/mcp/rich").open()
        known = await lists(wire)
        assert all(known.values())
    async with make_house(again=True) as house, house.http("bob") as http:
        assert await introduced(house, http, era, "/mcp/rich") == before
        wire = await Wire(http, era, "/mcp/rich").open()
        assert await lists(wire) == known
        assert (await result(wire, "tools/list"))["tools"]
        assert not is_running(house, server)
        # What is used starts it, and what it offers then is told of.
        async with listening(house, wire, "bob") as stream:
            if era == MODERN:
                await stream.until("notifications/subscriptions/acknowledged")
            assert (await result(wire, "tools/call", name="touch", arguments={}))["content"]
            assert is_running(house, server)
            heard = {(await stream.next())["method"] for _ in range(2)}
            assert heard == {"notifications/prompts/list_changed", "notifications/resources/list_changed"}
        assert await lists(wire) == known


async def test_what_was_kept_is_of_the_record_as_it_was_and_of_nobody_else(make_house: MakeHouse) -> None:
    async with make_house() as house, house.http("bob") as http:
        server = await add(house, "rich", LEGACY)
        await lists(await Wire(http, MODERN, "/mcp/rich").open())
        store = house.app.gateway.catalogue.offers
        row = await house.app.records.get(SYSTEM, "mcp_servers", server)
        known = store.of(ServerConfig.of(row))
        assert known is not None and known.capabilities >= {"tools", "prompts", "resources"}
        assert known.lists["prompts"][0]["x-ours"] == {"deep": [1, None, "ä"]}
        each = ServerConfig.of({**row, "transport": "http", "sign_in": "each"})
        assert store.of(each) is None, "a list of somebody's own account"
        await house.app.records.update(SYSTEM, "mcp_servers", server, {"args": ["other"]})
        row = await house.app.records.get(SYSTEM, "mcp_servers", server)
        assert store.of(ServerConfig.of(row)) is None, "another program"
        # Nobody but admins reads them, and they go with the server.
        assert (await http.get("/api/v1/mcp_offers")).status_code == 403
        await house.app.records.delete(SYSTEM, "mcp_servers", server)
        assert await house.app.records.find(SYSTEM, "mcp_offers") == []


@pytest.mark.parametrize("odd", ["\ud800", "\0", "x" * 300_000, 1 << 70])
async def test_what_no_file_takes_is_asked_for_again_and_breaks_nothing(make_house: MakeHouse, odd: Any) -> None:
    async with make_house() as house:
        server = await add(house, "rich", LEGACY)
        config = ServerConfig.of(await house.app.records.get(SYSTEM, "mcp_servers", server))
        store: OfferStore = house.app.gateway.catalogue.offers
        await asyncio.gather(
            store.learned(config, capabilities=["tools", "prompts"]),
            store.learned(config, prompts=[{"name": odd}]),
            store.learned(config, resources=[{"uri": "a://b"}]),
        )
        known = store.of(config)
        assert known is not None and known.capabilities == {"tools", "prompts"}
        assert set(known.lists) == {"resources"}


@pytest.mark.parametrize(
    ("told", "ttl"),
    [([5000], 5.0), ([5000, 2000], 2.0), ([5000, None], None), ([0], None), ([-1], None), ([True], None),
     (["9"], None), ([10**12], 86_400.0), ([], None)],
)  # fmt: skip
def test_a_list_holds_as_long_as_its_page_that_holds_shortest(told: list[Any], ttl: float | None) -> None:
    pages = [{"tools": [{"name": str(number)}, "none"], "ttlMs": one} for number, one in enumerate(told)]
    listing = Listing.of(pages, "tools")
    assert listing.ttl == ttl
    assert [item["name"] for item in listing.items] == [str(number) for number in range(len(told))]


async def test_a_list_is_asked_for_again_when_its_server_says_so_and_not_before(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_house() as house, house.http("bob") as http:
        server = await add(house, "rich", MODERN)
        wire = await Wire(http, MODERN, "/mcp/rich").open()
        assert (await result(wire, "tools/list"))["ttlMs"] < 100, "it says next to nothing"
        upstream = house.app.gateway.gateway._pool._shared[server]
        session = upstream.supervisor.current
        assert session is not None
        asked: list[str] = []
        send = session._send

        async def counted(method: str, *rest: Any) -> dict[str, Any]:
            answer = await send(method, *rest)
            asked.append(method)
            return {**answer, "ttlMs": 30_000}

        monkeypatch.setattr(session, "_send", counted)
        now = upstream._clock()
        monkeypatch.setattr(upstream, "_clock", lambda: now)
        monkeypatch.setattr(upstream._last_list, "_clock", lambda: now)
        for _ in range(3):
            assert 0 < (await result(wire, "prompts/list"))["ttlMs"] <= 30_000
        assert asked == ["prompts/list"]
        await upstream.refresh(5)
        assert (await result(wire, "tools/list"))["ttlMs"] == 30_000
        now += 20
        await result(wire, "tools/list")
        assert (await result(wire, "prompts/list"))["ttlMs"] == 10_000
        assert asked == ["prompts/list", "tools/list"]
        now += 11
        await result(wire, "prompts/list")
        await result(wire, "tools/list")
        assert upstream._refreshing is not None
        await upstream._refreshing
        assert asked == ["prompts/list", "tools/list", "prompts/list", "tools/list"]
        # On the address of all there are tools of ours as well, which may change at any time.
        assert (await result(Wire(http, MODERN), "tools/list"))["ttlMs"] == 0
        # A change that is told ends it at once.
        async with sending(house, wire, "bob", "tools/call", {"name": "grow", "arguments": {}}) as stream:
            await stream.next()
        async with asyncio.timeout(20):
            while asked.count("prompts/list") < 3:
                await result(wire, "prompts/list")
