"""An MCP client of the tests that shows what comes over the wire, in both protocol eras."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import orjson

MODERN, LEGACY = "2026-07-28", "2025-11-25"
META = "io.modelcontextprotocol/"
ACCEPT = "application/json, text/event-stream"


class Wire:
    """A client that shows what comes over the wire."""

    def __init__(self, http: httpx2.AsyncClient, era: str, path: str = "/mcp") -> None:
        self.http, self.era, self.path = http, era, path
        self.session: str | None = None

    async def open(self, capabilities: dict[str, Any] | None = None) -> Wire:
        if self.era == LEGACY:
            info = {"name": "wire", "version": "1"}
            params = {"protocolVersion": LEGACY, "capabilities": capabilities or {}, "clientInfo": info}
            answer = await self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
            self.session = answer.headers["mcp-session-id"]
            await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    async def post(self, message: Any, **headers: str) -> httpx2.Response:
        sent = {"accept": ACCEPT, "content-type": "application/json", "mcp-protocol-version": self.era}
        if self.session is not None:
            sent["mcp-session-id"] = self.session
        return await self.http.post(self.path, content=orjson.dumps(message), headers=sent | headers)

    async def ask(self, method: str, params: dict[str, Any], number: Any = 7, **headers: str) -> httpx2.Response:
        if self.era == MODERN:
            meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
            params = {**params, "_meta": {**meta, **params.get("_meta", {})}}
            name = params.get("uri" if method == "resources/read" else "name")
            headers = {"mcp-method": method, **({"mcp-name": name} if name else {}), **headers}
        return await self.post({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, **headers)

    async def call(self, name: str, arguments: dict[str, Any] | None = None, **more: Any) -> httpx2.Response:
        return await self.ask("tools/call", {"name": name, "arguments": arguments or {}, **more})


class Stream:
    """One request whose answer comes piece by piece, straight into an application in this process."""

    def __init__(self, app: Any, token: str, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        self.headers: dict[str, str] = {}
        self.status = 0
        self._app = app
        sent = {"host": "127.0.0.1:8088", "accept": ACCEPT, "authorization": f"Bearer {token}", **headers}
        if method == "POST":
            sent |= {"content-type": "application/json", "content-length": str(len(body))}
        if method == "GET":
            sent["accept"] = "text/event-stream"
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()]
        path, _, query = path.partition("?")
        self._scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": pairs, "scheme": "http", "server": ("127.0.0.1", 8088), "client": ("127.0.0.1", 50000),
            "http_version": "1.1", "root_path": "", "state": {},
        }  # fmt: skip
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        self._text = b""
        self._opened = asyncio.Event()

    async def __aenter__(self) -> Stream:
        self.send()
        opened = asyncio.create_task(self._opened.wait())
        await asyncio.wait({opened, self._task}, return_when=asyncio.FIRST_COMPLETED)
        return self

    def send(self) -> None:
        """Ask, and do not wait: an answer of 2026-07-28 may begin only when there is something to say."""
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._send))

    async def hang_up(self) -> None:
        """Close the connection."""
        self._gone.set()
        await self._task

    async def __aexit__(self, *_error: object) -> None:
        await self.hang_up()

    async def next(self) -> dict[str, Any]:
        """The next message of the server."""
        async with asyncio.timeout(10):
            found: dict[str, Any] = await self._messages.get()
        return found

    async def until(self, method: str) -> dict[str, Any]:
        """The next message with this method."""
        while (found := await self.next()).get("method") != method:
            pass
        return found

    def heard(self) -> list[dict[str, Any]]:
        """What came and was not looked at."""
        return [self._messages.get_nowait() for _ in range(self._messages.qsize())]

    async def _receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            self.status = event["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in event["headers"]}
            self._opened.set()
            return
        self._text += event.get("body", b"")
        if self.headers.get("content-type", "").startswith("application/json"):
            if not event.get("more_body"):
                self._messages.put_nowait(orjson.loads(self._text))
            return
        *lines, self._text = self._text.replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                self._messages.put_nowait(orjson.loads(line[6:]))


def message(answer: httpx2.Response) -> dict[str, Any]:
    """The JSON-RPC answer, however it was wrapped."""
    if answer.headers["content-type"].startswith("application/json"):
        found: dict[str, Any] = answer.json()
        return found
    events = [line[6:] for line in answer.text.split("\n") if line.startswith("data: {")]
    return next(event for event in map(orjson.loads, events) if "id" in event)
