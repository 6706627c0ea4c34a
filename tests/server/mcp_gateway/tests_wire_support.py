"""An MCP client of the tests that shows what comes over the wire, in both protocol eras."""

from __future__ import annotations

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


def message(answer: httpx2.Response) -> dict[str, Any]:
    """The JSON-RPC answer, however it was wrapped."""
    if answer.headers["content-type"].startswith("application/json"):
        found: dict[str, Any] = answer.json()
        return found
    events = [line[6:] for line in answer.text.split("\n") if line.startswith("data: {")]
    return next(event for event in map(orjson.loads, events) if "id" in event)
