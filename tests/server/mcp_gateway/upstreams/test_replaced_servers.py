"""A server that ends, or is another one, while somebody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests_shifty_support import Shifty, definition

from server.access.actor import OWNER, SYSTEM, Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.upstreams import supervisor
from server.mcp_gateway.upstreams.opening import load_open_session
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.upstream import Upstream
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
Change = Callable[[], Awaitable[None]]


async def used(bear: Bear, folder: Path) -> tuple[Gateway, Upstream]:
    """A server, `up`, that everybody may use, and that runs."""
    await bear.app.records.create(SYSTEM, "settings", {"name": "mcp_tool_approval", "value": "false"})
    row = {"name": "up", "transport": "stdio", "visibility": "everyone", **Shifty(folder, definition("look")).command}
    number = (await bear.app.records.create(SYSTEM, "mcp_servers", row))["id"]
    gateway = bear.app.gateway.gateway
    upstream = gateway._pool.of_id(number)
    assert upstream is not None
    await upstream.refresh(30)
    return gateway, upstream


def changing(bear: Bear, upstream: Upstream, **values: Any) -> Change:
    """Change its record, and return when that is in force."""

    async def change() -> None:
        await bear.app.records.update(SYSTEM, "mcp_servers", upstream.config.id, values)
        pool = bear.app.gateway.gateway._pool
        while pool._reloads:
            for reload in list(pool._reloads):
                await reload

    return change


def program_of(bear: Bear) -> Caller:
    """A program of a member."""
    person, scopes = bear.ids["max"], frozenset({"mcp"})
    return Caller(
        actor=Actor(kind="token", user_id=person, username="max", role="member", scopes=scopes, credential_id=7)
    )


@pytest.mark.parametrize("values", [{"enabled": False}, {"visibility": "admins"}], ids=["off", "for admins"])
async def test_a_call_that_waited_does_not_start_a_server_that_was_taken_away_meanwhile(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    gateway, upstream = await used(bear, tmp_path)
    change, turn = changing(bear, upstream, **values), upstream.requests._in_flight.turn

    async def meanwhile(*waiting: Any) -> None:
        await change()
        await turn(*waiting)

    monkeypatch.setattr(upstream.requests._in_flight, "turn", meanwhile)
    with pytest.raises(CallFailed, match="call again"):
        await gateway.call(program_of(bear), "up__look", {})
    assert upstream.supervisor.child_pid is None and upstream not in gateway._pool.connections()


async def test_a_restart_that_is_overtaken_starts_nothing_that_nobody_would_end(
    bear: Bear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, upstream = await used(bear, tmp_path)
    change, stop = changing(bear, upstream, enabled=False), upstream.stop

    async def overtaken() -> None:
        monkeypatch.setattr(upstream, "stop", stop)
        await stop()
        await change()

    monkeypatch.setattr(upstream, "stop", overtaken)
    await bear.app.gateway.server_desk.restart(OWNER, upstream.config.id)
    assert upstream.supervisor.child_pid is None and upstream not in gateway._pool.connections()


class Ends:
    """The ends of sessions: each waits for `go_on`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.opened = 0
        self._open_session = load_open_session()
        monkeypatch.setattr(supervisor, "load_open_session", lambda: self._slow_to_end)

    @contextlib.asynccontextmanager
    async def _slow_to_end(self, *given: Any, **named: Any) -> AsyncIterator[Session]:
        self.opened += 1
        async with self._open_session(*given, **named) as session:
            yield session
        self.begun.set()
        await self.go_on.wait()


async def called_at_its_end(
    bear: Bear, folder: Path, ends: Ends
) -> tuple[Upstream, asyncio.Task[dict[str, Any]], list[str]]:
    """A server that ends for being idle, a call that came meanwhile, and the states that are seen from now on."""
    gateway, upstream = await used(bear, folder)
    watch, states = upstream.supervisor, list[str]()
    changed = watch._on_changed

    def seen() -> None:
        states.append(watch.state)
        changed()

    watch._on_changed = seen
    watch._finish()  # as after its idle time
    await ends.begun.wait()
    call = asyncio.create_task(gateway.call(program_of(bear), "up__look", {}))
    while watch.state != "starting":
        await asyncio.sleep(0)
    return upstream, call, states


async def test_a_call_that_comes_while_an_idle_server_ends_makes_no_failure_of_that_end(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = Ends(monkeypatch)
    _, call, states = await called_at_its_end(bear, tmp_path, ends)
    ends.go_on.set()
    assert (await call)["content"][0]["text"] == "called look"
    assert "failed" not in states, "its tools would have been gone from all lists for that moment"
    assert states[-1] == "ready"


async def test_a_start_that_waits_for_the_end_of_the_one_before_is_not_made_when_it_is_stopped_meanwhile(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = Ends(monkeypatch)
    upstream, call, _ = await called_at_its_end(bear, tmp_path, ends)
    stop = asyncio.create_task(upstream.stop())
    await asyncio.sleep(0)
    ends.go_on.set()
    await stop
    with pytest.raises(CallFailed, match="was stopped"):
        await call
    assert ends.opened == 1 and upstream.state == "stopped"
