"""One running application, and the official MCP client to talk to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from server.access.actor import SYSTEM
from server.app import GridBearApp

UPSTREAM = Path(__file__).with_name("upstream_server.py")
PASSWORD = "long enough, really"
ERAS = ("legacy", "2026-07-28")


@dataclass
class House:
    """One running application with an admin (ann), a member (bob) and a guest (eve), and their tokens."""

    app: GridBearApp
    tokens: dict[str, str]

    async def add(self, name: str, **values: Any) -> int:
        """Configure a server (the fixture upstream unless told otherwise); returns its id."""
        row: dict[str, Any] = {"name": name, "transport": "stdio"}
        if values.get("transport", "stdio") == "stdio" and "command" not in values:
            row |= {"command": sys.executable, "args": [str(UPSTREAM), "stdio"]}
        return int((await self.app.records.create(SYSTEM, "mcp_servers", row | values))["id"])

    def http(self, who: str | None = None) -> httpx2.AsyncClient:
        """An HTTP client with the person's token."""
        headers = {"authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app), base_url="http://127.0.0.1:8088", headers=headers, timeout=30
        )

    @contextlib.asynccontextmanager
    async def session(self, who: str) -> AsyncIterator[httpx2.AsyncClient]:
        """An HTTP client of somebody who is signed in."""
        async with self.http() as http:
            http.headers["accept"] = "application/json"
            answer = await http.post("/auth/login", data={"username": who, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            yield http

    async def token(self, who: str, *scopes: str) -> str:
        """A token, `watcher`, that somebody makes, for `api` and `mcp` unless told."""
        async with self.session(who) as http:
            made = await http.post("/api/v1/api_tokens", json={"name": "watcher", "scopes": scopes or ["api", "mcp"]})
            found: str = made.json()["data"]["token"]
            return found

    @contextlib.asynccontextmanager
    async def mcp(self, who: str, mode: str = "2026-07-28", path: str = "/mcp") -> AsyncIterator[Client]:
        """The official client, connected."""
        async with self.http(who) as http:
            url = f"http://127.0.0.1:8088{path}"
            transport = streamable_http_client(url, http_client=http, terminate_on_close=False)
            async with Client(transport, mode=mode, cache=None) as client:
                yield client

    async def state(self, name: str, who: str = "ann") -> dict[str, Any]:
        """What GET /api/v1/gateway says of a server."""
        async with self.http(who) as http:
            servers = (await http.get("/api/v1/gateway")).json()["data"]["servers"]
        return next(server for server in servers if server["name"] == name)


async def call_text(client: Client, name: str, arguments: dict[str, Any]) -> str:
    """Call a tool and return the text it answers with."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    return str(result.content[0].text)  # type: ignore[union-attr]  # the fixture's tools answer with text


@contextlib.asynccontextmanager
async def serving(transport: str) -> AsyncIterator[int]:
    """The fixture upstream as a process of its own that listens (`http` or `sse`); gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(UPSTREAM), transport, str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):  # a test may have ended it
            process.kill()
        await process.wait()
