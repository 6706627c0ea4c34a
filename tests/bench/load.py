"""A small load generator: keep-alive connections that send one request after the other."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvloop


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of load brought: answers per second, and how long each answer took, in seconds, in order."""

    rate: float
    latencies: list[float]

    def percentile(self, percent: int) -> float:
        """The latency that so many percent of the answers did not exceed."""
        return percentile(self.latencies, percent)


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent of `values` do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


class _Connection(asyncio.Protocol):
    """Asks as soon as it was answered. Parses no more of HTTP than where an answer ends."""

    def __init__(self, requests: Iterator[bytes], end: float, latencies: list[float]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._end = end
        self._latencies = latencies
        self._buffer = b""
        self._missing = 0
        self._sent = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if self._missing == 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            if head[9:10] != b"2":
                self._finish(RuntimeError(self._buffer.decode("utf-8", "replace")[:2000]))
                return
            _, found, length = head.partition(b"\r\ncontent-length: ")
            self._missing = end + 4 + int(length.partition(b"\r\n")[0]) if found else -1
        if self._missing < 0 and not self._buffer.endswith(b"0\r\n\r\n"):
            return
        if len(self._buffer) < self._missing:
            return
        now = time.perf_counter()
        self._latencies.append(now - self._sent)
        self._buffer, self._missing = b"", 0
        if now < self._end:
            self._ask()
        else:
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or ConnectionError("the server closed the connection"))

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def _finish(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)
            self._transport.close()


async def load(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    """Ask for `seconds`; any answer that is not 2xx ends the run with RuntimeError."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    began = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: _Connection(requests, began + seconds, latencies), "127.0.0.1", port
        )
        for _ in range(connections)
    ]  # fmt: skip
    await asyncio.gather(*(protocol.done for _, protocol in made))
    return Load(len(latencies) / (time.perf_counter() - began), latencies)


def run(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    """`load` in an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(load(port, requests, connections, seconds))


def request(method: str, path: str, port: int, token: str, body: bytes = b"") -> bytes:
    """One request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body
