"""The definition of a tool as a value: its hash, what two of them differ in, and how it is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import orjson

MOST_BYTES = 262_144
"""A definition beyond this is left out: no client wants it in its context."""
KEY_LENGTH = 200
HASHED = "sha256:"
"""The key of a name that can't be one begins so."""
_LOOKS = frozenset(("icons", "_meta"))
"""Pictures, and what is for programs and may differ each time: neither tells a model what to do."""
_MOST_CHANGES = 100
_ABSENT = object()


def definition_hash(raw: Mapping[str, Any]) -> str:
    """SHA-256 of name, title, description, schemas, annotations and all else that tells what the tool is and does."""
    told = {key: value for key, value in raw.items() if key not in _LOOKS}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def seal(definition: str, version: str | None) -> str:
    """What an approval is of: a definition, by its hash, in a version of the server's package."""
    return hashlib.sha256(f"{definition}\0{version or ''}".encode("utf-8", "surrogatepass")).hexdigest()


def key_of(name: str) -> str:
    """Under what a tool of that name is kept: the name, or its hash where it is too long or no good text."""
    plain = len(name) <= KEY_LENGTH and name.isprintable()
    return name if plain else f"{HASHED}{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def stored(raw: Mapping[str, Any]) -> str | None:
    """The definition as JSON text that can be stored and read again everywhere; None: it is too large."""
    try:
        text = orjson.dumps(raw)
    except TypeError:
        # Halves of surrogate pairs, and numbers beyond 64 bits.
        text = json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace")
    return text.decode().replace("\\u0000", "\\ufffd") if len(text) <= MOST_BYTES else None


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs, as `{"path": "/inputSchema/properties/x", "before": …, "after": …}`; what is absent is left out.

    All of it when there was nothing before.
    """
    found: list[dict[str, Any]] = []
    _compare("", dict(before or {}), dict(after), found)
    return found[:_MOST_CHANGES]


def _compare(path: str, before: Any, after: Any, found: list[dict[str, Any]]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*after, *(key for key in before if key not in after)]:
            step = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
            _compare(step, before.get(key, _ABSENT), after.get(key, _ABSENT), found)
    elif before is _ABSENT or after is _ABSENT or type(before) is not type(after) or before != after:
        change = {"path": path, "before": before, "after": after}
        found.append({key: value for key, value in change.items() if value is not _ABSENT})
