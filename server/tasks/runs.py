"""What waits and what runs in this process: begun in its turn, broken off, tried again, and brought to its end."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from server.access.actor import SYSTEM
from server.config import SettingsHolder
from server.errors import GridBearError, NotFound
from server.events.hook_path import led_by
from server.records.service import Records
from server.records.times import now_text, to_text
from server.tasks.kinds import Kind, TaskFailed
from server.tasks.looks import MODEL
from server.tasks.report import Report, storable_text
from server.tasks.task_rows import TaskRows
from server.tasks.to_the_end import to_the_end
from server.tasks.waiting import Entry, Waiting
from server.tasks.welcome import Welcome

log = logging.getLogger(__name__)

_CANCEL_SECONDS = 5.0
_STOP_SECONDS = 1.0


class Runs:
    """The tasks that a queue has in hand. `kinds` are those that it knows, by name."""

    def __init__(self, records: Records, settings: SettingsHolder, welcome: Welcome, rows: TaskRows) -> None:
        self.kinds: dict[str, Kind] = {}
        self._records = records
        self._settings = settings
        self._welcome = welcome
        self._rows = rows
        self._waiting = Waiting()
        self._delayed: dict[int, asyncio.TimerHandle] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._begun: dict[int, Entry] = {}
        self._cancelled: set[int] = set()
        self._stopping = False

    async def forget(self, name: str) -> None:
        """Know a kind no more, and end what runs of it."""
        self.kinds.pop(name, None)
        running = {self._running[record_id] for record_id, entry in self._begun.items() if entry.kind == name}
        # A task may end its own plugin.
        running.discard(asyncio.current_task())
        await _end(running, _CANCEL_SECONDS)

    async def stop(self) -> None:
        """End what runs, and begin nothing more."""
        self._stopping = True
        for timer in self._delayed.values():
            timer.cancel()
        await _end(set(self._running.values()), _STOP_SECONDS)

    def wait(self, entry: Entry, seconds: float = 0.0) -> None:
        """Let a task that does not run already wait for its turn, which does not come before so many seconds."""
        if entry.record_id not in self._running:
            self._later(entry, seconds)

    def begin(self) -> None:
        """Begin what may begin."""
        limits = {name: kind.at_once for name, kind in self.kinds.items()}
        per_person = self._settings.current.tasks_at_once_per_person
        while not self._stopping and (entry := self._waiting.take(limits, per_person)) is not None:
            # Whoever's end or hook it was that made room, it does not lead to this: what it was submitted by does.
            with led_by(entry.led_by):
                task = asyncio.create_task(self._run(entry), name=f"task {entry.record_id}")
            self._running[entry.record_id] = task
            self._begun[entry.record_id] = entry
            task.add_done_callback(partial(self._ended, entry))

    async def withdraw(self, record_id: int) -> tuple[bool, bool]:
        """Cancel a task. Whether it ran, whose end is then written already, and whether it waited."""
        running = self._running.get(record_id)
        if running is not None:
            self._cancelled.add(record_id)
            await _end({running}, _CANCEL_SECONDS)
        timer = self._delayed.pop(record_id, None)
        if timer is not None:
            timer.cancel()
        # It may have failed in that very moment, and wait to be tried again.
        waited = self._waiting.discard(record_id) or timer is not None
        return running is not None, waited

    def _later(self, entry: Entry, seconds: float) -> None:
        if seconds <= 0:
            self._waiting.add(entry)
            return
        self._delayed[entry.record_id] = asyncio.get_running_loop().call_later(seconds, self._due, entry)

    def _due(self, entry: Entry) -> None:
        self._delayed.pop(entry.record_id, None)
        self._waiting.add(entry)
        self.begin()

    def _ended(self, entry: Entry, task: asyncio.Task[None]) -> None:
        self._running.pop(entry.record_id, None)
        self._begun.pop(entry.record_id, None)
        if task.cancelled() and entry.record_id not in self._cancelled:
            # Its kind went before its first step: it waits for that again.
            self._waiting.add(entry)
        self._cancelled.discard(entry.record_id)
        self._waiting.ended(entry)
        self.begin()

    async def _run(self, entry: Entry) -> None:
        record_id, kind = entry.record_id, self.kinds[entry.kind]
        report = Report(partial(self._rows.store, record_id))
        attempts = 0
        try:
            row = await self._records.reveal(SYSTEM, MODEL, record_id)
            if row["status"] != "queued":
                # It was cancelled, or begun by another queue on the same file.
                return
            attempts = int(row["attempts"]) + 1
            report = Report(partial(self._rows.store, record_id), row["log"])
            begun = {"status": "running", "attempts": attempts, "started_at": now_text(), "not_before": None}
            await self._records.update(SYSTEM, MODEL, record_id, begun)
            result = await self._welcome.work(entry.owner_id, row["acting"], kind.run, row["input"], report)
        except asyncio.CancelledError:
            end = self._broken_off(entry, kind, attempts, report)
        except Exception as error:
            end = self._failed(entry, kind, attempts, error, report)
        else:
            end = self._completed(record_id, result, report)
        await to_the_end(end)

    async def _completed(self, record_id: int, result: Any, report: Report) -> None:
        told = await report.close()
        await self._rows.finish(record_id, "completed", **{**told, "progress": 1.0, "result": result, "error": None})

    async def _broken_off(self, entry: Entry, kind: Kind, attempts: int, report: Report) -> None:
        told = await report.close()
        if entry.record_id in self._cancelled:
            await self._rows.finish(entry.record_id, "cancelled", **told)
        elif kind.begins_again(attempts):
            await self._rows.store(entry.record_id, {**told, "status": "queued"})
            if not self._stopping:
                self._waiting.add(entry)
        else:
            await self._rows.interrupt(entry.record_id, kind, **told)

    async def _failed(self, entry: Entry, kind: Kind, attempts: int, error: Exception, report: Report) -> None:
        told = await report.close()
        if isinstance(error, NotFound) and attempts == 0:
            # Its person was deleted, and the task with them.
            return
        if isinstance(error, GridBearError):
            text = error.message
        else:
            log.error("task %d failed", entry.record_id, exc_info=error)
            text = "Something went wrong; the log has the details."
        told |= {"error": storable_text(text), "failure": error.failure if isinstance(error, TaskFailed) else None}
        delay = kind.delay(error, attempts)
        if delay is None:
            await self._rows.lose(entry.record_id, kind, "failed", **told)
            return
        until = to_text(datetime.now(UTC) + timedelta(seconds=delay))
        await self._rows.store(entry.record_id, {**told, "status": "queued", "not_before": until})
        self._later(entry, delay)


async def _end(running: set[asyncio.Task[None]], seconds: float) -> None:
    """Cancel these, and wait so long for them."""
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=seconds)
