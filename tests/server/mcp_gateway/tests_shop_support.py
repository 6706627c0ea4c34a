"""A server inside the program, for tests of what stands before it: tools that wait, fail, answer much, or ask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.mcp_gateway.catalogue.tool import Tool, catalogue_of
from server.mcp_gateway.failures import UPSTREAM_FAILED, CallFailed
from tests.conftest import Bear

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}, "timeZone": {"type": "string"}}}


def tool(name: str, description: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": SCHEMA, **more}


class Shop:
    """Everybody's but those whose name is in `closed_to`."""

    name = "shop"
    resources = None

    def __init__(self) -> None:
        self.raw = [tool("echo", "Says it back."), tool("wait"), tool("much"), tool("fail"), tool("break"), tool("ask")]
        self.answer: dict[str, Any] = {"content": []}
        """Of a tool of this name, where a test has one."""
        self.closed_to: set[str] = set()
        self.go_on = asyncio.Event()
        self.waiting = asyncio.Event()
        self.called: list[tuple[str, str, dict[str, Any] | None]] = []

    def tools(self, actor: Actor) -> Mapping[str, Tool]:
        return {} if actor.username in self.closed_to else catalogue_of(self.name, self.raw)

    async def call(self, actor: Actor, tool: Tool, arguments: dict[str, Any] | None) -> dict[str, Any]:
        self.called.append((actor.username, tool.name, arguments))
        match tool.name:
            case "wait":
                self.waiting.set()
                await self.go_on.wait()
            case "much":
                return {"content": [{"type": "text", "text": "häh" * 100_000}], "isError": False}
            case "answer":
                return self.answer
            case "fail":
                return {"content": [{"type": "text", "text": "no luck"}], "isError": True}
            case "break":
                raise CallFailed(UPSTREAM_FAILED, "The shop burnt down.", {"server": "shop"})
            case "ask":
                return {"resultType": "input_required", "inputRequests": {}}
        return {"content": [{"type": "text", "text": str((arguments or {}).get("text"))}], "isError": False}


def opened(bear: Bear) -> Shop:
    """The shop, behind the gateway of a running server."""
    shop = Shop()
    bear.app.gateway.gateway.host(shop)
    return shop
