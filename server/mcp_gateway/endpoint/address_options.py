"""What a client asks for by the address that it comes to: `/mcp?mode=search&read_only=1&destructive=0`."""

from __future__ import annotations

from dataclasses import replace

from starlette.types import Scope

from server.access.actor import Actor, ToolLimit
from server.asgi.query import query_pairs, refuse_other_than
from server.errors import ValidationFailed

_YES, _NO = ("1", "true"), ("0", "false")
_KNOWN = ("destructive", "mode", "read_only")


def only_search(scope: Scope) -> bool:
    """Whether the client asked for the small set. Raises ValidationFailed for a mode that is not known."""
    if not scope["query_string"]:
        return False
    mode = dict(query_pairs(scope)).get("mode", "all")
    if mode not in ("all", "search"):
        raise ValidationFailed.of("mode", "unknown_mode", "search or all is wanted")
    return mode == "search"


def limited(actor: Actor, scope: Scope) -> Actor:
    """`actor`, who reaches no more than the address asks for, by any way.

    Raises ValidationFailed, also for a parameter that is not known: a mistyped one would leave nothing out.
    """
    if not scope["query_string"]:
        return actor
    limits: set[ToolLimit] = set()
    pairs = query_pairs(scope)
    refuse_other_than(_KNOWN, pairs)
    # All of them count: of an address with both, the wider half must not win.
    for name, value in pairs:
        if name == "read_only" and _is_on(name, value):
            limits.add("read_only")
        elif name == "destructive" and not _is_on(name, value):
            limits.add("not_destructive")
    return replace(actor, tool_limits=frozenset(limits)) if limits else actor


def _is_on(name: str, value: str) -> bool:
    if value.lower() not in _YES + _NO:
        raise ValidationFailed.of(name, "not_boolean", "1 or 0 is wanted")
    return value.lower() in _YES
