"""A small load generator: keep-alive connections that send one request after the other."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator


async def requests_per_second(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> float:
    """Answered requests per second; any answer that is not 2xx ends the run with RuntimeError."""
    done = 0
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.perf_counter() < end:
                writer.write(next(requests))
                await _answer(reader)
                done += 1
        finally:
            writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    return done / (time.perf_counter() - began)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if head[9:10] != b"2":
        raise RuntimeError(head.decode("latin-1"))
    if b"content-length: " in head:
        length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        return
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)


def post(path: str, token: str, body: bytes) -> Iterator[bytes]:
    """The same POST for ever."""
    return itertools.repeat(_request("POST", path, token, body))


def cycle(paths: list[str], token: str) -> Iterator[bytes]:
    """GETs of `paths`, round and round."""
    return itertools.cycle([_request("GET", path, token, b"") for path in paths])


def _request(method: str, path: str, token: str, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
