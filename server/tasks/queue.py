"""The queue of background tasks: each is a record before it runs, and its whole result stays in it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson

from server.access.actor import SYSTEM, Actor
from server.config import SettingsHolder
from server.errors import Busy, Conflict, Forbidden, GridBearError, NotFound, StorageFull
from server.events.bus import Bus
from server.events.hook_path import led_by, path_of_task
from server.models.task import ASKED_BY_SQL
from server.records.service import Records
from server.records.times import from_text, now_text, to_text
from server.tasks.acting import kept
from server.tasks.intake import Check, Intake
from server.tasks.kinds import Kind, TaskFailed
from server.tasks.looks import MODEL, Looks
from server.tasks.report import Report
from server.tasks.to_the_end import to_the_end
from server.tasks.waiting import Entry, Waiting
from server.tasks.welcome import Welcome

log = logging.getLogger(__name__)

OPEN_STATES = ("queued", "running")
STOPPED = "This was running when GridBear, or the plugin that does it, was stopped."
_LISTED = (
    "id,key,kind,title,status,priority,progress,message,error,attempts,retry_of,created_at,updated_at,started_at,"
    "finished_at"
)
_PAGE, _CANCEL_SECONDS = 500, 5.0


class Tasks:
    """Submit, look at, cancel and retry tasks. A task acts for its person with the rights that they have when it runs.

    A task whose kind is not idempotent is begun once, whatever happens; the others at least once.
    """

    def __init__(self, records: Records, settings: SettingsHolder, bus: Bus) -> None:
        self._records = records
        self._welcome = Welcome(records, bus)
        self._settings = settings
        self._intake = Intake(records, settings)
        self._kinds: dict[str, Kind] = {}
        self._looks = Looks(records)
        self._waiting = Waiting()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._begun: dict[int, Entry] = {}
        self._cancelled: set[int] = set()
        self._delayed: dict[int, asyncio.TimerHandle] = {}
        self._stopping = False
        # What was submitted before `start`, and may run already: start must not take it for an earlier process's.
        self._early: set[int] | None = set()

    def register(self, kind: Kind) -> None:
        """Make a kind known. Tasks of it that wait already begin once the queue has started."""
        self._kinds[kind.name] = kind
        self._pump()

    async def unregister(self, name: str) -> None:
        """Forget a kind, and end what runs of it; tasks of it that wait go on waiting until it is known again."""
        self._kinds.pop(name, None)
        running = {self._running[record_id] for record_id, entry in self._begun.items() if entry.kind == name}
        # A task may end its own plugin.
        running.discard(asyncio.current_task())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_CANCEL_SECONDS)

    def knows(self, name: str) -> bool:
        """Whether there is such a kind now."""
        return name in self._kinds

    @property
    def schedulable(self) -> dict[str, str]:
        """The kinds that people may let run by a schedule, and what each does."""
        return {name: kind.schedulable for name, kind in sorted(self._kinds.items()) if kind.schedulable}

    async def start(self) -> None:
        """Go on where the last process ended: what waited waits, what ran is over unless it may be done twice."""
        last, early = 0, self._early or ()
        columns = "id,kind,owner_id,priority,status,attempts,not_before"
        while True:
            asked = (("status__in", ",".join(OPEN_STATES)), ("id__gt", str(last)), ("sort", "id"), ("fields", columns),
                     ("limit", str(_PAGE)), ("total", "false"))  # fmt: skip
            left = orjson.loads((await self._records.list_page(SYSTEM, MODEL, asked)).rows)
            for row in left:
                last = int(row["id"])
                if last not in early:
                    await self._take_over(row)
            if len(left) < _PAGE:
                break
        self._early = None
        self._pump()

    async def stop(self) -> None:
        """End what runs."""
        self._stopping = True
        for timer in self._delayed.values():
            timer.cancel()
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=1.0)

    async def submit(
        self,
        actor: Actor,
        kind: str,
        title: str,
        given: dict[str, Any],
        *,
        priority: int | None = None,
        retry_of: str = "",
        key: str = "",
        check: Check | None = None,
    ) -> dict[str, Any]:
        """Store a task and let it wait for its turn. Raises RateLimited when the person has too many open ones.

        Of several with one `key` the first is stored alone; the others raise Conflict. Without a `priority` it has
        that of its kind. It is not stored when `check` raises, which is called in the unit that stores it.
        """
        if actor.user_id is None and actor.kind != "system":
            raise Forbidden("A task belongs to a person; sign in as one.")
        known = self._kinds[kind]
        path = path_of_task(known.name)
        row = await self._intake.store(
            {
                "owner_id": actor.user_id,
                "key": key or f"task-{secrets.token_hex(16)}",
                "kind": known.name,
                "title": title[:500],
                "priority": known.priority if priority is None else priority,
                "input": given,
                "retry_of": retry_of or None,
                "acting": orjson.dumps(kept(actor)).decode(),
                "led_by": orjson.dumps(path).decode(),
            },
            check,
        )
        entry = Entry.of(row, path)
        if self._early is not None:
            self._early.add(entry.record_id)
        if entry.record_id not in self._running:
            self._waiting.add(entry)
            self._pump()
        return row

    async def of(self, actor: Actor, key: str, *, asked_by: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The task `key` of this person, but for its result. Raises NotFound, also for somebody else's.

        `asked_by`, a caller as `kept` has it: also for one that its credential did not ask for.
        """
        return await self._looks.own(actor, key, asked_by)

    async def result_part(self, task: Mapping[str, Any], begin: int, end: int) -> tuple[str, int]:
        """Of the result of a task, as JSON, what lies between two bytes, and how many it has; 0: there is none.

        A character counts to where it begins.
        """
        return await self._looks.result_part(int(task["id"]), begin, end)

    async def result(self, task: Mapping[str, Any]) -> Any:
        """The whole result of a task; None while there is none."""
        return (await self._records.reveal(SYSTEM, MODEL, int(task["id"])))["result"]

    async def listed(
        self,
        actor: Actor,
        *,
        kind: str | None = None,
        status: str | None = None,
        limit: int = 50,
        offset: int = 0,
        asked_by: Mapping[str, Any] | None = None,
    ) -> tuple[list[dict[str, Any]], int]:
        """The person's tasks, newest first, without input, result and log, and how many there are in all.

        `asked_by`, a caller as `kept` has it: only those that its credential asked for.
        """
        if actor.user_id is None:
            return [], 0
        asked = [("owner_id", str(actor.user_id)), ("sort", "-id")]
        asked += [(name, value) for name, value in (("kind", kind), ("status", status)) if value is not None]
        if asked_by is not None:
            return await self._of_credential(asked, asked_by, limit, offset)
        asked += [("fields", _LISTED), ("limit", str(limit)), ("offset", str(offset))]
        page = await self._records.list_page(SYSTEM, MODEL, asked)
        return orjson.loads(page.rows), page.count or 0

    async def _of_credential(
        self, asked: list[tuple[str, str]], caller: Mapping[str, Any], limit: int, offset: int
    ) -> tuple[list[dict[str, Any]], int]:
        wanted = {"kind": None, "status": None, **dict(asked)}
        names = ("owner_id", "kind", "status")
        given = {f"as_{name}": caller[name] for name in ("kind", "credential_id", "resource")}
        rows = self._records.shelf.store.read_now(ASKED_BY_SQL, {**{name: wanted[name] for name in names}, **given})
        ids = [str(row[0]) for row in rows[offset : offset + limit]]
        if not ids:
            return [], len(rows)
        page = await self._records.list_page(
            SYSTEM, MODEL, [("id__in", ",".join(ids)), ("sort", "-id"), ("fields", _LISTED), ("limit", str(limit))]
        )
        return orjson.loads(page.rows), len(rows)

    async def cancel(self, actor: Actor, key: str) -> dict[str, Any]:
        """End a task. Raises NotFound, Conflict when it has ended already."""
        record_id = int((await self._in_hand(actor, key))["id"])
        running = self._running.get(record_id)
        if running is not None:
            self._cancelled.add(record_id)
            running.cancel()
            await asyncio.wait({running}, timeout=_CANCEL_SECONDS)
        timer = self._delayed.pop(record_id, None)
        if timer is not None:
            timer.cancel()
        # It may have failed in that very moment, and wait to be tried again.
        waits = self._waiting.discard(record_id) or timer is not None
        if not waits and running is None:
            # What was read may be older than its end.
            row = await self._in_hand(actor, key)
            if row["status"] not in OPEN_STATES:
                raise Conflict(f"The task has ended already: {row['status']}.", code="task_ended")
        if waits or running is None:
            await self._finish(record_id, "cancelled")
        return {**await self._in_hand(actor, key), "result": None}

    async def retry(self, actor: Actor, key: str) -> dict[str, Any]:
        """Do an ended task once more, as a new one. Raises NotFound, Conflict when it has not ended, or ended well.

        One that was nobody's, such as a message that a program sent, is so again.
        """
        row = await self._in_hand(actor, key)
        if row["status"] not in ("failed", "cancelled", "interrupted"):
            raise Conflict(f"Only what failed, was cancelled or interrupted is done again; this is {row['status']}.",
                           code="task_not_ended" if row["status"] in OPEN_STATES else "task_done")  # fmt: skip
        if row["kind"] not in self._kinds:
            raise Conflict(f"Nobody here does tasks of the kind {row['kind']} just now.", code="unknown_kind")
        doer = actor
        if row["owner_id"] is None:
            doer = SYSTEM
            await self._records.note("task_retried", actor, about=key, detail=row["kind"])
        return await self.submit(
            doer, row["kind"], row["title"] or "", row["input"], priority=row["priority"], retry_of=key
        )

    async def _in_hand(self, actor: Actor, key: str) -> dict[str, Any]:
        """The task `key` that this person may end or do again, but for its result. Raises NotFound."""
        if actor.is_admin and (found := await self._looks.nobodys(key)) is not None:
            kind = self._kinds.get(found["kind"])
            if kind is None or kind.for_admins:
                return found
        return await self.of(actor, key)

    async def _take_over(self, row: dict[str, Any]) -> None:
        record_id, kind = int(row["id"]), self._kinds.get(row["kind"])
        if row["status"] == "running":
            if kind is None or not kind.idempotent or row["attempts"] >= max(2, kind.attempts):
                await self._lost(record_id, kind, "interrupted", error=STOPPED)
                return
            await self._store(record_id, {"status": "queued"})
        wait = 0.0
        if row["not_before"] is not None:
            wait = (from_text(row["not_before"]) - datetime.now(UTC)).total_seconds()
        whole = self._records.look_up(SYSTEM, MODEL, "id", record_id) or {}
        self._later(Entry.of(row, whole.get("led_by") or ()), wait)

    def _later(self, entry: Entry, seconds: float) -> None:
        if seconds <= 0:
            self._waiting.add(entry)
            return
        self._delayed[entry.record_id] = asyncio.get_running_loop().call_later(seconds, self._due, entry)

    def _due(self, entry: Entry) -> None:
        self._delayed.pop(entry.record_id, None)
        self._waiting.add(entry)
        self._pump()

    def _pump(self) -> None:
        """Begin what may begin."""
        limits = {name: kind.at_once for name, kind in self._kinds.items()}
        per_person = self._settings.current.tasks_at_once_per_person
        while not self._stopping and (entry := self._waiting.take(limits, per_person)) is not None:
            # Whoever's end or hook it was that made room, it does not lead to this: what it was submitted by does.
            with led_by(entry.led_by):
                task = asyncio.create_task(self._run(entry), name=f"task {entry.record_id}")
            self._running[entry.record_id], self._begun[entry.record_id] = task, entry
            task.add_done_callback(partial(self._ended, entry))

    def _ended(self, entry: Entry, task: asyncio.Task[None]) -> None:
        self._running.pop(entry.record_id, None)
        self._begun.pop(entry.record_id, None)
        if task.cancelled() and entry.record_id not in self._cancelled:
            # Its kind went before its first step: it waits for that again.
            self._waiting.add(entry)
        self._cancelled.discard(entry.record_id)
        self._waiting.ended(entry)
        self._pump()

    async def _run(self, entry: Entry) -> None:
        record_id, kind = entry.record_id, self._kinds[entry.kind]
        report = Report(lambda columns: self._store(record_id, columns))
        attempts = 0
        try:
            row = await self._records.reveal(SYSTEM, MODEL, record_id)
            if row["status"] != "queued":
                # It was cancelled, or begun by another queue on the same file.
                return
            attempts = int(row["attempts"]) + 1
            report = Report(lambda columns: self._store(record_id, columns), row["log"])
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
        await self._finish(record_id, "completed", **{**told, "progress": 1.0, "result": result, "error": None})

    async def _broken_off(self, entry: Entry, kind: Kind, attempts: int, report: Report) -> None:
        told = await report.close()
        if entry.record_id in self._cancelled:
            await self._finish(entry.record_id, "cancelled", **told)
        elif kind.idempotent and attempts < max(2, kind.attempts):
            await self._store(entry.record_id, {**told, "status": "queued"})
            if not self._stopping:
                self._waiting.add(entry)
        else:
            await self._lost(entry.record_id, kind, "interrupted", **told, error=STOPPED)

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
        told |= {"error": text, "failure": error.failure if isinstance(error, TaskFailed) else None}
        delay = kind.delay(error, attempts)
        if delay is None:
            await self._lost(entry.record_id, kind, "failed", **told)
            return
        until = to_text(datetime.now(UTC) + timedelta(seconds=delay))
        await self._store(entry.record_id, {**told, "status": "queued", "not_before": until})
        self._later(entry, delay)

    async def _lost(self, record_id: int, kind: Kind | None, status: str, **columns: Any) -> None:
        await self._finish(record_id, status, **columns)
        if kind is not None and kind.when_lost is not None:
            with contextlib.suppress(NotFound):
                await kind.when_lost(await self._records.reveal(SYSTEM, MODEL, record_id))

    async def _store(self, record_id: int, columns: dict[str, Any]) -> None:
        # A task's person may have been deleted; or the disk is full, and what is told of it can wait.
        with contextlib.suppress(NotFound, StorageFull, Busy):
            await self._records.update(SYSTEM, MODEL, record_id, columns)

    async def _finish(self, record_id: int, status: str, **columns: Any) -> None:
        values = {**columns, "status": status, "finished_at": now_text(), "not_before": None}
        try:
            await self._records.update(SYSTEM, MODEL, record_id, values)
        except GridBearError as failure:
            # A task without a last word would stay open for ever; its result alone could be what can't be stored.
            if not isinstance(failure, NotFound):  # else it went with its person
                log.error("the result of task %d could not be stored: %s", record_id, failure.message)
            text = f"The result could not be stored: {failure.message}"
            await self._store(record_id, {"status": "failed", "finished_at": now_text(), "error": text})
