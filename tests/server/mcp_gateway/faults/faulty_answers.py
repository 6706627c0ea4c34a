"""What a bad MCP server says, message by message: the same over pipes and over HTTP. The standard library alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

DIE, CLOSE, DEAFEN = b"die", b"close", b"deafen"
"""In place of a message: end in the middle of the call; say nothing more and live on; the same, and read nothing more.
"""
FLOOD = 10_000
NAMES = ["echo", "hang", "die", "close", "flood", "big", "many", "unknown", "odd", "twice", "garbage", "neither",
         "shapeless", "change", "deep", "half", "wait", "roots", "forbidden",
         "deafen"]  # fmt: skip


class FaultyServer:
    """Of the protocol 2025-06-18, which has sessions and servers that ask."""

    def __init__(self) -> None:
        self.names = list(NAMES)
        self.client: dict[str, Any] = {}
        """What it can, as it said at the beginning."""
        self.asked: dict[str, Any] = {}
        """Questions for folders, and the call that each was asked for."""
        self.folders: list[Any] = []
        """What was answered when it asked because it was told of a change."""
        self.asks_anew = True
        """Whether it asks then."""
        self.asks_first = False
        """Whether it asks as soon as the connection is there."""
        self.changes = 0

    def answer(self, message: dict[str, Any]) -> Iterator[bytes]:
        """The messages that follow on one of the client's, as bytes of one line each."""
        if message.get("method") == "notifications/roots/list_changed":
            self.changes += 1
            if self.asks_anew:
                yield line({"id": f"anew {self.changes}", "method": "roots/list"})
        if message.get("method") == "notifications/initialized" and self.asks_first:
            yield line({"id": "anew 0", "method": "roots/list"})
        if "method" not in message and str(message.get("id", "")).startswith("anew"):
            self.folders.append(message.get("result") or message["error"])
        if "method" not in message and message.get("id") in self.asked:
            yield said(self.asked.pop(message["id"]), json.dumps(message.get("result") or message["error"]))
        if "id" not in message or "method" not in message:
            return
        number, method = message["id"], message["method"]
        if method == "initialize":
            self.client = message["params"]["capabilities"]
            capabilities: dict[str, Any] = {"tools": {"listChanged": True}, "logging": {}}
            info = {"name": "faulty", "version": "1"}
            yield result(number, protocolVersion="2025-06-18", capabilities=capabilities, serverInfo=info)
        elif method == "tools/list":
            yield result(number, tools=[{"name": name, "inputSchema": {"type": "object"}} for name in self.names])
        elif method == "tools/call":
            yield from self._call(number, message["params"])
        elif method == "ping":
            yield result(number)
        else:
            yield line({"id": number, "error": {"code": -32601, "message": "Method not found"}})

    def _call(self, number: Any, params: dict[str, Any]) -> Iterator[bytes]:
        name, given = params["name"], params.get("arguments") or {}
        right = said(number, str(given.get("text", "done")))
        match name:
            case "hang":
                return
            case "roots":
                self.asked[f"roots {number}"] = number
                yield line({"id": f"roots {number}", "method": "roots/list"})
            case "die":
                yield DIE
            case "close":
                yield CLOSE
            case "deafen":
                yield right
                yield DEAFEN
            case "flood":
                note = line({"method": "notifications/message", "params": {"level": "info", "data": "x"}})
                token = (params.get("_meta") or {}).get("progressToken")
                for step in range(FLOOD):
                    yield note
                    if token is not None:
                        report = {"progressToken": token, "progress": step}
                        yield line({"method": "notifications/progress", "params": report})
                yield right
            case "big":
                yield said(number, "x" * int(given["bytes"]))
            case "many":
                items = [{"type": "text", "text": f"item {place}"} for place in range(int(given["items"]))]
                yield result(number, content=items)
            case "unknown":
                yield said("nobody", "for nobody")
                yield said(10**9, "for nobody")
                yield right
            case "odd":
                for odd in ([1], {"a": 1}, True, None, 1.5, ""):
                    yield said(odd, "odd")
                yield right
            case "twice":
                yield right
                yield said(number, "again")
            case "garbage":
                yield b"{"
                yield b'\xff\xfe"'
                yield b'{"jsonrpc": "1.0"}'
                yield b"[]"
                yield right
            case "neither":
                yield line({"id": number})
            case "shapeless":
                yield result(number, content="no list")
            case "deep":
                depth = int(given["depth"])
                nested = '{"a":' * depth + "1" + "}" * depth
                yield b'{"jsonrpc":"2.0","id":%b,"result":{"content":[],"structuredContent":%b}}' % (
                    json.dumps(number).encode(),
                    nested.encode(),
                )
            case "half":
                yield said(number, "half a pair: \ud800")
            case "change":
                self.names = [*NAMES, "changed"]
                yield line({"method": "notifications/tools/list_changed"})
                yield right
            case _:
                yield right


def line(message: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def result(number: Any, **values: Any) -> bytes:
    return line({"id": number, "result": values})


def said(number: Any, text: str) -> bytes:
    return result(number, content=[{"type": "text", "text": text}])
