"""Clients that ask for another protocol: they get their answer over this one, and the log is not theirs to fill."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from gridbear_desktop import http_protocol
from tests.gridbear_desktop.test_http_protocol import HEAD, Served, answer_of, assert_cut_off, served, until

pytestmark = pytest.mark.anyio
__all__ = ["served"]

H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
PLAIN = HEAD % (b"", 2) + b"\r\nab"


async def test_a_body_comes_with_a_request_that_asks_for_another_http(served: Served) -> None:
    """Java's HttpClient asks for h2c with the first request of a connection, whatever that is."""
    for pieces in ([b"abc"], [b"", b"abc"], [b"", b"a", b"bc"], [b"abc" + PLAIN]):
        reader, writer = await served.connect()
        for piece in [HEAD % (b"", 3) + H2C + b"\r\n" + pieces[0], *pieces[1:]]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        assert await answer_of(reader) == (200, b"3")
        if pieces[0].endswith(PLAIN):
            assert await answer_of(reader) == (200, b"2")
        writer.write(PLAIN)
        assert await answer_of(reader) == (200, b"2")


async def test_a_chunked_body_comes_too_and_headers_stay_what_they_are(served: Served) -> None:
    reader, writer = await served.connect()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + H2C
    writer.write(head + b"\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert await answer_of(reader) == (200, b"5")
    writer.write(b"GET /header HTTP/1.1\r\nHost: x\r\nX: \xc3\xa9 Upgrade: h2c\r\n" + H2C + b"\r\n")
    assert await answer_of(reader) == (200, b"\xc3\xa9 Upgrade: h2c")


async def test_many_such_requests_in_one_piece_are_all_answered(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write((HEAD % (b"", 2) + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\nab") * 1500)
    for _ in range(1500):
        assert await answer_of(reader) == (200, b"2")


async def test_who_wants_to_close_is_closed_all_the_same(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(HEAD % (b"", 2) + b"Connection: upgrade, close\r\nUpgrade: h2c\r\n\r\nab")
    assert await answer_of(reader) == (200, b"2")
    await assert_cut_off(reader)


async def test_a_websocket_is_refused_in_the_usual_shape(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + WEBSOCKET + b"\r\n")
    status, body = await answer_of(reader)
    assert (status, json.loads(body)["code"]) == (400, "no_websocket")
    await assert_cut_off(reader)


async def test_nobody_fills_the_log_with_what_is_no_request(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "_refusals", http_protocol.Refusals(clock=lambda: 7.0))
    with caplog.at_level(logging.DEBUG):
        for sent in (b"GET / HTTP/1.1\r\nHost: x\r\n" + WEBSOCKET + b"\r\n", b"\x16\x03\x01 no http\r\n\r\n") * 3:
            reader, writer = await served.connect()
            writer.write(sent)
            assert (await answer_of(reader))[0] == 400
            await assert_cut_off(reader)
            await until(lambda: not served.state.connections)
        reader, writer = await served.connect()
        writer.write(HEAD % (b"", 2) + H2C + b"\r\nab")
        assert await answer_of(reader) == (200, b"2")
    told = [record for record in caplog.records if record.name.startswith(("uvicorn", "gridbear_desktop.http"))]
    assert [record.levelno for record in told] == [logging.INFO]


def test_what_was_not_told_is_counted_in_the_next_line(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    refusals = http_protocol.Refusals(clock=lambda: now[0])
    with caplog.at_level(logging.INFO):
        for _ in range(4):
            refusals.tell("a WebSocket", ("127.0.0.1", 7))
        now[0] = 61.0
        refusals.tell("a WebSocket", None)
    assert [record.getMessage() for record in caplog.records] == [
        "refused a WebSocket from 127.0.0.1",
        "refused a WebSocket from nobody known; 3 others since the last line",
    ]
