"""A bad MCP server over HTTP, on a socket of this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from faulty_answers import CLOSE, DIE, FaultyServer

STREAMED = frozenset(("flood", "unknown", "odd", "twice", "garbage", "change"))
"""Calls that are answered by a stream of events; the others by one body."""


class FaultySite:
    """`session` is the one it knows; any other is 404. `status` in place of 200 for every request."""

    def __init__(self) -> None:
        self.server = FaultyServer()
        self.port = 0
        self.session = "first"
        self.status: int | None = None
        self.calls: list[str] = []
        self.waiting, self.go_on = asyncio.Event(), asyncio.Event()
        """Of calls of `wait` and `forbidden`, which is answered 401: one has come; all may be answered."""
        self.waits = 0
        self.endpoint: str | None = None
        """Where it wants messages sent, in place of its own address."""
        self.stream: asyncio.StreamWriter | None = None
        """Of the older transport: on which all answers go, whoever asked."""
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[FaultySite]:
        listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listener.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await listener.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # (a cancelled task would be reported by the stream's own callback)
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        headers = dict(row.lower().split(": ", 1) for row in head.split("\r\n")[1:] if ": " in row)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if self.status is not None:
            return await reply(writer, self.status, b"")
        if path.startswith("/sse"):
            return await self._stream(reader, writer)
        if path.startswith("/messages"):
            return await self._take(writer, path, json.loads(body))
        if method != "POST":
            return await reply(writer, 405, b"")
        message: dict[str, Any] = json.loads(body)
        asked = message.get("method", "")
        if asked == "server/discover":
            return await reply(writer, 400, b"")
        if asked != "initialize" and headers.get("mcp-session-id") != self.session:
            return await reply(writer, 404, b"")
        if "id" not in message:
            return await reply(writer, 202, b"")
        name = message.get("params", {}).get("name", "") if asked == "tools/call" else ""
        if name:
            self.calls.append(name)
        if name == "forbidden":
            await self._wait()
            return await reply(writer, 401, b"")
        return await self._say(writer, message, name)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.stream = writer
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        endpoint = self.endpoint or f"/messages?session={self.session}"
        writer.write(f"event: endpoint\r\ndata: {endpoint}\r\n\r\n".encode())
        await reader.read()
        return False

    async def _take(self, writer: asyncio.StreamWriter, path: str, message: dict[str, Any]) -> bool:
        if not path.endswith(f"={self.session}"):
            return await reply(writer, 404, b"")
        await reply(writer, 202, b"")
        if message.get("method") == "tools/call":
            self.calls.append(message["params"]["name"])
        assert self.stream is not None
        for answer in self.server.answer(message):
            if answer in (DIE, CLOSE):
                self.stream.close()
                break
            self.stream.write(b": a comment\nevent: message\ndata: " + answer + b"\n\n")
            await self.stream.drain()
        return True

    async def _say(self, writer: asyncio.StreamWriter, message: dict[str, Any], name: str) -> bool:
        answers = self.server.answer(message)
        if name == "wait":
            await self._wait()
        if name in STREAMED:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            for answer in answers:
                writer.write(b"data: " + answer + b"\n\n")
                await writer.drain()
            return False
        found = next(answers, CLOSE)
        if found == DIE:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
            return False
        if found == CLOSE:
            await asyncio.get_running_loop().create_future()
        session = f"Mcp-Session-Id: {self.session}\r\n" if message["method"] == "initialize" else ""
        return await reply(writer, 200, found, session)

    async def _wait(self) -> None:
        self.waits += 1
        self.waiting.set()
        await self.go_on.wait()


async def reply(writer: asyncio.StreamWriter, status: int, body: bytes, more: str = "") -> bool:
    head = f"HTTP/1.1 {status} So\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True
