"""The MCP server of the bench: `mcp_upstream.py stdio`, `mcp_upstream.py http PORT`, or with `many N` N tools."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

# SDK 1.x, which speaks 2025-11-25 alone, has the same by another name.
_NEWER = importlib.util.find_spec("mcp.server.mcpserver") is not None
server: MCPServer = (
    importlib.import_module("mcp.server.mcpserver").MCPServer
    if _NEWER
    else importlib.import_module("mcp.server.fastmcp").FastMCP
)("bench", log_level="ERROR")


@server.tool()
def echo(text: str) -> str:
    """Says it back."""
    return text


@server.tool()
def fail(text: str) -> str:
    """A tool that fails, as tools do."""
    raise ValueError(text)


def _more(count: int) -> None:
    for number in range(count - 2):
        server.add_tool(echo, name=f"find_invoices_{number}", description=f"Finds the invoices of customer {number}.")


if __name__ == "__main__":
    if "many" in sys.argv:
        _more(int(sys.argv[-1]))
    if sys.argv[1] == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
