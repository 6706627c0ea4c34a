"""The queue of background tasks: each is a record before it runs, and its whole result stays in it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.errors import Busy, Conflict, Forbidden, GridBearError, NotFound, RateLimited, StorageFull
from server.records.service import Records
from server.records.times import now_text

log = logging.getLogger(__name__)

MODEL = "tasks"
PER_PERSON = 5
"""Tasks that one person may have waiting or running."""
OPEN_STATES = ("queued", "running")

Progress = Callable[[float], Awaitable[None]]
Runner = Callable[[Actor, dict[str, Any], Progress], Awaitable[Any]]
"""Does the work of one kind: the person it acts for, the input, a way to tell progress (0 to 1); returns JSON."""


class Tasks:
    """Submit, look at and cancel tasks. A task acts for the person who submitted it, with their rules of that time."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._runners: dict[str, Runner] = {}
        self._running: dict[int, asyncio.Task[None]] = {}

    def register(self, kind: str, runner: Runner) -> None:
        """Let `runner` do the tasks of `kind`."""
        self._runners[kind] = runner

    async def start(self) -> None:
        """Mark what the last process left unfinished: it can't be known how far it came, so it is not run again."""
        last = 0
        while left := await self._records.find(SYSTEM, MODEL, where={"status__in": OPEN_STATES, "id__gt": last}):
            for row in left:
                last = int(row["id"])
                await self._finish(last, "interrupted", error="GridBear was stopped while this was running.")

    async def stop(self) -> None:
        """End what runs; those tasks become interrupted."""
        running = list(self._running.values())
        for task in running:
            task.cancel("stopping")
        if running:
            await asyncio.wait(running, timeout=1.0)

    async def submit(self, actor: Actor, kind: str, title: str, given: dict[str, Any]) -> dict[str, Any]:
        """Store a task and start it. Raises RateLimited when the person has too many open ones."""
        if actor.user_id is None:
            raise Forbidden("A task belongs to a person; sign in as one.")
        runner = self._runners[kind]
        open_ = await self._records.find(
            SYSTEM, MODEL, where={"owner_id": actor.user_id, "status__in": OPEN_STATES}, limit=PER_PERSON
        )
        if len(open_) >= PER_PERSON:
            raise RateLimited(
                f"You have {PER_PERSON} tasks running already; wait for one or cancel it.", retry_after=5.0
            )
        row = await self._records.create(
            SYSTEM,
            MODEL,
            {
                "owner_id": actor.user_id,
                "key": f"task-{secrets.token_hex(16)}",
                "kind": kind,
                "title": title[:500],
                "status": "running",
                "input": given,
                "started_at": now_text(),
            },
        )
        task = asyncio.create_task(self._run(row["id"], actor, runner, given), name=row["key"])
        record_id = int(row["id"])
        self._running[record_id] = task
        task.add_done_callback(lambda _done: self._running.pop(record_id, None))
        return row

    async def of(self, actor: Actor, key: str) -> dict[str, Any]:
        """The task `key` of this person. Raises NotFound, also for somebody else's."""
        found = await self._records.find(SYSTEM, MODEL, where={"key": key, "owner_id": actor.user_id}, limit=1)
        if actor.user_id is None or not found:
            raise NotFound(f"You have no task {key!r}.")
        return found[0]

    async def listed(self, actor: Actor, status: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """The person's tasks, newest first."""
        if actor.user_id is None:
            return []
        where: dict[str, Any] = {"owner_id": actor.user_id}
        if status is not None:
            where["status"] = status
        return await self._records.find(SYSTEM, MODEL, where=where, sort="-id", limit=limit)

    async def cancel(self, actor: Actor, key: str) -> dict[str, Any]:
        """End a task. Raises NotFound, Conflict when it has ended already."""
        row = await self.of(actor, key)
        running = self._running.get(row["id"])
        if row["status"] not in OPEN_STATES or running is None:
            raise Conflict(f"The task has ended already: {row['status']}.", code="task_ended")
        running.cancel("cancelled")
        await asyncio.wait({running}, timeout=5.0)
        return await self.of(actor, key)

    async def _run(self, record_id: int, actor: Actor, runner: Runner, given: dict[str, Any]) -> None:
        async def progress(part: float) -> None:
            await self._records.update(SYSTEM, MODEL, record_id, {"progress": min(1.0, max(0.0, part))})

        try:
            result = await runner(actor, given, progress)
        except asyncio.CancelledError as error:
            if error.args == ("cancelled",):
                await asyncio.shield(self._finish(record_id, "cancelled"))
            else:
                text = "GridBear was stopped while this was running."
                await asyncio.shield(self._finish(record_id, "interrupted", error=text))
        except GridBearError as error:
            await self._finish(record_id, "failed", error=error.message)
        except Exception:
            log.exception("task %d failed", record_id)
            await self._finish(record_id, "failed", error="Something went wrong; the log has the details.")
        else:
            await self._finish(record_id, "completed", result=result)

    async def _finish(self, record_id: int, status: str, *, result: Any = None, error: str | None = None) -> None:
        values: dict[str, Any] = {"status": status, "finished_at": now_text(), "result": result, "error": error}
        if status == "completed":
            values["progress"] = 1.0
        try:
            await self._records.update(SYSTEM, MODEL, record_id, values)
        except GridBearError as failure:
            # A task without a last word would stay open for ever; its result alone could be what can't be stored.
            log.error("the result of task %d could not be stored: %s", record_id, failure.message)
            text = f"The result could not be stored: {failure.message}"
            # Its person may have been deleted; or the disk is full, and the next start marks it as interrupted.
            with contextlib.suppress(NotFound, StorageFull, Busy):
                await self._records.update(
                    SYSTEM, MODEL, record_id, {"status": "failed", "finished_at": now_text(), "error": text}
                )
