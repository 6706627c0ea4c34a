"""Requests of one server that it has no answer to yet: so many, and what comes beyond them is not heard."""

from __future__ import annotations

import mcp_types as types
from mcp.shared.message import SessionMessage

MOST = 200
_CANCELLED = "notifications/cancelled"


class OpenQuestions:
    """Of one connection. A server that asks and never reads would fill the memory: each question is a task."""

    def __init__(self) -> None:
        self._open: set[str] = set()

    def admits(self, item: SessionMessage | Exception) -> bool:
        """Whether a message of the server is passed on. One with an id that is in use is not."""
        message = None if isinstance(item, Exception) else item.message
        if isinstance(message, types.JSONRPCRequest):
            # 7 and "7" are one id for the SDK.
            number = str(message.id)
            if number in self._open or len(self._open) >= MOST:
                return False
            self._open.add(number)
        elif isinstance(message, types.JSONRPCNotification) and message.method == _CANCELLED:
            # It gets no answer any more.
            self._open.discard(str((message.params or {}).get("requestId")))
        return True

    def answered(self, item: SessionMessage) -> None:
        """A message has gone to the server."""
        if isinstance(item.message, types.JSONRPCResponse | types.JSONRPCError):
            self._open.discard(str(item.message.id))
