"""A receiver of webhooks: a real HTTP server on this computer that keeps what it gets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from server.access.actor import SYSTEM
from tests.conftest import Bear, running_bear

NOTES = {"name": "hook", "events": ["notes"]}


class Got(NamedTuple):
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers with `answer` (a whole HTTP status line after the version, and more head lines), 200 at first."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: list[str] = []
        """Used up first, one for each request."""
        self.answer = "200 OK"
        self.text = "thanks"
        self.url = ""
        self._more = asyncio.Event()

    async def wait(self, count: int) -> list[Got]:
        """What came, once there are `count` of them."""
        async with asyncio.timeout(30):
            while len(self.got) < count:
                self._more.clear()
                await self._more.wait()
        return self.got

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.split("\r\n")[1:]
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.got.append(Got(headers, body))
                answer = self.answers.pop(0) if self.answers else self.answer
                text = self.text.encode()
                writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
                self._more.set()
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()


@contextlib.asynccontextmanager
async def at_home(folder: Path, **settings: Any) -> AsyncIterator[Bear]:
    """A server whose webhooks may be sent to this computer."""
    async with running_bear(folder / "data", **{"webhooks_private_addresses": True, **settings}) as bear:
        for person in await bear.app.records.find(SYSTEM, "users"):
            bear.ids[person["username"]] = person["id"]
        await bear.person("ada", "admin")
        yield bear


async def hook(client: httpx2.AsyncClient, url: str, **values: Any) -> dict[str, Any]:
    """A new webhook of whoever `client` is."""
    answer = await client.post("/api/v1/webhooks", json={**NOTES, "url": url, **values})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


async def delivery(bear: Bear, good: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """All deliveries, once they are as wanted."""
    changed = asyncio.Event()
    end = bear.app._bus.subscribe(lambda _event: changed.set(), ("webhook_deliveries",))
    try:
        async with asyncio.timeout(30):
            while True:
                changed.clear()
                rows = await bear.app.records.find(SYSTEM, "webhook_deliveries")
                if good(rows):
                    return rows
                await changed.wait()
    finally:
        end()


def ended(count: int) -> Callable[[list[dict[str, Any]]], bool]:
    """Whether `count` deliveries are there and all have ended."""
    return lambda rows: len(rows) == count and all(row["status"] in ("delivered", "failed") for row in rows)
