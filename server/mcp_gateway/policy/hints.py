"""What a server says of its tools. These are hints that nobody checks; one that says nothing is taken for the worst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import ToolLimit


def is_read_only(raw: Mapping[str, Any]) -> bool:
    """Whether the tool says that it changes nothing."""
    return _hints(raw).get("readOnlyHint") is True


def is_destructive(raw: Mapping[str, Any]) -> bool:
    """Whether the tool may destroy something: it does not say that it only reads or only adds."""
    return not is_read_only(raw) and _hints(raw).get("destructiveHint") is not False


def is_of_kind(raw: Mapping[str, Any], kind: str) -> bool:
    """Whether the tool is one of `any`, `read_only`, `writing` or `destructive` ones."""
    match kind:
        case "read_only":
            return is_read_only(raw)
        case "writing":
            return not is_read_only(raw)
        case "destructive":
            return is_destructive(raw)
    return True


def is_within(raw: Mapping[str, Any], limits: frozenset[ToolLimit]) -> bool:
    """Whether a client that left out the others reaches the tool."""
    if "read_only" in limits and not is_read_only(raw):
        return False
    return not ("not_destructive" in limits and is_destructive(raw))


def _hints(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    hints = raw.get("annotations")
    return hints if isinstance(hints, dict) else {}
