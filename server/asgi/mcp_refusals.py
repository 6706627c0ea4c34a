"""Refusals as clients of /mcp read them: JSON-RPC errors, whose text their people are shown."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope

REFUSED = -32010
_WANTED = ("application/json", "text/event-stream")


def asks_as_mcp(scope: Scope) -> bool:
    """Whether a request is one of an MCP client: each of its messages names both kinds of answer."""
    path = scope["path"]
    if scope["method"] != "POST" or not (path == "/mcp" or path.startswith("/mcp/")):
        return False
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1").lower()
    return all(kind in accepted for kind in _WANTED)


def as_rpc(body: dict[str, Any]) -> dict[str, Any]:
    """`body` of the one error shape as a JSON-RPC error, too: its `error` is one, with all that is beside it as data.

    Without an id: a request may be refused before it was read.
    """
    data = {name: value for name, value in body.items() if name not in ("ok", "error")}
    return {**body, "jsonrpc": "2.0", "id": None, "error": {"code": REFUSED, "message": body["error"], "data": data}}
