"""When calls go out to a program: at once, or together where it has enough to do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.mcp_gateway.upstreams.line_calls import LineCalls
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from tests.server.mcp_gateway.upstreams.test_direct_calls import Pipe, params, started

pytestmark = pytest.mark.anyio


async def ended(calls: LineCalls, tasks: list[asyncio.Task[dict[str, Any]]]) -> None:
    calls.close()
    assert all(isinstance(error, RequestFailed) for error in await asyncio.gather(*tasks, return_exceptions=True))


async def test_calls_of_one_moment_go_out_in_one_write_however_many() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    tasks = [asyncio.create_task(calls.call("tools/call", params(), None)) for _ in range(20)]
    await pipe.sent.wait()
    assert pipe.writes == [20]
    await ended(calls, tasks)


async def test_a_program_with_little_to_do_is_told_of_each_call_at_once() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    tasks = [await started(pipe, calls) for _ in range(7)]
    assert pipe.writes == [1] * 7
    await ended(calls, tasks)


async def test_a_busy_program_is_told_of_further_calls_by_fours() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    tasks = [await started(pipe, calls) for _ in range(7)]
    for waiting in range(1, 5):
        tasks.append(asyncio.create_task(calls.call("tools/call", params(), None)))
        await asyncio.sleep(0)
        assert len(pipe.lines) == (7 if waiting < 4 else 11)
    assert pipe.writes == [1] * 7 + [4]
    await ended(calls, tasks)


async def test_a_call_of_a_busy_program_that_no_other_follows_goes_out_all_the_same() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    tasks = [await started(pipe, calls) for _ in range(9)]
    assert pipe.writes == [1] * 9
    await ended(calls, tasks)


async def test_a_call_that_is_given_up_while_it_waits_to_go_out_is_told_of_before_it_is_taken_back() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    tasks = [await started(pipe, calls) for _ in range(7)]
    given_up = asyncio.create_task(calls.call("tools/call", params(), None))
    await asyncio.sleep(0)
    given_up.cancel()
    pipe.sent.clear()
    await pipe.sent.wait()
    assert [line["method"] for line in pipe.lines[7:]] == ["tools/call", "notifications/cancelled"]
    await ended(calls, [*tasks])
