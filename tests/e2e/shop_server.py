"""A small MCP server whose tools want arguments of every kind; nothing but the standard library.

Where the file of its first argument exists, `search_notes` says of itself what stands there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SEARCH = {
    "name": "search_notes",
    "title": "Search notes",
    "description": "Finds notes by meaning and by words.",
    "annotations": {"readOnlyHint": True},
    "inputSchema": {
        "type": "object",
        "required": ["query"],
        "properties": {
            "query": {"type": "string", "description": "Words or a question, up to 400 characters."},
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
            "sort": {"enum": ["relevance", "newest"], "default": "relevance"},
            "tags": {"type": "array", "items": {"type": "string"}, "description": "Only notes with all of these."},
            "include_archived": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            "place": {"$ref": "#/$defs/Place"},
        },
        "$defs": {"Place": {"type": "object", "properties": {"city": {"type": "string"}}}},
    },
}
FORGET = {
    "name": "forget_everything",
    "description": "Removes all notes.",
    "annotations": {"destructiveHint": True, "openWorldHint": True},
    "inputSchema": {"type": "object"},
}
ORDER = {
    "name": "order_bread",
    "description": "Orders bread, after asking which and how it is to be praised.",
    "inputSchema": {"type": "object"},
}
WHICH = {
    "message": "Which bread, and how many loaves?",
    "requestedSchema": {
        "type": "object",
        "required": ["loaves"],
        "properties": {
            "bread": {"type": "string", "oneOf": [{"const": "r", "title": "Rye"}, {"const": "s", "title": "Spelt"}]},
            "loaves": {"type": "integer", "title": "How many loaves", "minimum": 1},
            "cut": {"type": "boolean", "default": True},
            "with": {"type": "array", "items": {"type": "string", "enum": ["salt", "seeds"]}},
        },
    },
}
PRAISE = {"messages": [{"role": "user", "content": {"type": "text", "text": "Praise it."}}], "maxTokens": 50}

CAPABILITIES: dict[str, Any] = {"tools": {}, "prompts": {}, "resources": {"subscribe": True}, "completions": {}}
MAY_BE = {"to": ["Ines", "Ingrid", "Otto"], "name": ["rye", "rye & oats", "spelt"]}
LOAF = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGM40SAARAwoFABZDQgRqWercwAAAABJRU5ErkJggg=="
"""Two by three pixels."""
watched: set[str] = set()
LISTS = {
    "prompts/list": {"prompts": [{"name": "letter", "arguments": [{"name": "to", "required": True}]}]},
    "resources/list": {
        "resources": [{"uri": "shop://hours", "name": "Opening hours"}, {"uri": "shop://loaf.png", "name": "A loaf"}]
    },
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "shop://bread/{name}", "name": "Bread"}]},
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a request; None where there is no such method."""
    if method == "initialize":
        info = {"name": "shop", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": CAPABILITIES, "serverInfo": info}
    if method in LISTS:
        return LISTS[method]
    if method == "prompts/get":
        words = {"type": "text", "text": f"Write to {params['arguments']['to']}."}
        return {"messages": [{"role": "user", "content": words}]}
    if method in ("resources/subscribe", "resources/unsubscribe"):
        watched.add(params["uri"]) if method == "resources/subscribe" else watched.discard(params["uri"])
        return {}
    if method == "resources/read" and params["uri"] == "shop://loaf.png":
        return {"contents": [{"uri": params["uri"], "mimeType": "image/png", "blob": LOAF}]}
    if method == "resources/read":
        return {"contents": [{"uri": params["uri"], "mimeType": "text/plain", "text": f"All about {params['uri']}"}]}
    if method == "completion/complete":
        known, typed = MAY_BE[params["argument"]["name"]], params["argument"]["value"]
        return {"completion": {"values": [one for one in known if one.startswith(typed)]}}
    if method == "tools/list":
        turned = Path(sys.argv[1]) if len(sys.argv) > 1 else None
        other = {"description": turned.read_text()} if turned and turned.exists() else {}
        return {"tools": [{**SEARCH, **other}, FORGET, ORDER]}
    if method == "tools/call" and params["name"] == "search_notes":
        found = {
            "asked": params["arguments"],
            "hits": [{"id": 7, "title": "Country loaf", "score": 0.91}],
            "more": True,
        }
        return {"content": [{"type": "text", "text": json.dumps(found)}], "structuredContent": found}
    if method == "tools/call":
        # What is forgotten has changed.
        for uri in watched:
            told = {"method": "notifications/resources/updated", "params": {"uri": uri}}
            print(json.dumps({"jsonrpc": "2.0", **told}), flush=True)
        return {"content": [{"type": "text", "text": "This is not done here."}], "isError": True}
    return {} if method == "ping" else None


def ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the client answers."""
    print(json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}), flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") == method:
            return message.get("result") or message["error"]
    raise EOFError


def ordered() -> dict[str, Any]:
    """The result of an order."""
    which = ask("elicitation/create", WHICH)
    if which.get("action") != "accept":
        return {"content": [{"type": "text", "text": f"Nothing ordered: {json.dumps(which)}"}]}
    praise = ask("sampling/createMessage", PRAISE)["content"]["text"]
    wanted = which["content"]
    text = f"{wanted['loaves']} of {wanted.get('bread')}, {wanted.get('cut')}, {wanted.get('with')}: {praise}"
    return {"content": [{"type": "text", "text": text}]}


if __name__ == "__main__":
    print("The shop is open.", file=sys.stderr, flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        params = message.get("params") or {}
        orders = message["method"] == "tools/call" and params["name"] == "order_bread"
        found = ordered() if orders else answer(message["method"], params)
        told = {"result": found} if found is not None else {"error": {"code": -32601, "message": "Method not found"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **told}), flush=True)
