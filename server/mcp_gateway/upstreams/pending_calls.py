"""Requests that wait for their answer, beside the SDK on one connection: ours have ids that the SDK never gives."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from server.mcp_gateway.caller import Progress
from server.mcp_gateway.upstreams.request_failed import connection_closed
from server.mcp_gateway.wire import to_wire

OWN_ID = b'"gb-'
"""In every message that answers one of ours; the SDK's ids are numbers."""
_numbers = itertools.count(1)


class PendingCall:
    """One call on its way. `id` is also its progress token."""

    def __init__(self, progress: Progress | None) -> None:
        self.id = f"gb-{next(_numbers)}"
        self.answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._progress = progress
        self._reports: list[asyncio.Task[None]] = []

    def request(self, method: str, params: dict[str, Any]) -> bytes:
        """The message with `params`, whose `_meta` must be there."""
        params["_meta"]["progressToken"] = self.id
        return to_wire({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})

    def take(self, message: Any) -> bool:
        """Use a message of the server; False when it is none of this call's."""
        if not isinstance(message, dict):
            return False
        if message.get("id") == self.id and "method" not in message:
            if not self.answer.done():
                self.answer.set_result(message)
            return True
        if message.get("method") != "notifications/progress":
            return False
        params = message.get("params")
        if not isinstance(params, dict) or params.get("progressToken") != self.id:
            return False
        done, total, text = params.get("progress"), params.get("total"), params.get("message")
        if self._progress is not None and isinstance(done, int | float):
            # Not awaited here: a client that reads slowly must not hold up the others of this connection.
            report: Any = self._progress(done, total, text)
            self._reports.append(asyncio.get_running_loop().create_task(report))
        return True

    async def wait(self) -> dict[str, Any]:
        """The answer, after all progress before it was passed on."""
        try:
            message = await self.answer
            if self._reports:
                await asyncio.gather(*self._reports, return_exceptions=True)
            return message
        finally:
            for report in self._reports:
                report.cancel()

    def fail(self, reason: str) -> None:
        """The connection is gone."""
        if not self.answer.done():
            self.answer.set_exception(connection_closed(reason))
