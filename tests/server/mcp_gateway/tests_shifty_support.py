"""Servers whose tools change, for the tests of the catalogue."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


@contextlib.contextmanager
def over_http(shifty: Shifty) -> Iterator[str]:
    """The same as a remote server; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            message = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
            if "id" not in message:
                return self._send(202, b"")
            offered = orjson.loads(shifty.file.read_bytes())
            info = {"name": "shifty", "version": offered["version"]}
            results: dict[str, Any] = {
                "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info},
                "tools/list": {"tools": offered["tools"]},
                "tools/call": {
                    "content": [{"type": "text", "text": f"called {message.get('params', {}).get('name')}"}]
                },
                "ping": {},
            }
            found = results.get(message["method"])
            rest = {"result": found} if found is not None else {"error": {"code": -32601, "message": "no such method"}}
            return self._send(200, orjson.dumps({"jsonrpc": "2.0", "id": message["id"], **rest}))

        def do_GET(self) -> None:
            self._send(405, b"")

        def do_DELETE(self) -> None:
            self._send(405, b"")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
