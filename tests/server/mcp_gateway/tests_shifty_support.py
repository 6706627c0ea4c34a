"""Servers whose tools change, for the tests of the catalogue."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from mcp.shared.exceptions import MCPError
from tests_mcp_support import House
from tests_wire_support import LEGACY, MODERN, Wire, message

from tests.http_site import QuietHandler, site_of

SHIFTY = Path(__file__).with_name("shifty_server.py")


def definition(name: str, description: str = "Does what its name says.", **more: Any) -> dict[str, Any]:
    """A tool as a server lists it."""
    return {"name": name, "description": description, "inputSchema": {"type": "object"}, **more}


class Shifty:
    """A server whose tools are what the test says at the moment."""

    def __init__(self, folder: Path, *tools: dict[str, Any], version: str = "1", **more: Any) -> None:
        self.file = folder / "tools.json"
        self.offers(*tools, version=version, **more)

    def offers(self, *tools: dict[str, Any], version: str = "1", **more: Any) -> None:
        """`more`: such as `instructions`."""
        self.file.write_bytes(orjson.dumps({"version": version, "tools": tools, **more}))

    @property
    def command(self) -> dict[str, Any]:
        return {"command": sys.executable, "args": [str(SHIFTY), str(self.file)]}


@contextlib.contextmanager
def over_http(shifty: Shifty) -> Iterator[str]:
    """The same as a remote server; gives its address."""

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            message = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
            if "id" not in message:
                return self.reply(202)
            offered = orjson.loads(shifty.file.read_bytes())
            info = {"name": "shifty", "version": offered["version"]}
            results: dict[str, Any] = {
                "initialize": {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {"tools": {}},
                    "serverInfo": info,
                    **{key: text for key, text in offered.items() if key == "instructions"},
                },
                "tools/list": {"tools": offered["tools"]},
                "tools/call": {
                    "content": [{"type": "text", "text": f"called {message.get('params', {}).get('name')}"}]
                },
                "ping": {},
            }
            found = results.get(message["method"])
            rest = {"result": found} if found is not None else {"error": {"code": -32601, "message": "no such method"}}
            return self.reply(200, orjson.dumps({"jsonrpc": "2.0", "id": message["id"], **rest}))

        def do_GET(self) -> None:
            self.reply(405)

        do_DELETE = do_GET

    with site_of(Handler) as url:
        yield f"{url}/mcp"


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


async def refusals(house: House, who: str, tool: str) -> dict[str, tuple[int, str]]:
    """How a call of a tool of `up` is refused on each way: code and message. Asserts that it is."""
    found: dict[str, tuple[int, str]] = {}
    async with house.http(who) as http:
        for era in (MODERN, LEGACY):
            for path, name in (("/mcp", f"up__{tool}"), ("/mcp/up", tool)):
                wire = await Wire(http, era, path).open()
                ways: dict[str, dict[str, Any]] = {"plain": {}, "with progress": {"_meta": {"progressToken": 1}}}
                for way, more in ways.items():
                    error = message(await wire.call(name, {}, **more))["error"]
                    found[f"{era} {path} {way}"] = error["code"], error["message"]
        rest = await http.post("/api/v1/gateway/call", json={"tool": f"up__{tool}"})
        assert rest.status_code in (404, 409)
        found["REST"] = rest.status_code, rest.json()["error"]
    for builtin in ("execute_discovered_tool", "async_run_tool"):
        async with house.mcp(who) as client:
            with pytest.raises(MCPError) as refused:
                await client.call_tool(builtin, {"tool_name": f"up__{tool}"})
            found[builtin] = refused.value.code, refused.value.message
    return found


async def searched(house: House, who: str, query: str) -> list[str]:
    """What search and help find of `up`."""
    async with house.mcp(who) as client:
        found = (await client.call_tool("search_tools", {"query": query, "server": "up"})).structured_content
        helped = (await client.call_tool("gridbear_help", {"server": "up"})).structured_content
    assert found is not None and helped is not None
    return sorted({tool["name"] for tool in (*found["tools"], *helped["tools"])})


async def approve(http: Any, server: int, *tools: dict[str, Any]) -> None:
    """An admin approves tools as they were told of."""
    wanted = [{"name": tool["name"], "hash": tool["hash"]} for tool in tools]
    answer = await http.post(f"/api/v1/gateway/{server}/tools/approve", json={"tools": wanted})
    assert answer.status_code == 200, answer.text
    assert [tool["state"] for tool in answer.json()["data"]] == ["approved"] * len(tools)
