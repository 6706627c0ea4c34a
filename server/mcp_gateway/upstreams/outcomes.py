"""What a caller hears of a request that a server did not answer with a result."""

from __future__ import annotations

from typing import Any

from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import ERAS_APART, MISSING_CAPABILITY, UPSTREAM_FAILED, UPSTREAM_TIMEOUT, CallFailed
from server.mcp_gateway.upstreams.request_failed import RequestFailed

_MESSAGE_LENGTH = 1000


def answered(server: str, error: RequestFailed, caller: Caller, refused: str | None) -> CallFailed:
    """It answered with an error. `refused`: why a question that it asked before was not passed on."""
    if refused:
        return apart(server, refused, {"code": error.code, "message": error.message})
    if error.code == MISSING_CAPABILITY and not caller.modern:
        reason = "the client speaks an older protocol than the server, and can be asked nothing through it"
        return apart(server, reason, error.data)
    return CallFailed(error.code, error.message, error.data, by_server=True)


def apart(server: str, reason: str, answer: Any) -> CallFailed:
    """It wanted to ask, could not, and then did not do it: `answer` is what it said."""
    text = f"The MCP server {server} wanted to ask its client something, but {reason}."
    return CallFailed(ERAS_APART, text, {"server": server, "answer": answer})


def broke(server: str, error: RequestFailed, retry_after: float = 0.0) -> CallFailed:
    """The connection failed, or what came is no answer. `retry_after`: seconds until it may be called again."""
    text = f"The MCP server {server} failed during the call: {error.message}."
    if error.not_run:
        text += " The call was not run; try it again."
    elif error.kind == "transport" or error.unread:
        text += " The call may have had its effect."
    data: dict[str, Any] = {"server": server, **({"retry_after": round(retry_after, 3)} if retry_after else {})}
    failed = CallFailed(UPSTREAM_FAILED, text[:_MESSAGE_LENGTH], data)
    failed.not_made = error.not_run
    return failed


def silent(server: str, seconds: float) -> CallFailed:
    """Nothing came for too long."""
    return CallFailed(
        UPSTREAM_TIMEOUT,
        f"The MCP server {server} gave no sign of life for {seconds:g} s "
        "(mcp_call_timeout_seconds). The call may have had its effect.",
        {"limit": "mcp_call_timeout_seconds", "timeout_seconds": seconds},
    )


def list_failed(server: str, error: RequestFailed) -> CallFailed:
    """Its tools are not known anew."""
    text = f"The MCP server {server} could not list its tools: {error.message}."
    return CallFailed(UPSTREAM_FAILED, text[:_MESSAGE_LENGTH], {"server": server})
