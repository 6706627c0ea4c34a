"""An MCP server of the official SDK with prompts, resources and completions, over stdio."""

from __future__ import annotations

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import Completion

server = MCPServer("relay upstream")
said: list[str] = []


@server.prompt()
def greet(who: str) -> str:
    """Greets."""
    return f"Hello {who}"


@server.resource("note://one")
def one() -> str:
    """A note."""
    return " ".join(["one", *said])


@server.resource("note://of/{who}")
def of(who: str) -> str:
    """A note of somebody."""
    return f"of {who}"


@server.completion()
async def complete(ref: object, argument: object, context: object) -> Completion | None:
    """Names."""
    return Completion(values=["Ada", "Alan"])


@server.tool()
async def change(text: str, ctx: Context) -> str:
    """Changes the note, and the list of prompts."""
    said.append(text)
    await ctx.notify_resource_updated("note://one")
    await ctx.notify_prompts_changed()
    return "changed"


if __name__ == "__main__":
    server.run("stdio")
