"""Looks after disk and file while the server runs: tells admins, checks the file, takes their decision."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from server.db.facts import damage
from server.db.storage import Condition, State, Storage
from server.errors import Conflict, GridBearError, StartupError
from server.records.notify import notify
from server.records.service import Records

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
CheckState = Literal["running", "whole", "damaged"]

_TITLES: dict[State, str] = {
    "ok": "The disk has room again",
    "logs_stopped": "The disk is nearly full: logs have stopped",
    "read_only": "The disk is full: nothing new is written",
    "recovery": "Trouble with the database file",
}


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A check of the whole file, and what it found."""

    state: CheckState
    at: datetime
    found: str = ""


class StorageWatch:
    """Made and used on the event loop; `run` goes on for as long as the server does."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.storage: Storage = records.shelf.store.storage
        self.last_check: FileCheck | None = None
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.storage.subscribe(self._noticed)

    async def run(self) -> None:
        """Look at disk and file again and again."""
        while True:
            self.storage.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def settled(self) -> None:
        """Wait until everything that a change set off is done."""
        await asyncio.sleep(0)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def start_check(self) -> FileCheck:
        """Begin to check the file in a thread, unless it is being checked already."""
        if self.last_check is None or self.last_check.state != "running":
            self.last_check = FileCheck("running", datetime.now(UTC))
            self._start(self._check())
        return self.last_check

    def space(self) -> dict[str, Any]:
        """Bytes of the database, of its write-ahead log, of its free pages, and of each log-like model with its cap."""
        shelf = self._records.shelf
        sizes = shelf.store.log_bytes()
        logs = {name: {"bytes": sizes.get(name, 0), "cap": shelf.cap_of(name)} for name in shelf.caps}
        return {**asdict(shelf.store.space()), "logs": logs}

    def go_on(self) -> None:
        """An admin's decision that the file is good. Raises Conflict unless a check has just found it whole."""
        condition, check = self.storage.condition, self.last_check
        if condition.state != "recovery":
            raise Conflict("There is no trouble with the database file.", code="not_in_recovery")
        if self.storage.file_trouble() is not None:
            raise Conflict(
                "The file that GridBear has open is not the one at its place. Stop GridBear, put the file back or "
                "restore a backup (`gridbear restore`), and start it again.",
                code="not_whole",
            )
        if check is None or check.state != "whole":
            raise Conflict(
                "The last check did not find the file whole. Check it again, or restore a backup (`gridbear restore`).",
                code="not_whole",
            )
        log.warning("an admin ended the recovery mode after a check that found the file whole")
        self.storage.leave_recovery()

    def _noticed(self, condition: Condition) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._changed, condition)

    def _changed(self, condition: Condition) -> None:
        if condition.state == "recovery":
            self.start_check()
        else:
            self._start(self._tell(condition))

    async def _check(self) -> None:
        trouble = self.storage.file_trouble()
        try:
            found = f"the file is {trouble}" if trouble else await asyncio.to_thread(damage, self.storage.path)
        except StartupError as error:
            log.warning("the database file could not be checked: %s", error.message)
            self.last_check = None
            return
        self.last_check = FileCheck("damaged" if found else "whole", datetime.now(UTC), found or "")
        log.warning("check of the database file: %s", found or "whole")

    async def _tell(self, condition: Condition) -> None:
        values = {
            "title": _TITLES[condition.state],
            "message": condition.message or "Everything is written again.",
            "severity": {"ok": "success", "logs_stopped": "warning"}.get(condition.state, "error"),
            "category": "storage",
            "source": "gridbear",
        }
        try:
            await notify(self._records, values, audience="admins")
        except GridBearError as error:
            log.warning("admins could not be told: %s", error.message)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End what is still running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
