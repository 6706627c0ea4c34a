"""An MCP server that writes down each call: `counting_server.py FILE KIND [http PORT]`; KIND `frail` fails in turns."""

from __future__ import annotations

import itertools
import os
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("counting", log_level="ERROR")
_turns = itertools.count(1)


@server.tool()
def note(text: str) -> str:
    """Writes it down and says it back."""
    with open(sys.argv[1], "a") as file:
        file.write(f"{text}\n")
    if sys.argv[2] == "frail":
        turn = next(_turns)
        if turn % 7 == 0:
            os._exit(3)
        if turn % 2 == 0:
            raise ValueError(text)
    return text


if __name__ == "__main__":
    if "http" in sys.argv:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[-1]))
    else:
        server.run("stdio")
