"""What a running task tells: how far it is, what it does, and lines of a log. Stored now and then, not each time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from server.records.times import now_text

STORE_SECONDS = 0.5
"""Progress is stored at most this often; what was told last is never lost."""
LOG_LINES = 200
LINE_LENGTH = 500
_MESSAGE_LENGTH = 1000

Store = Callable[[dict[str, Any]], Awaitable[None]]


def storable_text(text: str) -> str:
    """The text as a record can hold it: programs say all sorts of things, and none of it may cost a result."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class Report:
    """Handed to whoever does the work. `store` writes columns of the task's row."""

    def __init__(self, store: Store, log: str | None = None) -> None:
        self._store = store
        self._lines = deque((log or "").splitlines(), maxlen=LOG_LINES)
        self._logged = False
        self._changed: dict[str, Any] = {}
        self._storing: asyncio.Task[None] | None = None
        self._closed = False

    def progress(self, part: float | None = None, message: str | None = None) -> None:
        """Tell how much is done (0 to 1) and what is being done."""
        if part is not None:
            self._changed["progress"] = min(1.0, max(0.0, part))
        if message is not None:
            self._changed["message"] = storable_text(message[:_MESSAGE_LENGTH])
        self._soon()

    def log(self, text: str) -> None:
        """Add a line to the log, of which the last 200 are kept."""
        for line in storable_text(text).splitlines():
            self._lines.append(f"{now_text()} {line}"[:LINE_LENGTH])
        self._logged = True
        self._soon()

    async def close(self) -> dict[str, Any]:
        """Nothing is stored by itself any more. The columns that are still to be stored."""
        self._closed = True
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.wait({self._storing})
        return self._take()

    def _take(self) -> dict[str, Any]:
        columns, self._changed = self._changed, {}
        if self._logged:
            columns["log"], self._logged = "\n".join(self._lines), False
        return columns

    def _soon(self) -> None:
        if self._storing is None and not self._closed:
            self._storing = asyncio.create_task(self._keep_storing())

    async def _keep_storing(self) -> None:
        # The first word at once, the later ones together.
        while columns := self._take():
            try:
                await self._store(columns)
            except asyncio.CancelledError:
                self._changed = {**columns, **self._changed}
                raise
            await asyncio.sleep(STORE_SECONDS)
        self._storing = None
