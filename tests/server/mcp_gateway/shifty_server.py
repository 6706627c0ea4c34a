"""An MCP server whose tools and version are what a file says at the moment: `shifty_server.py FILE`.

The file: `{"version": "1", "tools": [...]}`, and `instructions` if there are any. A call answers with the name of the
tool; one of `announce` says first that the tools have changed, one of `flood` says so hundreds of times. `FILE.lists`
has a line for each list asked for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    return found


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    match method:
        case "initialize":
            info = {"name": "shifty", "version": told()["version"]}
            capabilities = {"tools": {"listChanged": True}}
            introduced = {"protocolVersion": "2025-06-18", "capabilities": capabilities, "serverInfo": info}
            return introduced | {key: text for key, text in told().items() if key == "instructions"}
        case "tools/list":
            with Path(f"{sys.argv[1]}.lists").open("a") as lists:
                lists.write("one\n")
            return {"tools": told()["tools"]}
        case "tools/call":
            return {"content": [{"type": "text", "text": f"called {params['name']}"}]}
        case "ping":
            return {}
    return None


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        params = message.get("params") or {}
        times = {"announce": 1, "flood": 500}.get(params.get("name", ""), 0)
        for _ in range(times if message["method"] == "tools/call" else 0):
            print(json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}), flush=True)
        found = answer(message["method"], params)
        rest = {"result": found} if found is not None else {"error": {"code": -32601, "message": "Method not found"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **rest}), flush=True)
