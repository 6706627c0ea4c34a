"""How a request to an MCP server fails."""

from __future__ import annotations

from typing import Any

from server.limits.circuit_breaker import FailureKind

CONNECTION_CLOSED = -32000
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REFUSED_BY_HTTP = "Server returned an error response"
"""What the SDK makes of an HTTP status that is no success."""


class RequestFailed(Exception):
    """A request to the server was answered by a JSON-RPC error, or not at all.

    `kind` is set when the connection is to blame (None: the server answered, and that is its answer);
    `broken` when the connection is of no further use; `unread` when the words are ours, for an answer that is none;
    `not_run` when the server is known not to have run it. `status`: of the HTTP answer, 0 if there was none to tell.
    """

    def __init__(
        self,
        code: int,
        message: str,
        data: Any = None,
        kind: FailureKind | None = None,
        broken: bool = False,
        *,
        unread: bool = False,
        not_run: bool = False,
        status: int = 0,
    ) -> None:
        super().__init__(message)
        self.unread = unread
        self.not_run = not_run
        self.status = status
        self.code = code
        self.message = message
        self.data = data
        self.kind = kind
        self.broken = broken


def connection_closed(reason: str) -> RequestFailed:
    """The connection ended before the answer came."""
    return RequestFailed(CONNECTION_CLOSED, reason, None, "transport", True)


def session_gone() -> RequestFailed:
    """The server does not know our session any more, and so has looked at nothing of the request."""
    reason = "it does not know its session any more, as after a restart"
    return RequestFailed(CONNECTION_CLOSED, reason, None, "transport", True, not_run=True)


def unsendable(reason: Exception) -> RequestFailed:
    """The request can't be written."""
    return RequestFailed(INVALID_PARAMS, f"The request can't be passed on: {reason}.")


def no_answer(reason: str) -> RequestFailed:
    """What came can't be understood."""
    return RequestFailed(INTERNAL_ERROR, f"its answer is no valid MCP: {reason}", unread=True)


def too_large(limit: int) -> RequestFailed:
    """What came is longer than `limit` bytes."""
    return RequestFailed(INTERNAL_ERROR, f"its answer is larger than {limit >> 20} MB", unread=True)


def http_status(status: int) -> RequestFailed:
    """It answered with a status, and nothing else that says why."""
    kind: FailureKind | None = "slow" if status >= 500 else None
    return RequestFailed(INTERNAL_ERROR, f"it answered with HTTP {status}", None, kind, unread=True, status=status)


def result_of(message: dict[str, Any]) -> dict[str, Any]:
    """The result of a JSON-RPC answer. Raises RequestFailed for an error and for what is neither."""
    result = message.get("result")
    if isinstance(result, dict):
        return result
    error = message.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        raise RequestFailed(error["code"], str(error.get("message", "")), error.get("data"))
    raise no_answer("neither a result nor an error")


_LISTS = {
    "tools/call": "content",
    "tools/list": "tools",
    "prompts/get": "messages",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/read": "contents",
    "resources/templates/list": "resourceTemplates",
}
"""What each result is there for: a list of objects."""


def checked(method: str, result: dict[str, Any]) -> dict[str, Any]:
    """The result, if it has what its method promises. Raises RequestFailed."""
    if result.get("resultType", "complete") != "complete":
        return result
    if method == "completion/complete":
        fits = isinstance(result.get("completion"), dict)
    elif (name := _LISTS.get(method)) is not None:
        found = result.get(name)
        fits = isinstance(found, list) and all(isinstance(one, dict) for one in found)
        if method == "tools/call" and fits:
            fits = all(isinstance(block.get("type"), str) for block in found or ())
    else:
        fits = True
    if not fits:
        missing = _LISTS.get(method, method)
        raise no_answer(f"a result without {missing}")
    return result
