"""An MCP server for the tests: `upstream_server.py stdio`, or `upstream_server.py http PORT` / `sse PORT`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("upstream")


@server.tool()
def echo(text: str) -> str:
    """Says it back."""
    return text


@server.tool()
def add(first: int, second: int) -> dict[str, int]:
    """A result with structure."""
    return {"sum": first + second}


@server.tool()
def fail() -> str:
    """A tool that fails, as tools do."""
    raise ValueError("no luck")


@server.tool()
async def slow(seconds: float) -> str:
    """Takes its time."""
    await asyncio.sleep(seconds)
    return "done"


@server.tool()
async def steps(count: int, pause: float, ctx: Context) -> str:
    """Takes its time and says how far it is."""
    for step in range(count):
        await asyncio.sleep(pause)
        await ctx.report_progress(step + 1, count)
    return "done"


@server.tool()
def leave() -> str:
    """Ends the process in the middle of a call."""
    print("leaving now", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool()
def environment() -> str:
    """The names of the variables that the process has."""
    return " ".join(sorted(os.environ))


@server.tool()
def variable(name: str) -> str:
    """The value of one of them."""
    return os.environ.get(name, "")


@server.tool()
def beget() -> str:
    """Starts a process of its own; answers with its id and that of this process."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdin=subprocess.DEVNULL)
    return f"{child.pid} {os.getpid()}"


@server.tool()
async def grow(ctx: Context) -> str:
    """Gets one more tool and says so."""
    server.add_tool(echo, name="grown")
    await ctx.session.send_tool_list_changed()
    return "grown"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    elif sys.argv[1] == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("sse", host="127.0.0.1", port=int(sys.argv[2]))
