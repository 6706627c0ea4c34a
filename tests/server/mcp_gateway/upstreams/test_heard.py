"""What a server says by itself, and a client that does not listen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests_mcp_support import House

from server.access.actor import SYSTEM
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.upstreams.heard import LOG_MESSAGE, Heard
from server.mcp_gateway.upstreams.in_flight import InFlight
from server.mcp_gateway.upstreams.notices import Notices, OwnNotices

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


@contextlib.asynccontextmanager
async def slow_client(make_house: MakeHouse) -> AsyncIterator[tuple[Heard, list[Any], asyncio.Event]]:
    """What a server says while a call of a client is on its way, what the client has read, and when it reads."""
    said, reads = list[Any](), asyncio.Event()

    async def tell(_method: str, params: Mapping[str, Any] | None) -> None:
        await reads.wait()
        said.append(params)

    async with make_house() as house:
        server = await house.add("bad", transport="http", url="http://127.0.0.1:9/mcp")
        upstream = house.app.gateway.gateway._pool.of_id(server)
        assert upstream is not None
        flights = InFlight()
        heard = Heard(
            OwnNotices(Notices(), upstream),
            upstream.introduction,
            upstream.folders,
            flights,
            upstream.watched,
            relist=lambda: None,
            is_personal=False,
        )
        with flights.one(Caller(actor=SYSTEM, log_level="debug", tell=tell), 60):
            yield heard, said, reads


async def test_a_flood_of_messages_for_a_client_that_does_not_read_has_an_end(make_house: MakeHouse) -> None:
    async with slow_client(make_house) as (heard, said, reads):
        for number in range(5000):
            heard.notice(LOG_MESSAGE, {"level": "info", "data": number}, None)
        assert len(asyncio.all_tasks()) < 2000
        reads.set()
        async with asyncio.timeout(10):
            while heard._telling:
                await asyncio.sleep(0)
        heard.notice(LOG_MESSAGE, {"level": "info", "data": "after"}, None)
        async with asyncio.timeout(10):
            while said[-1]["data"] != "after":
                await asyncio.sleep(0)
        assert len(said) == 1001


async def test_large_messages_for_a_client_that_does_not_read_have_an_end_sooner(make_house: MakeHouse) -> None:
    async with slow_client(make_house) as (heard, said, reads):
        large, largest = "x" * (4 << 20), "x" * (20 << 20)
        for text in [*[large] * 10, largest]:
            heard.notice(LOG_MESSAGE, {"level": "info", "data": text}, None)
        reads.set()
        async with asyncio.timeout(10):
            while heard._telling:
                await asyncio.sleep(0)
        assert len(said) == 3
        heard.notice(LOG_MESSAGE, {"level": "info", "data": largest}, None)
        async with asyncio.timeout(10):
            while heard._telling:
                await asyncio.sleep(0)
        assert said[-1]["data"] == largest
