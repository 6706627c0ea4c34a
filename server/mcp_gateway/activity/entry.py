"""One call as the log keeps it: cheap to note when the call ends, made a row in a thread of the log's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson

from server.access.actor import Actor
from server.mcp_gateway.activity.redaction import Redactor
from server.records.times import to_text


class Entry:
    """What a row is made from. Arguments and result are not yet redacted; bytes are their JSON."""

    __slots__ = (
        "actor", "arguments", "at", "client", "code", "error", "outcome", "request_id", "result", "seconds", "server",
        "size", "tool",
    )  # fmt: skip

    actor: Actor
    arguments: Any
    at: float
    """When it began, in seconds since the epoch."""
    client: str | None
    code: int | None
    error: str | None
    outcome: str
    request_id: str | None
    result: Any
    seconds: float
    server: str | None
    size: int
    """Bytes, about, that it takes while it waits."""
    tool: str

    def row(self, redactor: Redactor) -> dict[str, Any]:
        """Its columns, without secrets. May be called in any thread."""
        at = to_text(datetime.fromtimestamp(self.at, UTC))
        return {
            "server": self.server,
            "tool": _storable(redactor.text(self.tool)),
            "outcome": self.outcome,
            "duration_ms": round(self.seconds * 1000, 3),
            "error": _text(redactor, self.error),
            "error_code": self.code,
            "arguments": _json(redactor, self.arguments),
            "result": _json(redactor, self.result),
            "client": _text(redactor, self.client),
            "user_name": self.actor.username or self.actor.kind,
            "through": self.actor.kind,
            "owner_id": self.actor.user_id,
            "request_id": self.request_id,
            "created_at": at,
            "updated_at": at,
        }


def _text(redactor: Redactor, text: str | None) -> str | None:
    return None if text is None else _storable(redactor.text(text))


def _json(redactor: Redactor, value: Any) -> str | None:
    if value is None:
        return None
    try:
        whole = (value if isinstance(value, bytes) else orjson.dumps(value)).decode()
        if redactor.finds_nothing(whole):
            return whole
        if isinstance(value, bytes):
            value = orjson.loads(value)
        return orjson.dumps(redactor.value(value)).decode().replace("\\u0000", "\\ufffd")
    except orjson.JSONEncodeError:
        # Numbers of more than 64 bits, and text that is no valid Unicode.
        return _storable(json.dumps(redactor.value(value), ensure_ascii=False))


def _storable(text: str) -> str:
    """Without what the file does not take."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
