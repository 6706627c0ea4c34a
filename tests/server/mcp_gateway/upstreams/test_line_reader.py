"""Lines of a program: whole, in order, and one that is too long ends none of the others."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.mcp_gateway.upstreams import line_reader
from server.mcp_gateway.upstreams.line_calls import LineCalls
from server.mcp_gateway.upstreams.line_reader import TooLong, lines_of
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from tests.server.mcp_gateway.upstreams.test_direct_calls import Pipe, started

pytestmark = pytest.mark.anyio


async def read(*chunks: bytes) -> list[bytes | TooLong]:
    stream = asyncio.StreamReader()
    found: list[bytes | TooLong] = []

    async def collect() -> None:
        found.extend([line async for line in lines_of(stream)])

    task = asyncio.create_task(collect())
    for chunk in chunks:
        stream.feed_data(chunk)
        await asyncio.sleep(0)
    stream.feed_eof()
    await task
    return found


@given(st.lists(st.binary(max_size=12)))
def test_lines_are_the_same_however_they_are_cut_into_pieces(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    wanted = whole.split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    assert asyncio.run(read(*chunks)) == wanted


async def test_a_line_over_the_limit_keeps_its_ends_alone_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_reader, "MAX_LINE_BYTES", 1000)
    first, long, last = await read(b"one\nHEAD", *[b"x" * 400] * 9, b"TAIL\nthree\n")
    assert (first, last) == (b"one", b"three")
    assert isinstance(long, TooLong)
    assert long.head.startswith(b"HEADx") and long.tail.endswith(b"xTAIL")
    assert max(len(long.head), len(long.tail)) <= 256


async def test_many_lines_at_once_leave_others_their_turn() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert len(await read(b"line\n" * 10_000)) == 10_000
    counting.cancel()
    assert turns > 100


@pytest.mark.parametrize("at_the_end", [False, True])
async def test_a_call_whose_answer_is_too_long_is_told_so_and_the_others_wait_on(at_the_end: bool) -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    first, second = [await started(pipe, calls) for _ in range(2)]
    line = TooLong()
    own = b'"id": "%b"' % pipe.lines[0]["id"].encode()
    for part in (b'{"result": {', own + b"}") if at_the_end else (b"{" + own, b"}}"):
        line.see(part)
        line.see(b" " * 300)
    if at_the_end:
        line.see(own + b"}")
    calls.refuse(line)
    with pytest.raises(RequestFailed, match="larger than 64 MB"):
        await first
    assert not second.done()
    calls.close()
    with pytest.raises(RequestFailed):
        await second
