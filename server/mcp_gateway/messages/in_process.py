"""Calls of servers in this program: no wire is between, so they are noted as the messages that they stand for."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable
from typing import Any

from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.messages.tap import MessageWatch, Tap

_numbers = itertools.count(1)


async def noted(
    watch: MessageWatch, tool: str, arguments: dict[str, Any] | None, call: Awaitable[dict[str, Any]]
) -> dict[str, Any]:
    """The result of `call`. Raises what it raises."""
    tap, number = Tap(watch), next(_numbers)
    params: dict[str, Any] = {"name": tool}
    if arguments is not None:
        params["arguments"] = arguments
    tap.to_server({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
    try:
        result = await call
    except CallFailed as failure:
        error = {"code": failure.code, "message": failure.message, "data": failure.data}
        tap.from_server({"jsonrpc": "2.0", "id": number, "error": error})
        raise
    tap.from_server({"jsonrpc": "2.0", "id": number, "result": result})
    return result
