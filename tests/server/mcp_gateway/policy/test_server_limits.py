"""A server's own limit of calls: it holds in place of the common one, is shown, and begins anew with a restart."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests_mcp_support import House
from tests_shifty_support import Shifty, definition, over_http
from tests_wire_support import MODERN, Wire, message

from server.access.actor import Actor
from server.mcp_gateway.call_limits import CallLimits, Limit
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.upstreams.config import ServerConfig

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
OVER = -32001


async def called(http: Any, server: str) -> dict[str, Any]:
    found: dict[str, Any] = message(await Wire(http, MODERN).call(f"{server}__echo", {"text": "x"}))
    return found


async def test_its_own_limit_holds_for_it_alone_and_for_each_person(make_house: MakeHouse, tmp_path: Path) -> None:
    async with (
        contextlib.AsyncExitStack() as stack,
        make_house() as house,
        house.http("bob") as bob,
        house.http("eve") as eve,
        house.session("ann") as ann,
    ):
        url = stack.enter_context(over_http(Shifty(tmp_path, definition("echo"))))
        few = await house.add("few", transport="http", url=url, visibility="everyone", rate_per_minute=1, rate_burst=2)
        await house.add("many", transport="http", url=url, visibility="everyone")
        for _ in range(2):
            assert "result" in await called(bob, "few")
        error = (await called(bob, "few"))["error"]
        assert error["code"] == OVER and "1 calls per minute and person, at most 2 at once" in error["message"]
        assert error["data"]["limit"] == "rate_per_minute" and 0 < error["data"]["retry_after"] <= 60
        assert "result" in await called(bob, "many") and "result" in await called(eve, "few")
        state = await house.state("few", "bob")
        assert state["limit"] == {"per_minute": 1, "burst": 2, "own": True} and state["limit_wait"] > 0
        assert (await house.state("few", "eve"))["limit_wait"] == 0
        assert (await house.state("many", "bob"))["limit"] == {"per_minute": 100, "burst": 100, "own": False}
        assert (await ann.post(f"/api/v1/gateway/{few}/restart")).status_code == 200
        assert (await house.state("few", "bob"))["limit_wait"] == 0 and "result" in await called(bob, "few")


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "many", 10**9])
async def test_what_is_no_limit_is_refused(make_house: MakeHouse, wrong: Any) -> None:
    async with make_house() as house, house.session("ann") as ann:
        number = await house.add("few", transport="http", url="http://127.0.0.1:1/mcp")
        for name in ("rate_per_minute", "rate_burst"):
            answer = await ann.patch(f"/api/v1/mcp_servers/{number}", json={name: wrong})
            assert answer.status_code == 422 and name in answer.json()["fields"], answer.text


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ({}, Limit(100, 100)),
        ({"rate_per_minute": 10}, Limit(10, 10, own=True)),
        ({"rate_per_minute": 1000}, Limit(1000, 100, own=True)),
        ({"rate_burst": 5}, Limit(100, 5, own=True)),
        ({"rate_per_minute": 1000, "rate_burst": 500}, Limit(1000, 500, own=True)),
        # Nobody gives themselves more than all have.
        ({"rate_per_minute": 1000, "rate_burst": 500, "person_id": 2}, Limit(100, 100, own=True)),
        ({"rate_per_minute": 10, "person_id": 2}, Limit(10, 10, own=True)),
    ],
)
async def test_each_half_of_the_limit_stands_for_itself(
    make_house: MakeHouse, row: dict[str, Any], limit: Limit
) -> None:
    async with make_house() as house:
        now = 0.0
        limits = CallLimits(house.app.settings, lambda: now)
        config = ServerConfig.of(
            {"id": 1, "name": "x", "transport": "http", "enabled": True, "visibility": "admins", **row}
        )
        assert limits.of(config) == limit
        bob = Actor(kind="user", user_id=2, username="bob", role="member")
        for _ in range(limit.burst):
            limits.count(bob, "x", config)
        with pytest.raises(CallFailed):
            limits.check(bob, "x", config)
        now = 60 / limit.per_minute + 0.001
        limits.count(bob, "x", config)
