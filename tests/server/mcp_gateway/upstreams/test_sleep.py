"""After a sleep, and on networks that died without a word: the state tells the truth, and the next call works."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import psutil
import pytest
from tests_mcp_support import House, call_text, serving

from server.mcp_gateway.upstreams import life, supervisor
from server.mcp_gateway.upstreams.supervisor import Supervisor

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


def sleep_for_a_night(house: House) -> None:
    house.app.gateway.gateway._pool._around.vigil.wall = lambda: time.time() + 8 * 3600


def supervisor_of(house: House, server: int) -> Supervisor:
    return house.app.gateway.gateway._pool._shared[server].supervisor


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.02)


async def test_after_a_night_with_a_frozen_child_the_state_is_honest_and_the_next_call_works(
    make_house: MakeHouse,
) -> None:
    async with make_house() as house:
        server = await house.add("up")
        async with house.mcp("ann") as client:
            await call_text(client, "up__echo", {"text": "good night"})
            frozen = supervisor_of(house, server).child_pid
            assert frozen is not None
            os.kill(frozen, signal.SIGSTOP)
            assert (await house.state("up"))["state"] == "ready"
            sleep_for_a_night(house)
            assert (await house.state("up"))["state"] == "checking"
            assert await call_text(client, "up__echo", {"text": "good morning"}) == "good morning"
            assert supervisor_of(house, server).child_pid != frozen
            assert not psutil.pid_exists(frozen)
            assert (await house.state("up"))["state"] == "ready"


async def test_however_many_were_frozen_no_call_waits_for_more_than_one_sign_of_life(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert life._SIGN_SECONDS <= 2, "a call is to work within 5 s, with the end of the old child"
    names = ["one", "two", "three", "well"]
    async with make_house() as house, house.mcp("ann") as client:
        watches = {name: supervisor_of(house, await house.add(name)) for name in names}
        await asyncio.gather(*(call_text(client, f"{name}__echo", {"text": name}) for name in names))
        children = {name: watch.child_pid for name, watch in watches.items()}
        for name in names[:3]:
            os.kill(children[name] or 0, signal.SIGSTOP)
        sleep_for_a_night(house)
        assert {watch.state for watch in watches.values()} == {"checking"}
        asked: list[str] = []
        for name, watch in watches.items():
            session = watch.current
            assert session is not None
            ping = session.ping

            async def counted(name: str = name, ping: Callable[[], Awaitable[None]] = ping) -> None:
                asked.append(name)
                await ping()

            monkeypatch.setattr(session, "ping", counted)
        calls = [call_text(client, f"{name}__echo", {"text": name}) for name in names for _ in range(3)]
        assert await asyncio.gather(*calls) == [name for name in names for _ in range(3)]
        assert sorted(asked) == sorted(names), "each is asked once, whoever waits for it"
        assert {name for name, watch in watches.items() if watch.child_pid == children[name]} == {"well"}
        assert {watch.state for watch in watches.values()} == {"ready"}


async def test_after_a_night_a_child_that_is_well_is_kept(make_house: MakeHouse) -> None:
    async with make_house() as house:
        server = await house.add("up")
        async with house.mcp("ann") as client:
            await call_text(client, "up__echo", {"text": "good night"})
            child = supervisor_of(house, server).child_pid
            sleep_for_a_night(house)
            answers = await asyncio.gather(*(call_text(client, "up__echo", {"text": str(n)}) for n in range(5)))
            assert answers == [str(n) for n in range(5)]
            assert supervisor_of(house, server).child_pid == child


async def test_without_a_call_the_watch_itself_finds_out(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.05)
    async with make_house() as house:
        server = await house.add("up")
        async with house.mcp("ann") as client:
            await call_text(client, "up__echo", {"text": "good night"})
            watch = supervisor_of(house, server)
            assert watch.child_pid is not None
            os.kill(watch.child_pid, signal.SIGSTOP)
            sleep_for_a_night(house)
            await until(lambda: watch.state == "stopped" and watch.child_pid is None)
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"


async def test_a_child_that_dies_while_nobody_calls_is_noticed_and_costs_no_call(make_house: MakeHouse) -> None:
    async with make_house() as house:
        server = await house.add("up")
        async with house.mcp("ann") as client:
            await call_text(client, "up__echo", {"text": "hi"})
            watch = supervisor_of(house, server)
            assert watch.child_pid is not None
            os.kill(watch.child_pid, signal.SIGKILL)
            await until(lambda: watch.state == "failed")
            assert await call_text(client, "up__echo", {"text": "again"}) == "again"


class Wire:
    """A stretch of network to `port`: connections over it can go dead without a word."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._alive: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []
        self.opened = 0

    @contextlib.asynccontextmanager
    async def laid(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.die()
            for end in self._ends:
                end.transport.abort()
            await asyncio.gather(*(end.wait_closed() for end in self._ends), return_exceptions=True)

    def die(self) -> None:
        """What is connected now never hears anything again; new connections work."""
        for task in self._alive:
            task.cancel()
        self._alive.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends += (writer, back)
        self._alive |= {asyncio.create_task(_pass(reader, back)), asyncio.create_task(_pass(there, writer))}


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        target.close()


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_a_dead_network_connection_is_noticed_before_a_call_falls_into_it(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setattr(life, "_SILENT_SECONDS", 0.0)
    async with serving(transport) as port:
        wire = Wire(port)
        async with wire.laid() as near, make_house() as house:
            path = "mcp" if transport == "http" else "sse"
            await house.add("far", transport=transport, url=f"http://127.0.0.1:{near}/{path}")
            async with house.mcp("ann") as client:
                assert await call_text(client, "far__echo", {"text": "hi"}) == "hi"
                before = wire.opened
                wire.die()
                assert await call_text(client, "far__echo", {"text": "still here"}) == "still here"
                assert wire.opened > before
                assert (await house.state("far"))["breaker"] == "closed"
