"""A server that fails rests, by a clock of the test's own: what callers are told, and every way out of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests_wire_support import LEGACY, MODERN, Wire, message

from server.access.actor import SYSTEM, Actor
from server.limits.circuit_breaker import FailureKind
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CIRCUIT_OPEN, CallFailed
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.supervisor import Supervisor
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
TINY = Path(__file__).parent.parent / "tiny_server.py"


class Line:
    """The connection to a server, as bad as the test wants."""

    def __init__(self) -> None:
        self.fails: FailureKind | None = None
        self.error: RequestFailed | None = None
        self.hangs = False
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()
        self.calls = 0

    async def request(self, *_given: Any) -> dict[str, Any]:
        self.calls += 1
        self.asked.set()
        if self.hangs:
            await self.let_go.wait()
        if self.error is not None:
            raise self.error
        if self.fails is not None:
            raise RequestFailed(-32000, "it broke", None, self.fails)
        return {"content": [{"type": "text", "text": "hi"}]}


class Rest:
    """A server that was listed once, on such a line and with such a clock."""

    def __init__(self, bear: Bear, number: int) -> None:
        upstream = bear.app.gateway.gateway._pool.of_id(number)
        assert upstream is not None
        self.bear, self.number, self.now, self.line, self.upstream = bear, number, 1000.0, Line(), upstream
        self.actor = Actor(kind="token", user_id=bear.ids["ada"], username="ada", role="admin")

    async def call(self) -> float | str:
        """What a call comes to: its text, or the seconds to wait for a server that rests, or `failed`."""
        try:
            result = await self.bear.app.gateway.gateway.call(Caller(actor=self.actor), "tiny__echo", {})
        except CallFailed as error:
            if error.code != CIRCUIT_OPEN:
                return "failed"
            assert error.data["limit"] == "circuit_breaker"
            return float(error.data["retry_after"])
        return str(result["content"][0]["text"])

    async def opened(self) -> None:
        """Let it fail until it rests."""
        self.line.fails = "transport"
        assert [await self.call() for _ in range(3)] == ["failed"] * 3
        self.line.fails = None

    @property
    def state(self) -> str:
        return self.upstream.requests.breaker.state(self.now)


@pytest.fixture
async def rest(bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rest]:
    row = {"name": "tiny", "transport": "stdio", "command": sys.executable, "args": [str(TINY)]}
    number = int((await bear.app.records.create(SYSTEM, "mcp_servers", row))["id"])
    assert len((await admin.get(f"/api/v1/gateway/{number}/tools")).json()["data"]) == 1
    rest = Rest(bear, number)
    monkeypatch.setattr(Supervisor, "ready", property(lambda _: rest.line))
    for owner in (bear.app.gateway.gateway, rest.upstream, rest.upstream.requests):
        monkeypatch.setattr(owner, "_clock", lambda: rest.now)
    yield rest


async def test_while_it_rests_nothing_reaches_it_and_everybody_is_told_for_how_long(
    rest: Rest, admin: httpx2.AsyncClient
) -> None:
    await rest.opened()
    called = rest.line.calls
    rest.now += 10
    assert await rest.call() == 20.0 and rest.state == "open"
    for era in (MODERN, LEGACY):
        wire = await Wire(admin, era).open()
        error = message(await wire.call("tiny__echo"))["error"]
        assert error["code"] == CIRCUIT_OPEN and error["data"]["retry_after"] == 20.0 and "20 s" in error["message"]
        given = {"tool_name": "tiny__echo", "arguments": {}}
        for builtin in ("execute_discovered_tool", "async_run_tool"):
            assert message(await wire.call(builtin, given))["error"]["data"]["retry_after"] == 20.0
    answer = await admin.post("/api/v1/gateway/call", json={"tool": "tiny__echo"})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "20"
    [shown] = (await admin.get("/api/v1/gateway")).json()["data"]["servers"]
    assert (shown["breaker"], shown["retry_after"]) == ("open", 20.0)
    assert rest.line.calls == called


async def test_after_the_rest_one_call_goes_first_and_its_success_lets_all_through(rest: Rest) -> None:
    await rest.opened()
    rest.now += 30
    assert rest.state == "half_open"
    rest.line.hangs = True
    probe = asyncio.create_task(rest.call())
    rest.line.asked.clear()
    await rest.line.asked.wait()
    rest.now += 1
    assert await rest.call() == 89.0, "the others wait for the one that went first"
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    rest.line.hangs = False
    # The client took it back: its place is free at once.
    assert await rest.call() == "hi" and rest.state == "closed"
    assert await asyncio.gather(*(rest.call() for _ in range(5))) == ["hi"] * 5


async def test_a_probe_that_fails_makes_it_rest_again(rest: Rest) -> None:
    await rest.opened()
    kinds: tuple[FailureKind, ...] = ("transport", "slow")
    for kind in kinds:
        rest.now += 30
        rest.line.fails = kind
        assert await rest.call() == "failed" and rest.state == "open"
        assert await rest.call() == 30.0


async def test_a_probe_that_never_answers_gives_its_lease_back(rest: Rest) -> None:
    await rest.opened()
    rest.now += 30
    rest.line.hangs = True
    rest.line.asked.clear()
    lost = asyncio.create_task(rest.call())
    await rest.line.asked.wait()
    rest.now += 89
    assert await rest.call() == 1.0
    rest.now += 1
    rest.line.hangs = False
    assert await rest.call() == "hi" and rest.state == "closed"
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)
    assert rest.state == "closed", "the lost one has no say any more"


async def test_what_a_server_answers_never_makes_it_rest(rest: Rest) -> None:
    rest.line.error = RequestFailed(-32602, "wrong arguments")
    assert [await rest.call() for _ in range(20)] == ["failed"] * 20
    assert rest.state == "closed"
    rest.line.error, rest.line.fails = None, "slow"
    assert [await rest.call() for _ in range(10)] == ["failed"] * 10
    assert rest.state == "open" and await rest.call() == 30.0


async def test_an_admin_who_restarts_it_ends_the_rest(rest: Rest, admin: httpx2.AsyncClient) -> None:
    await rest.opened()
    assert (await admin.post(f"/api/v1/gateway/{rest.number}/restart")).status_code == 200
    assert rest.state == "closed" and await rest.call() == "hi"


async def test_a_resting_server_holds_up_no_other_and_asks_nobody(rest: Rest, bear: Bear) -> None:
    await bear.app.records.create(
        SYSTEM, "mcp_rules", {"subject": "everyone", "effect": "ask", "own_server": "records"}
    )
    await rest.opened()
    with pytest.raises(CallFailed) as other:
        await bear.app.gateway.gateway.call(Caller(actor=rest.actor), "records__search_notes", {})
    assert other.value.data["state"] == "pending"
    await bear.app.records.create(
        SYSTEM, "mcp_rules", {"subject": "everyone", "effect": "ask", "server_id": rest.number}
    )
    assert await rest.call() == 30.0
    approvals = await bear.app.records.find(SYSTEM, "mcp_approvals")
    assert [row["server"] for row in approvals] == ["records"], "a call that can't be made now is no question"


@pytest.mark.parametrize("fails", [True, False])
async def test_a_probe_that_was_out_when_an_admin_restarted_it_has_no_say_in_how_it_is_since(
    rest: Rest, admin: httpx2.AsyncClient, fails: bool
) -> None:
    await rest.opened()
    rest.now += 30
    probe = _hanging(rest)
    await rest.line.asked.wait()
    rest.line.hangs = False
    assert (await admin.post(f"/api/v1/gateway/{rest.number}/restart")).status_code == 200
    if fails:
        rest.line.fails = "transport"
        assert [await rest.call() for _ in range(2)] == ["failed"] * 2
        rest.line.let_go.set()
        assert await probe == "failed" and rest.state == "closed", "two of three failed since"
        assert await rest.call() == "failed" and rest.state == "open"
        return
    await rest.opened()
    rest.now += 30
    second = _hanging(rest)
    await rest.line.asked.wait()
    rest.line.hangs = False
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert rest.state == "half_open" and await rest.call() == 90.0, "the probe of now is still out"
    rest.line.let_go.set()
    assert await second == "hi" and rest.state == "closed"


def _hanging(rest: Rest) -> asyncio.Task[float | str]:
    rest.line.hangs = True
    rest.line.asked.clear()
    return asyncio.create_task(rest.call())
