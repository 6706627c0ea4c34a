"""An MCP server that writes its messages itself: `rich_server.py NAME ERA`, with all that is relayed beside tools.

It puts fields into its answers that no SDK knows, and tells in its answers what it was asked.
"""

from __future__ import annotations

import json
import sys
from typing import Any

NAME, ERA = sys.argv[1], sys.argv[2]
MODERN = ERA == "2026-07-28"
ICON = {"src": "data:image/png;base64,AA==", "mimeType": "image/png", "theme": "dark"}
ODD = {"x-ours": {"deep": [1, None, "ä"]}}
CAPABILITIES = {
    "tools": {"listChanged": True},
    "prompts": {"listChanged": True},
    "resources": {"listChanged": True, "subscribe": True},
    "completions": {},
    "logging": {},
}
PAGE = "ui://page/main.html"
TOOLS = [
    {"name": "link", "inputSchema": {"type": "object"}, "icons": [ICON], **ODD},
    {"name": "app", "inputSchema": {"type": "object"}, "_meta": {"ui": {"resourceUri": PAGE}}},
]
PROMPTS = [{"name": "greet", "arguments": [{"name": "who", "required": True}], "icons": [ICON], **ODD}]
RESOURCES = [
    {"uri": f"note://{NAME}/1", "name": "one", "icons": [ICON], **ODD},
    {"uri": "note://both", "name": NAME},
]
TEMPLATES = [{"uriTemplate": f"{NAME}://things/{{id}}", "name": "things", **ODD}]


def result_of(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """What is answered; None: there is no such method."""
    seen = {"method": method, "params": params}
    match method:
        case "initialize":
            info = {"name": NAME, "version": "1"}
            return {"protocolVersion": ERA, "capabilities": CAPABILITIES, "serverInfo": info} if not MODERN else None
        case "server/discover":
            return {"supportedVersions": [ERA], "capabilities": CAPABILITIES} if MODERN else None
        case "ping" | "logging/setLevel":
            return {}
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call":
            link = {"type": "resource_link", "uri": f"hidden://{NAME}/made", "name": "made", **ODD}
            return {"content": [link], "structuredContent": [None, {"a": None}], "_meta": {"ours/seen": seen}, **ODD}
        case "prompts/list":
            return {"prompts": PROMPTS}
        case "prompts/get":
            message = {"role": "user", "content": {"type": "text", "text": f"Hello from {NAME}", **ODD}}
            return {"messages": [message], "_meta": {"ours/seen": seen}, **ODD}
        case "resources/list":
            # Two pages.
            if params.get("cursor") == "2":
                return {"resources": RESOURCES[1:]}
            return {"resources": RESOURCES[:1], "nextCursor": "2"}
        case "resources/templates/list":
            return {"resourceTemplates": TEMPLATES}
        case "resources/read":
            known = [one["uri"] for one in RESOURCES] + [PAGE, f"hidden://{NAME}/made", f"{NAME}://things/7"]
            if params["uri"] not in known:
                return None
            content = {"uri": params["uri"], "mimeType": "text/html;profile=mcp-app", "text": NAME, **ODD}
            meta = {"ui": {"csp": {"connectDomains": ["https://example.org"]}}}
            return {"contents": [{**content, "_meta": meta}], "_meta": {"ours/seen": seen}, **ODD}
        case "completion/complete":
            return {"completion": {"values": [NAME], "total": 1, **ODD}, "_meta": {"ours/seen": seen}}
    return None


def main() -> None:
    """Answer until there is nothing more to read."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        found = result_of(message["method"], message.get("params") or {})
        if found is None:
            code = -32602 if message["method"] == "resources/read" else -32601
            answer: dict[str, Any] = {"error": {"code": code, "message": f"{NAME} has no such thing"}}
        else:
            answer = {
                "result": {"resultType": "complete", "ttlMs": 5, "cacheScope": "public", **found} if MODERN else found
            }
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)


if __name__ == "__main__":
    main()
