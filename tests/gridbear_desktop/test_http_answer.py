"""Whole answers in one write: to the client the same as uvicorn's own, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gridbear_desktop.http_protocol import PatientProtocol

pytestmark = pytest.mark.anyio

PLAIN = [(b"content-type", b"text/plain"), (b"X-Twice", b"a"), (b"x-twice", b"b")]


def _start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": [*PLAIN, *headers]}


def _body(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


ANSWERS: dict[str, list[dict[str, Any]]] = {
    "/whole": [_start((b"content-length", b"5")), _body(b"hello")],
    "/empty": [_start((b"content-length", b"0"), status=304), _body(b"")],
    "/parts": [_start((b"content-length", b"5")), _body(b"he", more=True), _body(b"llo")],
    "/chunks": [_start(), _body(b"he", more=True), _body(b"llo")],
    "/closing": [_start((b"content-length", b"5"), (b"connection", b"close")), _body(b"hello")],
    "/short": [_start((b"content-length", b"9")), _body(b"hello")],
    "/long": [_start((b"content-length", b"2")), _body(b"hello")],
    "/split": [_start((b"content-length", b"5"), (b"x-evil", b"a\r\nset-cookie: b")), _body(b"hello")],
    "/name": [_start((b"content-length", b"5"), (b"x evil", b"a")), _body(b"hello")],
    "/nothing": [_start((b"content-length", b"5"))],
}


async def app(scope: Any, _receive: Any, send: Any) -> None:
    for message in ANSWERS[scope["path"]]:
        await send(message)


class Writes:
    """Counts what is written to the client."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.written: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))
        self._transport.write(data)


@contextlib.asynccontextmanager
async def _connected(kind: type[HttpToolsProtocol]) -> Any:
    config = uvicorn.Config(app, http=kind, ws="none", lifespan="off", log_config=None)
    state = ServerState()
    bound = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(lambda: kind(config, state, {}), sock=bound)
    reader, writer = await asyncio.open_connection(*bound.getsockname()[:2])
    async with asyncio.timeout(10):
        while not state.connections:
            await asyncio.sleep(0)
    (protocol,) = state.connections
    protocol.transport = writes = Writes(protocol.transport)
    try:
        yield reader, writer, writes
    finally:
        writer.close()
        protocol.transport.abort()
        server.close()
        while state.connections:
            await asyncio.sleep(0)


async def _heard(kind: type[HttpToolsProtocol], requests: bytes) -> tuple[bytes, list[bytes]]:
    async with _connected(kind) as (reader, writer, writes):
        writer.write(requests)
        writer.write_eof()
        text = await asyncio.wait_for(reader.read(), 10)
        return re.sub(rb"date: [^\r]*", b"date: now", text), writes.written


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("uvicorn.error")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.mark.parametrize("path", ANSWERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_client_hears_what_uvicorn_says(path: str, method: str) -> None:
    asked = f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    ours, _ = await _heard(PatientProtocol, asked)
    theirs, _ = await _heard(HttpToolsProtocol, asked)
    if path in ("/split", "/name"):
        assert ours == theirs or (ours.startswith(b"HTTP/1.1 500 ") and theirs == b"")
    elif path in ("/short", "/long", "/nothing"):
        # Nothing of an answer that is never whole, where uvicorn sends its head before it knows.
        assert b"set-cookie" not in ours and theirs.startswith(ours[:15])
    else:
        assert ours == theirs
    assert b"\nset-cookie" not in ours


async def test_a_whole_answer_is_one_write_and_the_connection_serves_on() -> None:
    asked = b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n"
    heard = []
    for kind in (PatientProtocol, HttpToolsProtocol):
        async with _connected(kind) as (reader, writer, writes):
            # Two at once, and one more on the same connection.
            writer.write(asked * 2)
            text = await asyncio.wait_for(reader.readuntil(b"hello"), 10)
            text += await asyncio.wait_for(reader.readuntil(b"hello"), 10)
            writer.write(asked)
            heard.append(text + await asyncio.wait_for(reader.readuntil(b"hello"), 10))
            assert len(writes.written) == (3 if kind is PatientProtocol else 6)
    assert heard[0] == heard[1]


async def test_a_client_that_wants_to_close_is_told_so() -> None:
    asked = b"GET /whole HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await _heard(PatientProtocol, asked))[0] == (await _heard(HttpToolsProtocol, asked))[0]
    asked = b"GET /whole HTTP/1.0\r\nHost: x\r\n\r\n"
    assert (await _heard(PatientProtocol, asked))[0] == (await _heard(HttpToolsProtocol, asked))[0]
