"""Begins tasks when their schedules say so: each run once, also when the program ends in the middle of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from server.access.actor import SYSTEM, Actor
from server.errors import Busy, Conflict, Forbidden, GridBearError, NotFound, RateLimited, StorageFull
from server.events.bus import Bus, RecordChanged
from server.models.task import OPEN_STATES
from server.records.service import Records
from server.records.time_zones import local_zone
from server.records.times import from_text, to_text
from server.records.work import Work
from server.tasks.acting import actor_now, kept
from server.tasks.intake import Check
from server.tasks.queue import Tasks
from server.tasks.schedule_behaviour import SCHEDULES, TIMING, ScheduleBehaviour
from server.tasks.timing import timing_of

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""The clock is looked at this often at least: it may have been set, or the computer have slept."""
MISSED = timedelta(minutes=2)
"""A run that is later than this was missed."""
_PAGE = 500
_OVERTAKEN = "schedule_overtaken"


class Declared(NamedTuple):
    """A schedule that a plugin brings: the task's name, and one of `cron` and `every_seconds`."""

    name: str
    title: str
    cron: str | None
    every_seconds: int | None
    time_zone: str | None
    missed: str


class Schedules:
    """`tick` looks at the clock and begins what is due; `start` lets it be called when that is so."""

    def __init__(
        self, records: Records, bus: Bus, tasks: Tasks, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._records = records
        self._bus = bus
        self._tasks = tasks
        self._clock = clock
        self._news = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()
        records.behave(SCHEDULES, ScheduleBehaviour(records, tasks, clock))

    async def start(self) -> None:
        """From now on runs begin by themselves."""
        self._stack.callback(self._bus.subscribe(self._told, (SCHEDULES,)))
        worker = asyncio.create_task(self._work(), name="schedules")
        self._stack.push_async_callback(_cancelled, worker)

    async def stop(self) -> None:
        """No run begins by itself any more."""
        await self._stack.aclose()

    async def run(self, actor: Actor, schedule_id: int) -> dict[str, Any]:
        """Begin a run now, whatever the times say, for the schedule's owner. Returns the task.

        Raises NotFound, Forbidden, RateLimited, Conflict when nobody does such tasks just now.
        """
        spec = self._records.registry.get(SCHEDULES)
        self._records.policy.allow(actor, spec, "update")
        row = await self._records.get(actor, SCHEDULES, schedule_id)
        if not actor.is_admin and row["owner_id"] != actor.user_id:
            raise Forbidden("Only its owner and admins begin a run.")
        if not self._tasks.knows(row["task"]):
            raise Conflict(_nobody(row), code="unknown_kind")
        task = await self._submit(row, "")
        ran = {"last_run_at": to_text(self._clock()), "last_task": task["key"], "problem": None}
        # It may have been deleted meanwhile; the run has begun all the same.
        with contextlib.suppress(NotFound):
            await self._records.update(SYSTEM, SCHEDULES, schedule_id, ran)
        return task

    async def declare(self, plugin_id: str, declared: Sequence[Declared]) -> None:
        """Keep the schedules of a plugin as it declares them now. Whether one pauses is left as people chose."""
        rows = await self._records.find(SYSTEM, SCHEDULES, where={"plugin": plugin_id})
        known = {row["task"]: row for row in rows}
        for one in declared:
            kind = f"{plugin_id}.{one.name}"
            values = {"name": one.title, "task": kind, "cron": one.cron, "every_seconds": one.every_seconds,
                      "time_zone": one.time_zone or local_zone(), "missed": one.missed}  # fmt: skip
            timing_of({**values, "created_at": to_text(self._clock())})
            row = known.pop(kind, None)
            if row is None:
                await self._records.create(SYSTEM, SCHEDULES, {**values, "plugin": plugin_id, "owner_id": None})
            elif any(row[name] != value for name, value in values.items()):
                await self._records.update(SYSTEM, SCHEDULES, row["id"], {**values, "next_run_at": None})
        for row in known.values():
            await self._records.delete(SYSTEM, SCHEDULES, row["id"])
        self._news.set()

    async def tick(self) -> float:
        """Begin what is due. Returns the seconds until something else is, 30 at most."""
        now = self._clock()
        for row in await self._records.find(SYSTEM, SCHEDULES, where={"enabled": True, "next_run_at": None}):
            await self._plan(row, now, {})
        due = {"enabled": True, "next_run_at__lte": to_text(now)}
        for row in await self._records.find(SYSTEM, SCHEDULES, where=due, sort="next_run_at", limit=_PAGE):
            # What came before it took time, in which it may have been paused or changed.
            if self._is_still(row):
                await self._run_due(row, now)
        coming = {"enabled": True, "next_run_at__gt": to_text(now)}
        rows = await self._records.find(SYSTEM, SCHEDULES, where=coming, sort="next_run_at", limit=1)
        until = (from_text(rows[0]["next_run_at"]) - now).total_seconds() if rows else LOOK_SECONDS
        return min(LOOK_SECONDS, until)

    # Parts

    def _told(self, _event: RecordChanged) -> None:
        self._news.set()

    async def _work(self) -> None:
        while True:
            self._news.clear()
            wait = LOOK_SECONDS
            try:
                wait = await self.tick()
            except GridBearError as error:
                log.warning("schedules wait: %s", error.message)
            except Exception:
                log.exception("schedules wait")
            # Not `wait_for`, which in Python 3.11 loses an end that comes together with news.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()

    async def _run_due(self, row: Mapping[str, Any], now: datetime) -> None:
        due = from_text(row["next_run_at"])
        told: dict[str, Any] = {"problem": None}
        try:
            if row["missed"] == "skip" and now - due > MISSED:
                told["problem"] = f"The run of {row['next_run_at']} was missed."
            elif await self._still_runs(row):
                told["problem"] = "The run before it had not ended yet, so this one was left out."
            elif not self._is_still(row):
                return
            elif self._tasks.knows(row["task"]):
                key = f"schedule-{row['id']}-{due:%Y%m%d%H%M%S%f}"
                told |= {"last_run_at": to_text(now), "last_task": key}
                try:
                    await self._submit(row, key, partial(self._require_still, row))
                except Conflict as error:
                    if error.code == _OVERTAKEN:
                        return
                    # Else it was begun already, should the program have ended before that was noted here.
            else:
                told["problem"] = _nobody(row)
                if row["at"] is not None:
                    await self._wait(row, told["problem"])
                    return
        except (RateLimited, Busy, StorageFull) as error:
            await self._wait(row, error.message)
            return
        except GridBearError as error:
            told = {"problem": error.message[:1000]}
        await self._plan(row, now, told)

    async def _wait(self, row: Mapping[str, Any], problem: str) -> None:
        """It stays due. Told once, because telling wakes the next look."""
        if row["problem"] != problem[:1000]:
            await self._records.update(SYSTEM, SCHEDULES, row["id"], {"problem": problem[:1000]})

    async def _plan(self, row: Mapping[str, Any], now: datetime, told: dict[str, Any]) -> None:
        try:
            following = timing_of(row).next_after(now)
        except GridBearError as error:
            following, told = None, {**told, "problem": error.message[:1000]}
        planned = {"next_run_at": None, "enabled": False} if following is None else {"next_run_at": to_text(following)}

        def write(work: Work, _results: list[Any]) -> None:
            may = self._records.policy.permission(SYSTEM, work.prepared(SCHEDULES).spec, "update")
            # Who changed its times meanwhile has planned it, and what was read knows nothing of that.
            values = {**told, **planned} if self._is_still_in(work, row) else told
            work.change(SCHEDULES, row["id"], values, may, ("id",))

        # It may have been deleted meanwhile; the others go on.
        with contextlib.suppress(NotFound):
            await self._records.work(SYSTEM, write, (SCHEDULES,), always=True)

    async def _still_runs(self, row: Mapping[str, Any]) -> bool:
        if row["last_task"] is None:
            return False
        where = {"key": row["last_task"], "status__in": OPEN_STATES}
        return bool(await self._records.find(SYSTEM, "tasks", where=where, limit=1))

    def _is_still(self, row: Mapping[str, Any]) -> bool:
        return _is_as_read(row, self._records.look_up(SYSTEM, SCHEDULES, "id", row["id"]))

    def _is_still_in(self, work: Work, row: Mapping[str, Any]) -> bool:
        prepared = work.prepared(SCHEDULES)
        may = self._records.policy.permission(SYSTEM, prepared.spec, "update")
        return _is_as_read(row, work.stored(prepared, row["id"], may))

    def _require_still(self, row: Mapping[str, Any], work: Work) -> None:
        """Its task is stored in the same unit, so that no pause comes between this look and that."""
        if not self._is_still_in(work, row):
            raise Conflict("The schedule was paused or changed meanwhile.", code=_OVERTAKEN)

    async def _submit(self, row: Mapping[str, Any], key: str, check: Check | None = None) -> dict[str, Any]:
        actor = SYSTEM
        if row["plugin"] is None:
            actor = actor_now(self._records, row["owner_id"], kept(Actor(kind="schedule", credential_id=row["id"])))
        return await self._tasks.submit(actor, row["task"], row["name"], row["input"] or {}, key=key, check=check)


def _is_as_read(row: Mapping[str, Any], stored: Mapping[str, Any] | None) -> bool:
    """Whether a schedule still has the times, and the next run, that it had when it was read."""
    return stored is not None and all(stored[name] == row[name] for name in (*TIMING, "next_run_at"))


def _nobody(row: Mapping[str, Any]) -> str:
    return f"Nobody here does tasks of the kind {row['task']} just now."


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
