"""A request that needs nothing but an answer, recognised from its headers and its envelope alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import orjson
from starlette.types import Scope

MODERN = "2026-07-28"
_META = "io.modelcontextprotocol/"
_WATCHED = (
    b"accept", b"content-type", b"mcp-protocol-version", b"mcp-session-id", b"mcp-method", b"mcp-name",
)  # fmt: skip
_HANDSHAKE = frozenset((None, "2025-03-26", "2025-06-18", "2025-11-25"))
_ANSWERS = (
    frozenset(("*/*", "application/*", "application/json")),
    frozenset(("*/*", "text/*", "text/event-stream")),
)
_CALL_KEYS = frozenset(("name", "arguments", "_meta"))
_LIST_KEYS = frozenset(("_meta",))


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A `tools/call` or `tools/list`. `session` is None in the modern era, which has none."""

    id: str | int
    method: str
    name: str
    params: Mapping[str, Any]
    meta: Mapping[str, Any]
    session: str | None


def headers_of(scope: Scope) -> dict[bytes, str] | None:
    """The headers that decide, by name; None when one of them stands there twice."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in _WATCHED:
            if name in found:
                return None
            found[name] = value.decode("latin-1")
    return found


def parsed(body: bytes) -> dict[str, Any] | None:
    """The message, unless it is none that this module could know."""
    try:
        message = orjson.loads(body)
    except ValueError:
        return None
    return message if isinstance(message, dict) and message.get("jsonrpc") == "2.0" else None


def is_id(value: Any) -> TypeGuard[str | int]:
    """Whether `value` can name a request."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def plain_request(message: Mapping[str, Any], headers: Mapping[bytes, str]) -> PlainRequest | None:
    """None for everything that the SDK had better look at: other methods, mistakes, streams, extensions."""
    method, number = message.get("method"), message.get("id")
    params = message.get("params") or {}
    if method not in ("tools/call", "tools/list") or not is_id(number) or not isinstance(params, dict):
        return None
    if not takes_json(headers):
        return None
    is_call = method == "tools/call"
    name, arguments = params.get("name", ""), params.get("arguments")
    meta = params.get("_meta") or {}
    if not params.keys() <= (_CALL_KEYS if is_call else _LIST_KEYS) or not isinstance(meta, dict):
        return None
    if is_call and not (isinstance(name, str) and name and (arguments is None or isinstance(arguments, dict))):
        return None
    if "progressToken" in meta or f"{_META}logLevel" in meta:
        return None
    session = headers.get(b"mcp-session-id")
    if headers.get(b"mcp-protocol-version") == MODERN:
        fits = session is None and is_modern(meta, headers, str(method), name)
    else:
        fits = session is not None and headers.get(b"mcp-protocol-version") in _HANDSHAKE
    return PlainRequest(number, str(method), name, params, meta, session) if fits else None


def takes_answers(headers: Mapping[bytes, str]) -> bool:
    """Whether a request of 2026-07-28 takes both forms of an answer; the SDK says nothing where it does not.

    Of the older versions the SDK has words for it.
    """
    if headers.get(b"mcp-protocol-version") != MODERN or takes_json(headers):
        return True
    kinds = {kind.partition(";")[0].strip().lower() for kind in headers.get(b"accept", "").split(",")}
    return all(kinds & forms for forms in _ANSWERS)


def takes_json(headers: Mapping[bytes, str]) -> bool:
    """Whether a request sends JSON and takes it, or a stream of events, for an answer."""
    accept = headers.get(b"accept", "")
    if "application/json" not in accept or "text/event-stream" not in accept:
        return False
    return headers.get(b"content-type", "").partition(";")[0].strip() == "application/json"


def is_modern(meta: Mapping[str, Any], headers: Mapping[bytes, str], method: str, name: str) -> bool:
    """Whether headers and `_meta` say the same of a request of 2026-07-28, and say all."""
    capabilities, client = meta.get(f"{_META}clientCapabilities"), meta.get(f"{_META}clientInfo")
    return (
        meta.get(f"{_META}protocolVersion") == MODERN
        and isinstance(capabilities, dict)
        and (client is None or (isinstance(client, dict) and {"name", "version"} <= client.keys()))
        and headers.get(b"mcp-method") == method
        and headers.get(b"mcp-name", "") == name
    )
