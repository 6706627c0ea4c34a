"""Logs that are stored in batches: a flush is over when all is stored, whoever stores it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from server.access.actor import SYSTEM, Actor
from server.errors import Busy, StorageFull
from server.mcp_gateway.caller import Caller
from server.records.log_buffer import LogBuffer
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio


async def turns(until: Callable[[], bool] = lambda: False) -> None:
    """Let everybody else run, so often that whoever can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)
    while not until():
        await asyncio.sleep(0)


class Shelf:
    """Stores when it may."""

    def __init__(self, *fails: Exception) -> None:
        self.may = asyncio.Event()
        self.stored: list[int] = []
        self.batches: list[int] = []
        self.fails = list(fails)

    async def store(self, batch: list[int]) -> None:
        self.batches.append(len(batch))
        await self.may.wait()
        if self.fails:
            raise self.fails.pop(0)
        self.stored += batch

    def buffer(self, batch: int = 3) -> LogBuffer[int]:
        async def at_once() -> None:
            pass

        return LogBuffer("log of tests", at_once, self.store, batch)


async def test_a_flush_waits_for_the_batch_that_another_one_stores() -> None:
    shelf = Shelf()
    buffer = shelf.buffer()
    buffer.add(1)
    first = asyncio.create_task(buffer.flush())
    await turns(lambda: len(buffer) == 0)
    second = asyncio.create_task(buffer.flush())
    await turns(lambda: True)
    assert not first.done() and not second.done()
    shelf.may.set()
    await second
    assert shelf.stored == [1] and shelf.batches == [1]
    await first


async def test_what_comes_while_a_batch_is_stored_waits_for_the_next_and_makes_no_small_batch() -> None:
    shelf = Shelf()
    buffer = shelf.buffer()
    for number in range(4):
        buffer.add(number)
    flush = asyncio.create_task(buffer.flush())
    await turns(lambda: len(buffer) == 1)
    buffer.add(4)
    shelf.may.set()
    await flush
    assert shelf.stored == [0, 1, 2, 3] and shelf.batches == [3, 1] and len(buffer) == 1
    await buffer.flush()
    assert shelf.stored == [0, 1, 2, 3, 4] and shelf.batches == [3, 1, 1]


async def test_the_end_of_a_log_stores_what_comes_meanwhile_too() -> None:
    shelf = Shelf()
    buffer = shelf.buffer()
    buffer.add(1)
    stop = asyncio.create_task(buffer.stop())
    await turns(lambda: shelf.batches == [1])
    buffer.add(2)
    shelf.may.set()
    await stop
    assert shelf.stored == [1, 2] and len(buffer) == 0


@pytest.mark.parametrize("fails", [Busy("later"), StorageFull("no room")])
async def test_a_batch_that_fails_waits_again_in_front(fails: Exception) -> None:
    shelf = Shelf(fails)
    shelf.may.set()
    buffer = shelf.buffer()
    for number in range(4):
        buffer.add(number)
    with pytest.raises(type(fails)):
        await buffer.flush()
    assert len(buffer) == 4 and shelf.stored == []
    await buffer.flush()
    assert shelf.stored == [0, 1, 2, 3]


async def test_what_waits_or_is_being_stored_at_the_end_is_stored_once() -> None:
    shelf = Shelf()
    buffer = shelf.buffer()
    buffer.start()
    for number in range(4):
        buffer.add(number)
    await turns(lambda: len(buffer) == 1)
    stop = asyncio.create_task(buffer.stop())
    await turns(lambda: True)
    assert not stop.done()
    shelf.may.set()
    await stop
    assert shelf.stored == [0, 1, 2, 3]


async def test_the_end_waits_for_no_entry_that_can_not_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(Busy("stopping"), Busy("stopping"))
    shelf.may.set()
    buffer = shelf.buffer()
    buffer.start()
    buffer.add(1)
    await turns(lambda: len(shelf.batches) == 1)
    await buffer.stop()
    assert shelf.stored == [] and "1 entries of the log of tests could not be kept: stopping" in caplog.text


async def hear_of_a_call(bear: Bear) -> None:
    ada = Actor("token", bear.ids["ada"], "ada", "admin")
    await bear.app.gateway.gateway.call(Caller(actor=ada, client="tests 1"), "records__search_notes", {})


async def hear_of_a_request(bear: Bear) -> None:
    scope = {"path": "/api/v1/notes", "method": "GET", "client": None, "state": {"request_id": "r"}}
    bear.app.requests.heard("rest", scope, 200, 0.001)


LOGS: dict[str, tuple[Callable[[Bear], Any], Callable[[Bear], Coroutine[Any, Any, None]]]] = {
    "tool_calls": (lambda bear: bear.app.gateway.activity.log, hear_of_a_call),
    "requests": (lambda bear: bear.app.requests, hear_of_a_request),
}


@pytest.mark.parametrize("model", LOGS)
async def test_each_log_is_whole_after_a_flush_while_the_writer_was_held_up(tmp_path: Path, model: str) -> None:
    async with running_bear(tmp_path / "data", request_log="everything") as bear:
        await bear.person("ada", "admin")
        find, hear = LOGS[model]
        log, may = find(bear), threading.Event()
        await log.flush()
        held = asyncio.ensure_future(bear.app.records.shelf.store.write(lambda _: may.wait(30), ()))
        try:
            await hear(bear)
            first = asyncio.create_task(log.flush())
            await turns(lambda: len(log._buffer) == 0)
            second = asyncio.create_task(log.flush())
            await turns(lambda: True)
            assert not second.done()
        finally:
            may.set()
        await second
        assert len(await bear.app.records.find(SYSTEM, model)) == 1
        await asyncio.gather(first, held)
