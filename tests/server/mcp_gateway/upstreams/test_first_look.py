"""Answers are taken where they come in, and never before what the server said earlier."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.mcp_gateway.upstreams.first_look import FirstLook
from server.mcp_gateway.upstreams.line_reader import TooLong, lines_of

pytestmark = pytest.mark.anyio
OURS = b"ours"


class Reader:
    """A program's output, and what became of each line: `early` ones were taken where they came in."""

    def __init__(self, slow_turns: int = 0) -> None:
        self.seen: list[bytes] = []
        self.early: list[bytes] = []
        self._stream = asyncio.StreamReader()
        self._look = FirstLook(self._stream, self._take_early)
        self._slow_turns = slow_turns
        self._task = asyncio.create_task(self._read())

    def feed(self, data: bytes) -> None:
        if data and (rest := self._look(data)):
            self._stream.feed_data(rest)

    async def end(self) -> list[bytes]:
        self._stream.feed_eof()
        await self._task
        return self.seen

    def _take_early(self, line: bytes) -> bool:
        if line.startswith(OURS):
            self.early.append(line)
            self.seen.append(line)
            return True
        return False

    async def _read(self) -> None:
        async for line in lines_of(self._look):
            assert not isinstance(line, TooLong)
            if not line.startswith(OURS):
                # Somebody has to take it before the next line is looked at.
                for _ in range(self._slow_turns):
                    await asyncio.sleep(0)
            self.seen.append(line)


def cut(whole: bytes, sizes: Sequence[int]) -> list[bytes]:
    found = []
    for size in sizes:
        found.append(whole[:size])
        whole = whole[size:]
    return [*found, whole]


@given(
    st.lists(st.sampled_from([OURS, OURS + b" and longer", b"a notice", b""]), max_size=12),
    st.lists(st.tuples(st.integers(1, 25), st.integers(0, 4)), max_size=30),
    st.integers(0, 5),
)
def test_no_line_overtakes_another_however_they_come(
    lines: list[bytes], pieces: list[tuple[int, int]], slow_turns: int
) -> None:
    async def run() -> list[bytes]:
        reader = Reader(slow_turns)
        for piece, (_, turns) in zip(
            cut(b"".join(line + b"\n" for line in lines), [size for size, _ in pieces]), [*pieces, (0, 0)], strict=True
        ):
            reader.feed(piece)
            for _ in range(turns):
                await asyncio.sleep(0)
        return await reader.end()

    assert asyncio.run(run()) == lines


async def test_answers_that_come_while_nothing_waits_are_taken_at_once() -> None:
    reader = Reader()
    await asyncio.sleep(0)
    reader.feed(b"ours 1\nours 2\n")
    assert reader.early == [b"ours 1", b"ours 2"], "no turn of the loop was needed"
    reader.feed(b"ours 3\na notice\nours 4\n")
    assert reader.early == [b"ours 1", b"ours 2", b"ours 3"], "the fourth comes after the notice"
    assert await reader.end() == [b"ours 1", b"ours 2", b"ours 3", b"a notice", b"ours 4"]


async def test_half_a_line_is_left_to_the_reader_until_it_is_whole() -> None:
    reader = Reader()
    await asyncio.sleep(0)
    for piece in (b"ours", b" 1\nours 2\n"):
        reader.feed(piece)
        await asyncio.sleep(0)
    assert reader.early == []
    await asyncio.sleep(0)
    reader.feed(b"ours 3\n")
    assert reader.early == [b"ours 3"]
    assert await reader.end() == [b"ours 1", b"ours 2", b"ours 3"]


async def test_a_flood_of_answers_leaves_others_their_turn() -> None:
    reader = Reader()
    await asyncio.sleep(0)
    reader.feed(b"ours\n" * 1000)
    assert reader.early == []
    assert await reader.end() == [OURS] * 1000
