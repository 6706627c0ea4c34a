"""Servers whose tools change, for the tests of the catalogue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx2
import orjson
from tests_mcp_support import House

SHIFTY = Path(__file__).with_name("shifty_server.py")


def definition(name: str, description: str = "Does what its name says.", **more: Any) -> dict[str, Any]:
    """A tool as a server lists it."""
    return {"name": name, "description": description, "inputSchema": {"type": "object"}, **more}


class Shifty:
    """A server whose tools are what the test says at the moment."""

    def __init__(self, folder: Path, *tools: dict[str, Any], version: str = "1") -> None:
        self.file = folder / "tools.json"
        self.offers(*tools, version=version)

    def offers(self, *tools: dict[str, Any], version: str = "1") -> None:
        self.file.write_bytes(orjson.dumps({"version": version, "tools": tools}))

    @property
    def command(self) -> dict[str, Any]:
        return {"command": sys.executable, "args": [str(SHIFTY), str(self.file)]}


async def told(http: httpx2.AsyncClient, server: int) -> dict[str, dict[str, Any]]:
    """What GET /gateway/{id}/tools says, by the name that it is offered under."""
    answer = await http.get(f"/api/v1/gateway/{server}/tools")
    assert answer.status_code == 200, answer.text
    return {tool["name"]: tool for tool in answer.json()["data"]}


async def refreshed(http: httpx2.AsyncClient, server: int) -> dict[str, dict[str, Any]]:
    """What POST /gateway/{id}/refresh brings."""
    answer = await http.post(f"/api/v1/gateway/{server}/refresh")
    assert answer.status_code == 200, answer.text
    return {tool["name"]: tool for tool in answer.json()["data"]}


async def names(house: House, who: str, path: str = "/mcp", server: str = "up") -> list[str]:
    """What tools/list of an endpoint shows of a server, without its prefix."""
    async with house.mcp(who, path=path) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
    if path != "/mcp":
        return listed
    return [name.removeprefix(f"{server}__") for name in listed if name.startswith(f"{server}__")]


def is_running(house: House, server: int) -> bool:
    """Whether a server's program runs at this moment."""
    upstream = house.app.gateway.gateway._pool.of_id(server)
    return upstream is not None and upstream.supervisor.child_pid is not None
