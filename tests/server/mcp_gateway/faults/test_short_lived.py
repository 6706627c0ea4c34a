"""Servers that end between their first list of tools and the moment in which they count as running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import psutil
import pytest
from faulty_site import FaultySite
from tests_mcp_support import House

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
