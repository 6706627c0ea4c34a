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
    *({"name": name, "inputSchema": {"type": "object"}} for name in ("grow", "touch", "flood", "log", "ask", "wait")),
    {"name": "app", "inputSchema": {"type": "object"}, "_meta": {"ui": {"resourceUri": PAGE}}},
]
PROMPTS = [{"name": "greet", "arguments": [{"name": "who", "required": True}], "icons": [ICON], **ODD}]
RESOURCES = [
    {"uri": f"note://{NAME}/1", "name": "one", "icons": [ICON], **ODD},
    {"uri": "note://both", "name": NAME},
]
META = "io.modelcontextprotocol/"
LISTS = ("tools", "prompts", "resources")
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
QUESTION = {"message": "Who?", "requestedSchema": SCHEMA, **ODD}
subscribed: set[str] = set()
listening: dict[Any, dict[str, Any]] = {}
"""Subscriptions of the newest era by the id of their request: what they asked for."""
asked: dict[str, Any] = {}
"""Questions of ours that are open, and the call that each was asked for."""
waiting: list[Any] = []
"""Calls of the tool wait that were not taken back."""
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
        case "resources/subscribe":
            subscribed.add(params["uri"])
            return {}
        case "resources/unsubscribe":
            subscribed.discard(params["uri"])
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


def tell(method: str, params: dict[str, Any] | None = None) -> None:
    """Send a notification."""
    write({"method": method, **({"params": params} if params else {})})


def write(message: dict[str, Any]) -> None:
    """Send a message."""
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def change(kind: str, uri: str | None = None) -> None:
    """Say that a list, or a resource, is another: to who wants to hear it."""
    method = "notifications/resources/updated" if uri else f"notifications/{kind}/list_changed"
    params = {"uri": uri} if uri else {}
    if not MODERN:
        tell(method, params)
    for number, wanted in listening.items():
        if uri in wanted.get("resourceSubscriptions", ()) if uri else wanted.get(f"{kind}ListChanged"):
            tell(method, {**params, "_meta": {f"{META}subscriptionId": number}})


def call(number: Any, name: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a tool that does something; None: it comes later."""
    text = "done"
    meta, arguments = params.get("_meta") or {}, params.get("arguments") or {}
    if name == "grow":
        TOOLS.append({"name": "grown", "inputSchema": {"type": "object"}})
        PROMPTS.append({"name": "grown"})
        RESOURCES.append({"uri": f"note://{NAME}/grown", "name": "grown"})
        for kind in LISTS:
            change(kind)
    elif name == "touch":
        text = " ".join(sorted(subscribed))
        for uri in [*subscribed, *(uri for one in listening.values() for uri in one.get("resourceSubscriptions", ()))]:
            change("resources", uri)
    elif name == "flood":
        for _ in range(3000):
            change("prompts")
            for one in listening.values():
                for uri in one.get("resourceSubscriptions", ()):
                    change("resources", uri)
    elif name == "log" and (not MODERN or meta.get(f"{META}logLevel")):
        for level in ("debug", "warning"):
            tell("notifications/message", {"level": level, "logger": NAME, "data": {"said": [level, None]}, **ODD})
        tell("notifications/elicitation/complete", {"elicitationId": "page 1"})
        tell("notifications/progress", {"progressToken": meta.get("progressToken"), "progress": 1, "total": 2})
    elif name == "ask":
        if not MODERN:
            asked[f"{NAME}-{number}"] = number
            write({"id": f"{NAME}-{number}", "method": "elicitation/create", "params": QUESTION})
            return None
        given = params.get("inputResponses")
        if given is None and "elicitation" in meta[f"{META}clientCapabilities"]:
            requests = {"who": {"method": "elicitation/create", "params": QUESTION}}
            return {"resultType": "input_required", "inputRequests": requests, "requestState": f"state of {NAME}"}
        if given is None:
            raise LookupError
        text = json.dumps([given, params.get("requestState")])
    elif name == "wait":
        if arguments.get("reports"):
            tell("notifications/progress", {"progressToken": meta.get("progressToken"), "progress": 1, "total": 2})
        if arguments.get("until"):
            waiting.append(number)
            return None
        text = str(len(waiting))
    return {"content": [{"type": "text", "text": text}]}


def main() -> None:
    """Answer until there is nothing more to read."""
    for line in sys.stdin:
        message = json.loads(line)
        number, method, params = message.get("id"), message.get("method"), message.get("params") or {}
        if method is None:
            said = json.dumps(message.get("result", message.get("error")), sort_keys=True)
            is_error = "error" in message
            found = {"content": [{"type": "text", "text": said}], "isError": is_error}
            write({"id": asked.pop(number), "result": found})
        elif method == "notifications/cancelled":
            listening.pop(params.get("requestId"), None)
            if params.get("requestId") in waiting:
                waiting.remove(params["requestId"])
        elif number is not None:
            answer(number, method, params)


def answer(number: Any, method: str, params: dict[str, Any]) -> None:
    """Answer a request."""
    if method == "subscriptions/listen" and MODERN:
        listening[number] = params["notifications"]
        meta = {f"{META}subscriptionId": number}
        tell("notifications/subscriptions/acknowledged", {"notifications": params["notifications"], "_meta": meta})
        return
    try:
        if method == "tools/call" and params["name"] in ("grow", "touch", "flood", "log", "ask", "wait"):
            found = call(number, params["name"], params)
            if found is None:
                return
        else:
            found = result_of(method, params)
    except LookupError:
        wanted = {"requiredCapabilities": {"elicitation": {}}}
        error = {"code": -32021, "message": "Missing required client capability", "data": wanted}
        write({"id": number, "error": error})
        return
    if found is None:
        code = -32602 if method == "resources/read" else -32601
        write({"id": number, "error": {"code": code, "message": f"{NAME} has no such thing"}})
        return
    stamp = {"resultType": "complete", "ttlMs": 5, "cacheScope": "public"} if MODERN else {}
    write({"id": number, "result": {**stamp, **found}})


if __name__ == "__main__":
    main()
