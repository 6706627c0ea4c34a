"""What the gateway answers when it can't pass on a call: JSON-RPC errors of the range that is left to servers."""

from __future__ import annotations

from typing import Any

RATE_LIMITED = -32001
RESOURCE_NOT_FOUND = -32002
"""Of earlier protocol versions; the specification says that it is never used again."""
CIRCUIT_OPEN = -32003
UPSTREAM_FAILED = -32004
UPSTREAM_TIMEOUT = -32005
ERAS_APART = -32007
"""What one side says has no words in the protocol version of the other. (-32006: the client took its call back.)"""
WAITS_FOR_APPROVAL = -32008
APPROVAL_NEEDED = -32009
MISSING_CAPABILITY = -32021
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603


class CallFailed(Exception):
    """A JSON-RPC error for the caller. `message` is safe to show; `data` is JSON (often `retry_after`, seconds).

    `by_server`: it is the MCP server's own answer, as it wrote it.
    """

    def __init__(self, code: int, message: str, data: Any = None, *, by_server: bool = False) -> None:
        super().__init__(message)
        self.by_server = by_server
        self.code = code
        self.message = message
        self.data = data
        self.not_made = False
        """Whether it is known that what was asked never reached its server."""


def unknown_tool(name: str) -> CallFailed:
    """The one answer for a tool that is not there and a tool that the caller may not know of."""
    return CallFailed(INVALID_PARAMS, f"Unknown tool: {name}")


def unknown_prompt(name: str) -> CallFailed:
    """The same for a prompt."""
    return CallFailed(INVALID_PARAMS, f"Unknown prompt: {name}")


def unknown_resource(uri: str, *, modern: bool) -> CallFailed:
    """The same for a resource."""
    message = f"Resource not found: {uri}. One that is in no list is read at the address of its server, /mcp/NAME."
    return CallFailed(INVALID_PARAMS if modern else RESOURCE_NOT_FOUND, message, {"uri": uri})


def waits_for_approval(name: str, *, owned: bool = False) -> CallFailed:
    """A tool that is new or has changed, called by somebody who may use its server, `owned`: their own one."""
    who = "its owner" if owned else "an admin of this GridBear"
    return CallFailed(
        WAITS_FOR_APPROVAL,
        f"The tool {name} is new or has changed, and waits for the approval of {who}.",
        {"reason": "waits_for_approval"},
    )


def approval_needed(name: str, approval_id: int, person: str, until: str) -> CallFailed:
    """The call waits until a person has said yes."""
    return CallFailed(
        APPROVAL_NEEDED,
        f"A call of {name} waits for the approval of {person}, who finds it in GridBear under Data → Tool approvals "
        f"(number {approval_id}), until {until}. Call again once it is given.",
        {"approval": approval_id, "state": "pending", "expires_at": until},
    )


def approval_denied(name: str, approval_id: int, person: str) -> CallFailed:
    """A person has said no."""
    return CallFailed(
        APPROVAL_NEEDED,
        f"{person} refused a call of {name}. Don't try again; ask them.",
        {"approval": approval_id, "state": "denied"},
    )


def changed_meanwhile(name: str) -> CallFailed:
    """What was approved is not what is there now, or wants an approval that it did not before."""
    return CallFailed(
        APPROVAL_NEEDED,
        f"The tool {name} or the rules for it have changed while the call waited: call again, and its person is asked.",
        {"state": "ended"},
    )


def replaced(server: str) -> CallFailed:
    """The server's record is another one now, or gone; the call was not made."""
    text = f"The MCP server {server} was changed or switched off while the call waited for it: call again."
    return CallFailed(UPSTREAM_FAILED, text, {"server": server})


def cut_off(server: str) -> CallFailed:
    """The same while the server was at it."""
    text = f"The MCP server {server} was changed or switched off during the call. The call may have had its effect."
    return CallFailed(UPSTREAM_FAILED, text, {"server": server})


def too_many_wait(name: str, limit: int, retry_after: float) -> CallFailed:
    """No more questions until one is decided; or forgotten, which is in `retry_after` seconds at the latest."""
    return CallFailed(
        APPROVAL_NEEDED,
        f"A call of {name} needs an approval, and {limit} calls wait for one already (mcp_approvals_waiting).",
        {"limit": "mcp_approvals_waiting", "state": "not_asked", "retry_after": round(retry_after, 3)},
    )


def rate_limited(server: str, retry_after: float, per_minute: float, burst: int, *, own: bool = False) -> CallFailed:
    """Over the limit per person and server; `own`: that of the server's record."""
    return CallFailed(
        RATE_LIMITED,
        f"Rate limit of the MCP server {server} reached: {per_minute:g} calls per minute and person, "
        f"at most {burst} at once. Try again in {max(1, round(retry_after + 0.5))} s.",
        {"limit": "rate_per_minute" if own else "mcp_rate_per_minute", "retry_after": round(retry_after, 3)},
    )


def circuit_open(server: str, retry_after: float) -> CallFailed:
    """The server failed too often; it is left alone for a while."""
    return CallFailed(
        CIRCUIT_OPEN,
        f"The MCP server {server} failed too often and is left alone for now. "
        f"Try again in {max(1, round(retry_after + 0.5))} s.",
        {"limit": "circuit_breaker", "retry_after": round(retry_after, 3)},
    )
