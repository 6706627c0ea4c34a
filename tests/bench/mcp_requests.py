"""MCP requests as bytes, for the load generator: both protocol eras, sessions opened beforehand."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MODERN, LEGACY = "2026-07-28", "2025-11-25"
_CLIENT = {"name": "bench", "version": "1"}
_ACCEPT = "application/json, text/event-stream"


def modern_meta() -> dict[str, Any]:
    """What 2026-07-28 wants in the `_meta` of each request."""
    key = "io.modelcontextprotocol"
    return {f"{key}/protocolVersion": MODERN, f"{key}/clientInfo": _CLIENT, f"{key}/clientCapabilities": {}}


@dataclass
class Asked:
    """An MCP endpoint on this machine: where, with which token, and what its echo tool is called."""

    name: str
    port: int
    path: str
    tool: str
    token: str = ""
    eras: tuple[str, ...] = (MODERN, LEGACY)
    _headers: dict[str, str] = field(default_factory=dict)

    def calls(self, era: str) -> Iterator[bytes]:
        """Endless calls of echo, with ids of their own. Raises RuntimeError when the first is not answered well."""
        first = self.message(era, 0, "tools/call", {"name": self.tool, "arguments": {"text": "proof"}})
        if b'"proof"' not in self._send(*first).replace(b'\\"', b'"'):
            raise RuntimeError(f"{self.name} does not answer in the era {era}")
        for number in itertools.count(1):
            yield self.raw(era, number, "tools/call", {"name": self.tool, "arguments": {"text": "hello"}})

    def lists(self, era: str) -> Iterator[bytes]:
        """Endless requests of the whole tool list."""
        return (self.raw(era, number, "tools/list", {}) for number in itertools.count(1))

    def ask(self, era: str, method: str, params: dict[str, Any]) -> bytes:
        """One request; the body of its answer."""
        return self._send(*self.message(era, 0, method, params))

    def raw(self, era: str, number: int, method: str, params: dict[str, Any]) -> bytes:
        """A whole HTTP request."""
        headers, body = self.message(era, number, method, params)
        lines = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n".encode() + body

    def message(self, era: str, number: int, method: str, params: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        """Headers and body of a request; in the older era of the session that is opened at the first."""
        headers = self._common(era)
        if era == MODERN:
            headers["Mcp-Method"] = method
            if "name" in params:
                headers["Mcp-Name"] = params["name"]
            params = {**params, "_meta": modern_meta()}
        else:
            headers |= self._session()
        return headers, json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()

    def _common(self, era: str) -> dict[str, str]:
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Content-Type": "application/json", "Accept": _ACCEPT, "MCP-Protocol-Version": era, **token}

    def _session(self) -> dict[str, str]:
        if not self._headers:
            params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT}
            body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
            with self._open(self._common(LEGACY), json.dumps(body).encode()) as answer:
                answer.read()
                found = answer.headers.get("Mcp-Session-Id")
            self._headers = {"Mcp-Session-Id": found} if found else {"X-Session": "none"}
            done = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
            self._send({**self._common(LEGACY), **self._headers}, done)
        return self._headers

    def _send(self, headers: dict[str, str], body: bytes) -> bytes:
        with self._open(headers, body) as answer:
            found: bytes = answer.read()
        return found

    def _open(self, headers: dict[str, str], body: bytes) -> Any:
        url = f"http://127.0.0.1:{self.port}{self.path}"
        return urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60)
