"""Requests that wait for their answer, beside the SDK on one connection: ours have ids that the SDK never gives."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from typing import Any

from server.mcp_gateway.caller import Progress
from server.mcp_gateway.messages.tap import UNWATCHED, Tap
from server.mcp_gateway.upstreams.request_failed import RequestFailed, unsendable
from server.mcp_gateway.wire import Unwritable, to_wire

OWN_ID = b'"gb-'
"""In every message that answers one of ours; the SDK's ids are numbers."""
ABANDONED = "nobody waits for the answer"
"""What a server is told of a call that its client has given up."""
_MAX_REPORTS = 32
"""Of progress, that wait for a client who reads slowly; older ones are left out."""
_MAX_REPORTED_SIGNS = 1 << 20
"""Of all their texts; the newest one may be longer."""
_LAST_REPORTS_SECONDS = 5.0
"""So long an answer waits for the progress that was told before it."""
_numbers = itertools.count(1)


class PendingCall:
    """One call on its way. `id` is also its progress token."""

    def __init__(self, progress: Progress | None, tap: Tap = UNWATCHED) -> None:
        self.id = f"gb-{next(_numbers)}"
        self.answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._progress = progress
        self._tap = tap
        self._reports: deque[tuple[float, float | None, str | None]] = deque(maxlen=_MAX_REPORTS)
        self._reporting: asyncio.Task[None] | None = None

    def request(self, method: str, params: dict[str, Any]) -> bytes:
        """The message with `params`, whose `_meta` must be there. Raises RequestFailed when it can't be written."""
        params["_meta"]["progressToken"] = self.id
        message = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}
        try:
            written = to_wire(message)
        except Unwritable as error:
            raise unsendable(error) from error
        if self._tap.watch.ring is not None:
            self._tap.to_server(message)
        return written

    def take(self, message: Any) -> bool:
        """Use a message of the server; False when it is none of this call's."""
        if not isinstance(message, dict):
            return False
        if message.get("id") == self.id and "method" not in message:
            self.heard(message)
            if not self.answer.done():
                self.answer.set_result(message)
            return True
        if message.get("method") != "notifications/progress":
            return False
        params = message.get("params")
        if not isinstance(params, dict) or params.get("progressToken") != self.id:
            return False
        self.heard(message)
        done, total, text = params.get("progress"), params.get("total"), params.get("message")
        if self._progress is not None and isinstance(done, int | float):
            self._reports.append((done, total, text if isinstance(text, str) else None))
            while len(self._reports) > 1 and sum(len(one[2] or "") for one in self._reports) > _MAX_REPORTED_SIGNS:
                self._reports.popleft()
            # Not awaited here: a client that reads slowly must not hold up the others of this connection.
            if self._reporting is None or self._reporting.done():
                self._reporting = asyncio.get_running_loop().create_task(self._report(self._progress))
        return True

    def heard(self, message: dict[str, Any]) -> None:
        """A message of the server is this call's: an admin may watch what passes."""
        if self._tap.watch.ring is not None:
            self._tap.from_server(message)

    def lost(self, reason: str) -> None:
        """The call ends without an answer: an admin may watch that too."""
        if self._tap.watch.ring is not None:
            self._tap.lost(self.id, reason)

    async def wait(self) -> dict[str, Any]:
        """The answer, after all progress before it was passed on."""
        try:
            message = await self.answer
            if self._reporting is not None:
                # A client that does not read its progress is no reason to say that the server is slow.
                await asyncio.wait((self._reporting,), timeout=_LAST_REPORTS_SECONDS)
            return message
        finally:
            if self._reporting is not None:
                self._reporting.cancel()

    def fail(self, error: RequestFailed) -> None:
        """No answer will come."""
        if not self.answer.done():
            self.answer.set_exception(error)

    async def _report(self, progress: Progress) -> None:
        # A client that can't be told of progress may still get its answer.
        with contextlib.suppress(Exception):
            while self._reports:
                await progress(*self._reports.popleft())
