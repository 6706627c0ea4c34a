"""Servers that end at a bad moment: before they count as running, or with many calls under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import psutil
import pytest
from faulty_site import FaultySite
from tests_mcp_support import House
from tests_rich_support import add, result
from tests_wire_support import MODERN, Wire, message

from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.upstream import Upstream

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


def ends_once_listed(monkeypatch: pytest.MonkeyPatch, upstream: Upstream, heard: str, end: Callable[[], None]) -> None:
    """At its next starts it ends when its tools are known; `heard` is what is told of that."""
    watch, gone = upstream.supervisor, asyncio.Event()
    learn, hear = watch._on_open, getattr(watch, heard)

    def told(*what: Any) -> None:
        hear(*what)
        if what in ((), (None,)):
            gone.set()

    async def learned(session: Session) -> None:
        await learn(session)
        end()
        await gone.wait()

    monkeypatch.setattr(watch, heard, told)
    monkeypatch.setattr(watch, "_on_open", learned)


async def test_a_program_that_ends_once_its_tools_are_known_has_not_started(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_house() as house:
        await house.add("up")
        (upstream,) = house.app.gateway.gateway._pool.servers()
        ends_once_listed(
            monkeypatch, upstream, "_child_changed", lambda: psutil.Process(upstream.supervisor.child_pid).kill()
        )
        with pytest.raises(CallFailed, match="could not be started: The program ended with exit code"):
            await upstream.refresh(30)
        assert (await house.state("up"))["state"] == "failed", "the light would say that it runs"


async def test_a_server_that_ends_its_stream_once_its_tools_are_known_has_not_started(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_house() as house, FaultySite().serving() as site:
        await house.add("far", transport="sse", url=f"http://127.0.0.1:{site.port}/sse")
        (upstream,) = house.app.gateway.gateway._pool.servers()
        ends_once_listed(monkeypatch, upstream, "_stream_ended", lambda: site.stream.close() if site.stream else None)
        with pytest.raises(CallFailed, match="closed the connection before it was ready"):
            await upstream.refresh(30)
        assert (await house.state("far"))["state"] == "failed"


async def test_a_program_that_ends_with_many_calls_under_way_has_failed_once(make_house: MakeHouse) -> None:
    async with make_house(mcp_tool_approval=False) as house, house.http("bob") as http:
        await add(house, "rich")
        wire = await Wire(http, MODERN).open()
        await result(wire, "tools/list")
        calls = [asyncio.create_task(wire.call("rich__wait", {"until": "never"})) for _ in range(4)]
        while house.app.gateway.activity.meters.of("rich").in_flight < 4:
            await asyncio.sleep(0)
        (upstream,) = house.app.gateway.gateway._pool.servers()
        while len(upstream.requests._in_flight._flights) < 4:
            await asyncio.sleep(0)
        psutil.Process(upstream.supervisor.child_pid).kill()
        answers = [message(answer) for answer in await asyncio.gather(*calls)]
        assert all("failed during the call" in answer["error"]["message"] for answer in answers), answers
        assert upstream.requests.breaker.state(upstream.now()) == "closed", "it would rest for 30 s"
        assert (await result(wire, "tools/call", name="rich__wait", arguments={}))["content"][0]["text"] == "0"
