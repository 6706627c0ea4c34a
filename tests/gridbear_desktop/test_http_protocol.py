"""Clients that are slow, silent, endless or not done: real sockets, a clock that is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gridbear_desktop import http_protocol
from gridbear_desktop.http_protocol import PatientProtocol, close_overdue
from server.asgi.hang_up import on_hang_up
from server.certificates import client_context, self_made_certificate

pytestmark = pytest.mark.anyio

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEAD = b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, unless the address is /unread; answers with its size, or at /header with the header x."""
    if scope["path"] == "/header":
        body = dict(scope["headers"])[b"x"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})
        return
    if scope["path"] == "/hang_up":
        await _wait_for_the_end(scope, receive)
        return
    size = 0
    if scope["path"] != "/unread":
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            more = message["more_body"]
    body = b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


_heard: list[str] = []
"""What /hang_up was told, in order."""


async def _wait_for_the_end(scope: Any, receive: Any) -> None:
    while (await receive())["more_body"]:
        pass
    ended = asyncio.Event()
    stop = on_hang_up(scope, receive, lambda: _heard.append("stopped"))
    on_hang_up(scope, receive, ended.set)
    stop()
    _heard.append("waits")
    await ended.wait()
    # It is over already: that is told too, and not from inside.
    again: list[int] = []
    stop = on_hang_up(scope, receive, lambda: again.append(1))
    assert not again
    while not again:
        await asyncio.sleep(0)
    stop()
    _heard.append("ended")


class Served:
    def __init__(
        self,
        state: ServerState,
        address: tuple[str, int],
        stack: contextlib.AsyncExitStack,
        trust: ssl.SSLContext | None,
    ) -> None:
        self.state = state
        self._address = address
        self._stack = stack
        self._trust = trust

    async def connect(self) -> Streams:
        # The server's side is made before anything is sent on it.
        known = len(self.state.connections)
        reader, writer = await asyncio.open_connection(*self._address, ssl=self._trust)
        self._stack.callback(writer.close)
        await until(lambda: len(self.state.connections) > known)
        return reader, writer

    def later(self, seconds: float) -> None:
        """What the sweep does `seconds` from now."""
        close_overdue(self.state.connections, asyncio.get_running_loop().time() + seconds)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


@pytest.fixture(params=["http", "https"])
async def served(anyio_backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    config = uvicorn.Config(app, http=PatientProtocol, ws="none", lifespan="off", log_config=None)
    state = ServerState()
    bound = socket.create_server(("127.0.0.1", 0))
    secured = trust = None
    if request.param == "https":
        certificate = self_made_certificate(tmp_path, "127.0.0.1")
        secured, trust = certificate.server_context(), client_context(certificate.certificate_file)
    server = await asyncio.get_running_loop().create_server(
        lambda: PatientProtocol(config, state, {}), sock=bound, ssl=secured
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(server.close)
        yield Served(state, bound.getsockname()[:2], stack, trust)
        for connection in tuple(state.connections):
            connection.transport.abort()
        await until(lambda: not state.connections)


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split(b" ")[1]), await reader.readexactly(length)


async def assert_cut_off(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            assert await reader.read() == b""


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nX: slow"])
async def test_a_head_that_is_not_complete_in_ten_seconds_is_cut_off(served: Served, sent: bytes) -> None:
    reader, writer = await served.connect()
    writer.write(sent)
    [connection] = served.state.connections
    if sent:
        await until(lambda: connection._head_bytes > 0)
    served.later(9)
    assert not connection.transport.is_closing()
    served.later(11)
    await assert_cut_off(reader)


async def test_a_head_that_dribbles_in_does_not_gain_time(served: Served) -> None:
    reader, writer = await served.connect()
    [connection] = served.state.connections
    began = None
    for byte in b"GET / HTTP/1.1\r\n":
        seen = connection._head_bytes
        writer.write(bytes([byte]))
        await until(lambda seen=seen: connection._head_bytes > seen)
        began = began or connection._since
    assert connection._since == began
    served.later(11)
    await assert_cut_off(reader)


async def test_a_body_that_stalls_is_cut_off_after_thirty_seconds(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(HEAD % (b"", 10) + b"\r\nabc")
    [connection] = served.state.connections
    await until(lambda: connection.cycle is not None)
    served.later(29)
    assert not connection.transport.is_closing()
    served.later(31)
    await assert_cut_off(reader)


async def test_a_slow_answer_is_not_the_clients_fault(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(HEAD % (b"", 3) + b"\r\nabc")
    assert await answer_of(reader) == (200, b"3")
    served.later(3600)
    writer.write(HEAD % (b"", 2) + b"\r\nab")
    assert await answer_of(reader) == (200, b"2")


@pytest.mark.parametrize("header", [b"X: " + b"a" * 70_000, b"".join(b"X-%d: a\r\n" % n for n in range(10_000))])
async def test_a_huge_head_is_refused_in_the_usual_shape(served: Served, header: bytes) -> None:
    reader, writer = await served.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + header)
    status, body = await answer_of(reader)
    assert status == 431 and json.loads(body)["code"] == "head_too_large"
    await assert_cut_off(reader)


async def test_nonsense_is_refused_in_the_usual_shape(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(b"\x16\x03\x01 no http\r\n\r\n")
    status, body = await answer_of(reader)
    assert status == 400 and json.loads(body)["code"] == "bad_request"


@pytest.mark.parametrize("closes", [False, True])
async def test_an_early_answer_survives_a_body_that_is_still_coming(served: Served, closes: bool) -> None:
    reader, writer = await served.connect()
    size = 4 << 20
    writer.write(HEAD % (b"unread", size) + (b"Connection: close\r\n\r\n" if closes else b"\r\n"))
    for _ in range(size >> 16):
        writer.write(b"x" * (1 << 16))
        await writer.drain()
    assert await answer_of(reader) == (200, b"0")
    if closes:
        await assert_cut_off(reader)
    else:
        writer.write(HEAD % (b"", 2) + b"\r\nab")
        assert await answer_of(reader) == (200, b"2")


async def test_what_is_thrown_away_has_an_end_in_time(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(HEAD % (b"unread", 1 << 20) + b"\r\nabc")
    assert await answer_of(reader) == (200, b"0")
    served.later(6)
    await assert_cut_off(reader)


async def test_what_is_thrown_away_has_an_end_in_bytes(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "UNREAD_BYTES", 1000)
    reader, writer = await served.connect()
    writer.write(HEAD % (b"unread", 1 << 20) + b"\r\n")
    assert await answer_of(reader) == (200, b"0")
    writer.write(b"x" * 2000)
    await assert_cut_off(reader)


@pytest.mark.parametrize("sent", [b"a  b", b"  a  b", b"a  b \t ", b" \ta  b  "])
async def test_blanks_around_a_headers_value_are_no_part_of_it(served: Served, sent: bytes) -> None:
    reader, writer = await served.connect()
    writer.write(b"GET /header HTTP/1.1\r\nHost: x\r\nX:%b\r\n\r\n" % sent)
    assert await answer_of(reader) == (200, b"a  b")


@pytest.mark.parametrize("length", [1, 1 << 20])
async def test_the_end_of_a_connection_is_told_to_who_watches_for_it(served: Served, length: int) -> None:
    _heard.clear()
    _reader, writer = await served.connect()
    # More than the server reads ahead: at the end of the body it has stopped reading.
    writer.write(HEAD % (b"hang_up", length) + b"\r\n" + b"x" * length)
    await until(lambda: _heard)
    writer.close()
    await until(lambda: len(_heard) > 1)
    # Who watches no more is told nothing.
    assert _heard == ["waits", "ended"]
