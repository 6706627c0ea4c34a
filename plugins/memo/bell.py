"""Tells people of what is due: each moment of each reminder once, and later when the computer was off or asleep.

What is to be told lies in the records alone. A notification is stored under a key of its reminder and moment first,
then the reminder is marked; a crash between the two tells nobody twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any

from server.plugin_api import PluginContext

from .book import MEMOS, now
from .moments import next_of, shown, stored_zone, to_text

LOOK_SECONDS = 30.0
"""The clock is looked at this often at least: it may have been set, or the computer have slept."""
MISSED = timedelta(minutes=2)
"""What is told later than this was missed."""
_PAGE = 100
_TITLE = 200


class Bell:
    """`ring` looks at the clock and tells what is due; `start` lets it be called when that is so."""

    def __init__(self, plugin: PluginContext) -> None:
        self._plugin = plugin
        self._news = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._worker = asyncio.create_task(self._work(), name="the bell of memo")

    async def stop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker

    def look(self) -> None:
        """Something was changed: look at once."""
        self._news.set()

    async def ring(self, moment: datetime) -> float:
        """Tell what is due. Returns the seconds until something else is, 30 at most."""
        waiting = {"state": "open", "told_at": None}
        due = {**waiting, "due_at__lte": to_text(moment)}
        while rows := await self._plugin.records.find(MEMOS, where=due, sort="due_at", limit=_PAGE):
            for row in rows:
                if not await self._tell(row, moment):
                    return LOOK_SECONDS
        rows = await self._plugin.records.find(MEMOS, where=waiting, sort="due_at", limit=1)
        until = (datetime.fromisoformat(rows[0]["due_at"]) - moment).total_seconds() if rows else LOOK_SECONDS
        return min(LOOK_SECONDS, until)

    async def _tell(self, row: dict[str, Any], moment: datetime) -> bool:
        due, zone = datetime.fromisoformat(row["due_at"]), stored_zone(row["time_zone"])
        following = next_of(row, moment)
        is_late = moment - due > MISSED
        title = f"Missed: {row['text']}" if is_late else row["text"]
        message = []
        if len(title) > _TITLE:
            title = title[: _TITLE - 1] + "…"
            message.append(row["text"])
        if is_late:
            message.append(f"It was due {shown(due, moment, zone)}, while GridBear was not running.")
        if following is not None:
            message.append(f"Next: {shown(following, moment, zone)}.")
        is_told = await self._plugin.notify(
            title,
            message="\n".join(message),
            severity="warning" if is_late else "info",
            category="reminder",
            action_url="#/memo",
            user_id=row["owner_id"],
            key=f"{row['id']} {row['due_at']}",
        )
        if is_told:
            change = {"told_at": to_text(moment)} if following is None else {"due_at": to_text(following)}
            await self._plugin.records.update(MEMOS, row["id"], change)
        return is_told

    async def _work(self) -> None:
        while True:
            self._news.clear()
            wait = LOOK_SECONDS
            try:
                wait = await self.ring(now())
            except Exception:
                # A full disk, say. What is due stays so.
                self._plugin.log.exception("reminders wait")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait)
