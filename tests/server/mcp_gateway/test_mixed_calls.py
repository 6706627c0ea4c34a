"""Many calls at once of both eras to ten servers, one of which fails and dies: each has one reply, its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests_mcp_support import House
from tests_peers_support import free_port, listening
from tests_wire_support import LEGACY, MODERN, Wire, message

pytestmark = [pytest.mark.anyio]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
COUNTING = Path(__file__).with_name("counting_server.py")
CLIENTS = 16


@pytest.mark.parametrize(
    "calls", [pytest.param(1500, marks=pytest.mark.slow), pytest.param(100_000, marks=pytest.mark.soak)]
)
async def test_no_reply_is_lost_or_doubled(make_house: MakeHouse, tmp_path: Path, calls: int) -> None:
    noted = tmp_path / "noted"
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(make_house(mcp_rate_per_minute=1e6, mcp_rate_burst=1_000_000))
        port = free_port()
        program = [sys.executable, str(COUNTING), str(noted)]
        await stack.enter_async_context(listening([*program, "firm", "http", str(port)], port))
        names = [f"web{number}" for number in range(5)] + [f"pipe{number}" for number in range(4)] + ["frail"]
        for name in names:
            url = {"transport": "http", "url": f"http://127.0.0.1:{port}/mcp"} if name.startswith("web") else {}
            kind = "frail" if name == "frail" else "firm"
            command = {"command": program[0], "args": [*program[1:], kind]} if not url else {}
            await house.add(name, visibility="everyone", **url, **command)
        http = await stack.enter_async_context(house.http("bob"))
        assert (await Wire(http, MODERN).ask("tools/list", {})).text.count("__note") == len(names)
        numbers = iter(range(calls))
        told: Counter[str] = Counter()
        failed: Counter[str] = Counter()

        async def client(era: str) -> None:
            wire = await Wire(http, era).open()
            for number in numbers:
                name = names[number % len(names)]
                call = {"name": f"{name}__note", "arguments": {"text": f"call {number}"}}
                reply = message(await wire.ask("tools/call", call, number))
                assert reply["id"] == number
                if "result" in reply and not reply["result"].get("isError"):
                    assert reply["result"]["content"][0]["text"] == f"call {number}"
                    told[f"call {number}"] += 1
                else:
                    assert name == "frail", reply
                    failed[f"call {number}"] += 1

        await asyncio.gather(*(client(era) for era in itertools.islice(itertools.cycle((MODERN, LEGACY)), CLIENTS)))
    written = Counter(noted.read_text().split("\n")[:-1])
    assert len(told) + len(failed) == calls and not told.keys() & failed.keys()
    assert set(told.values()) | set(failed.values()) == {1}
    assert failed and max(written.values()) == 1
    assert told.keys() <= written.keys() <= told.keys() | failed.keys()
