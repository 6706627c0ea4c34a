"""Makes backups when they are due, and tells admins what went wrong while nobody looked."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Literal

from server.access.actor import SYSTEM
from server.backup.schedule import parse_schedule
from server.backup.service import BackupService
from server.config import SettingsHolder
from server.errors import Busy, Conflict, GridBearError
from server.records.notify import notify
from server.records.service import Records
from server.records.times import from_text

TICK_SECONDS = 30.0
RETRY = timedelta(hours=1)
SOURCE = "backups"

log = logging.getLogger(__name__)


class Scheduler:
    """`tick` looks at the clock and does what is due; a moment that was slept through is due at once."""

    def __init__(self, service: BackupService, records: Records, settings: SettingsHolder) -> None:
        self._service = service
        self._records = records
        self._settings = settings
        self._failed_at: datetime | None = None

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            try:
                await self.tick()
            except Exception:
                # Whatever it is, the backups of the coming nights must not end with it.
                log.exception("backups could not be looked after")
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self) -> None:
        """Do what is due now."""
        await self._tell_of_restore()
        if await self._is_due():
            await self._make()
        await self._service.tend()

    async def _is_due(self) -> bool:
        plan = parse_schedule(self._settings.current.backup_schedule)
        now = self._service.clock()
        if plan is None or (self._failed_at is not None and timedelta(0) <= now - self._failed_at < RETRY):
            return False
        last = await self._service.last_made() or await self._set_up_at()
        return last is not None and plan.is_due(last, now)

    async def _make(self) -> None:
        try:
            made = await self._service.make(SYSTEM, reason="scheduled", without_phrase=True)
        except (Busy, Conflict):
            # Another one is being made, or the server stops: the next tick looks again.
            return
        except GridBearError as error:
            self._failed_at = self._service.clock()
            log.error("the scheduled backup failed: %s", error.message)
            await self._tell("error", "The scheduled backup failed", error.message)
            return
        self._failed_at = None
        if made["secrets"] == "not included":
            await self._tell(
                "warning",
                "Backups are without your secrets",
                "Nobody has kept a recovery phrase yet. Keep one, so that a backup can bring passwords and keys back.",
            )
        if self._service.copies_problem is not None:
            await self._tell("warning", "The backup was not copied to the other folder", self._service.copies_problem)

    async def _set_up_at(self) -> datetime | None:
        people = await self._records.find(SYSTEM, "users", sort="id", limit=1)
        return from_text(people[0]["created_at"]) if people else None

    async def _tell_of_restore(self) -> None:
        report = self._service.untold_report()
        if report is None:
            return
        outcome, text = report
        if outcome == "failed":
            await self._tell("error", "Restoring failed, and nothing was changed", text)
        else:
            await self._tell("success", "A backup was restored", text)
        await self._records.note(f"restore_{outcome}", SYSTEM, detail=text)
        self._service.report_was_told()

    async def _tell(self, severity: Literal["success", "warning", "error"], title: str, message: str) -> None:
        told = await self._records.find(
            SYSTEM, "notifications", where={"source": SOURCE, "title": title, "message": message, "is_read": False}
        )
        if not told:
            values = {"severity": severity, "title": title, "message": message, "category": "backup", "source": SOURCE}
            await notify(self._records, values, audience="admins")
