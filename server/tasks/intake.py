"""A new task on its way into the file: it is stored while its person has room for it and what it is for still holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from server.access.actor import SYSTEM
from server.config import SettingsHolder
from server.errors import RateLimited
from server.models.task import OPEN_SQL
from server.records.planning import Result, plan_create
from server.records.service import Records
from server.records.shelf import Shelf
from server.records.steady import steady_write
from server.records.work import Work
from server.tasks.looks import MODEL

Check = Callable[[Work], None]
"""Called in the unit that stores a task; what it raises keeps the task from being stored."""


class Intake:
    """Looks in the unit that stores: of many tasks that come at once, each finds those before it."""

    def __init__(self, records: Records, settings: SettingsHolder) -> None:
        self._records = records
        self._settings = settings

    @property
    def shelf(self) -> Shelf:
        return self._records.shelf

    @steady_write
    async def store(self, values: Mapping[str, Any], check: Check | None) -> dict[str, Any]:
        """The stored task. Raises RateLimited, Conflict when there is one with its key, and what `check` raises."""
        owner_id: int | None = values["owner_id"]
        if owner_id is None and check is None:
            return await self._records.create(SYSTEM, MODEL, values)
        planned = await plan_create(self.shelf, SYSTEM, MODEL, values)
        most = self._settings.current.tasks_open_per_person

        def run(work: Work, results: list[Any]) -> Result:
            if owner_id is not None:
                _require_room(work, owner_id, most)
            if check is not None:
                check(work)
            return planned.run(work, results)

        stored = await self._records.work(SYSTEM, run, (MODEL,))
        row: dict[str, Any] = orjson.loads(stored.text)
        return row


def _require_room(work: Work, owner_id: int, most: int) -> None:
    [count] = work.transaction.execute(OPEN_SQL, {"owner_id": owner_id}).fetchone()
    if count >= most:
        raise RateLimited(
            f"You have {most} tasks waiting or running (tasks_open_per_person); wait for one or cancel it.",
            retry_after=5.0,
        )
