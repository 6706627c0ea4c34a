"""`/mcp?mode=search`: the gateway's own tools alone are listed, for clients that can't hold thousands."""

from __future__ import annotations

from starlette.types import Scope

from server.asgi.query import query_pairs
from server.errors import ValidationFailed


def only_search(scope: Scope) -> bool:
    """Whether the client asked for the small set. Raises ValidationFailed for a mode that is not known."""
    if not scope["query_string"]:
        return False
    mode = dict(query_pairs(scope)).get("mode", "all")
    if mode not in ("all", "search"):
        raise ValidationFailed.of("mode", "unknown_mode", "search or all is wanted")
    return mode == "search"
