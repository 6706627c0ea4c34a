"""The events of a stream are found however it is cut into pieces and whatever ends its lines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.mcp_gateway.upstreams import line_reader
from server.mcp_gateway.upstreams.line_reader import TooLong
from server.mcp_gateway.upstreams.sse_events import Event, events_of

pytestmark = pytest.mark.anyio
STREAM = (
    "event: endpoint\ndata: /messages\n\n: a comment\n\ndata:one\n\nid: 7\nretry: 10\nevent: message\ndata: two\n"
    "data:  lines\n\ndata\n\ndata: ä\n\ndata: no end"
)
EVENTS = [("endpoint", "/messages"), ("message", "one"), ("message", "two\n lines"), ("message", "ä")]


async def read(stream: bytes, size: int) -> list[Event]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(stream), size):
            yield stream[start : start + size]
            yield b""

    return [event async for event in events_of(pieces())]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_each_event_is_found_once(newline: str, size: int) -> None:
    found = await read(STREAM.replace("\n", newline).encode(), size)
    assert [(event.name, event.data) for event in found] == [(name, data.encode()) for name, data in EVENTS]


@pytest.mark.parametrize("size", [1, 50, 10_000])
@pytest.mark.parametrize("long", [b"data: " + b'"id": "gb-7" ' * 50, b'data: "id": "gb-7"\n' * 50])
async def test_an_event_over_the_limit_is_named_and_the_next_is_read(
    monkeypatch: pytest.MonkeyPatch, size: int, long: bytes
) -> None:
    monkeypatch.setattr(line_reader, "MAX_LINE_BYTES", 300)
    before, over, after = await read(b"data: before\n\n" + long + b"\n\ndata: after\n\n", size)
    assert before.data == b"before" and after.data == b"after"
    assert isinstance(over.data, TooLong) and b'"gb-7"' in over.data.head
