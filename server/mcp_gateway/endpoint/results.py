"""The envelope of a result, as the era of the client wants it; what is inside stays as the server wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.mcp_gateway.failures import ERAS_APART, CallFailed

_SERVER_INFO = "io.modelcontextprotocol/serverInfo"
_MODERN_ONLY = ("resultType", "ttlMs", "cacheScope")
_CACHEABLE = frozenset(
    ("tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read", "server/discover")
)


def for_modern(method: str, result: Mapping[str, Any], server_info: Mapping[str, Any]) -> dict[str, Any]:
    """With what 2026-07-28 demands of each result, and older servers don't write."""
    made = {"resultType": "complete", **result}
    if method in _CACHEABLE and made["resultType"] == "complete":
        made.setdefault("ttlMs", 0)
        # What a person sees depends on who they are, so no shared cache may keep it.
        made["cacheScope"] = "private"
    meta = made.get("_meta")
    if meta is None or (isinstance(meta, dict) and meta.get(_SERVER_INFO) is None):
        made["_meta"] = {**(meta or {}), _SERVER_INFO: server_info}
    return made


def for_older(result: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the eras before 2026-07-28 don't know. Raises CallFailed for what can't be said in them."""
    kind = result.get("resultType", "complete")
    if kind == "input_required":
        raise CallFailed(
            ERAS_APART,
            "The server asks for something first, in a way of the protocol 2026-07-28 that this client does not "
            "speak. Use a client that does.",
            {"resultType": kind},
        )
    if kind != "complete":
        raise CallFailed(
            ERAS_APART,
            f"The server answered in a way of the protocol 2026-07-28 that this client does not know ({kind}).",
            {"resultType": kind},
        )
    return {key: value for key, value in result.items() if key not in _MODERN_ONLY}
