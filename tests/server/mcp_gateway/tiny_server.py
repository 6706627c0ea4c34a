"""The smallest MCP server, for tests that start many: one tool, nothing but the standard library."""

from __future__ import annotations

import json
import sys

TOOL = {"name": "echo", "inputSchema": {"type": "object"}}
RESULTS = {
    "initialize": {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "tiny", "version": "1"},
    },
    "tools/list": {"tools": [TOOL]},
    "tools/call": {"content": [{"type": "text", "text": "hi"}]},
    "ping": {},
}

for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        found = RESULTS.get(message["method"])
        answer = {"result": found} if found is not None else {"error": {"code": -32601, "message": "Method not found"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
