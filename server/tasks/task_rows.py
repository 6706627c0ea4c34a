"""What is written into the row of a task while it runs and at its end; it may have gone with its person meanwhile."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from server.access.actor import SYSTEM
from server.errors import Busy, GridBearError, NotFound, StorageFull
from server.records.service import Records
from server.records.times import now_text
from server.tasks.kinds import Kind
from server.tasks.looks import MODEL

log = logging.getLogger(__name__)

STOPPED = "This was running when GridBear, or the plugin that does it, was stopped."


class TaskRows:
    """A full disk, or a person who is gone and their tasks with them, is no error for whoever writes here."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def store(self, record_id: int, columns: dict[str, Any]) -> None:
        """Write columns of a task that goes on."""
        # A task's person may have been deleted; or the disk is full, and what is told of it can wait.
        with contextlib.suppress(NotFound, StorageFull, Busy):
            await self._records.update(SYSTEM, MODEL, record_id, columns)

    async def finish(self, record_id: int, status: str, **columns: Any) -> None:
        """Write a task's last word."""
        values = {**columns, "status": status, "finished_at": now_text(), "not_before": None}
        try:
            await self._records.update(SYSTEM, MODEL, record_id, values)
        except GridBearError as failure:
            # A task without a last word would stay open for ever; its result alone could be what can't be stored.
            if not isinstance(failure, NotFound):  # else it went with its person
                log.error("the result of task %d could not be stored: %s", record_id, failure.message)
            text = f"The result could not be stored: {failure.message}"
            await self.store(record_id, {"status": "failed", "finished_at": now_text(), "error": text})

    async def lose(self, record_id: int, kind: Kind | None, status: str, **columns: Any) -> None:
        """Write the last word of a task that did not end well, and tell its kind."""
        await self.finish(record_id, status, **columns)
        if kind is not None and kind.when_lost is not None:
            with contextlib.suppress(NotFound):
                await kind.when_lost(await self._records.reveal(SYSTEM, MODEL, record_id))

    async def interrupt(self, record_id: int, kind: Kind | None, **columns: Any) -> None:
        """Write that a task was stopped in the middle, and tell its kind."""
        await self.lose(record_id, kind, "interrupted", **columns, error=STOPPED)
