"""Results of our own tools, in the form of tools/call."""

from __future__ import annotations

from typing import Any

import orjson

from server.errors import GridBearError


def result(answer: dict[str, Any], *, is_error: bool = False) -> dict[str, Any]:
    """`answer` as structured content, and the same as text for clients that read only that."""
    content = [{"type": "text", "text": orjson.dumps(answer).decode()}]
    return {"content": content, "structuredContent": answer, "isError": is_error}


def refusal(message: str, code: str = "invalid_arguments") -> dict[str, Any]:
    """A result that says what was wrong, so that a model can do better the next time."""
    return result({"error": _sendable(message), "code": code}, is_error=True)


def failure(error: GridBearError) -> dict[str, Any]:
    """An error of the program as a result, fields and waiting time included."""
    answer: dict[str, Any] = {"error": _sendable(error.message), "code": error.code}
    if error.fields:
        answer["fields"] = {
            _sendable(name): {"code": it.code, "message": _sendable(it.message)} for name, it in error.fields.items()
        }
    if error.retry_after is not None:
        answer["retry_after"] = error.retry_after
    return result(answer, is_error=True)


def _sendable(text: str) -> str:
    # A message may repeat a name that a client made up, halves of characters included.
    return text.encode("utf-8", "replace").decode()
