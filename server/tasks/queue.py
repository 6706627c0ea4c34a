"""The queue of background tasks: each is a record before it runs, and its whole result stays in it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from server.access.actor import SYSTEM, Actor
from server.config import SettingsHolder
from server.errors import Conflict, Forbidden
from server.events.bus import Bus
from server.events.hook_path import path_of_task
from server.models.task import OPEN_STATES
from server.records.service import Records
from server.records.times import from_text
from server.tasks.acting import kept
from server.tasks.intake import Check, Intake
from server.tasks.kinds import Kind
from server.tasks.looks import MODEL, Looks
from server.tasks.runs import Runs
from server.tasks.task_rows import TaskRows
from server.tasks.waiting import Entry
from server.tasks.welcome import Welcome


class Tasks:
    """Submit, look at, cancel and retry tasks. A task acts for its person with the rights that they have when it runs.

    A task whose kind is not idempotent is begun once, whatever happens; the others at least once.
    """

    def __init__(self, records: Records, settings: SettingsHolder, bus: Bus) -> None:
        self._records = records
        self._intake = Intake(records, settings)
        self._looks = Looks(records)
        self._rows = TaskRows(records)
        self._runs = Runs(records, settings, Welcome(records, bus), self._rows)
        # What was submitted before `start`, and may run already: start must not take it for an earlier process's.
        self._early: set[int] | None = set()

    def register(self, kind: Kind) -> None:
        """Make a kind known. Tasks of it that wait already begin once the queue has started."""
        self._runs.kinds[kind.name] = kind
        self._runs.begin()

    async def unregister(self, name: str) -> None:
        """Forget a kind, and end what runs of it; tasks of it that wait go on waiting until it is known again."""
        await self._runs.forget(name)

    def knows(self, name: str) -> bool:
        """Whether there is such a kind now."""
        return name in self._runs.kinds

    @property
    def schedulable(self) -> dict[str, str]:
        """The kinds that people may let run by a schedule, and what each does."""
        return {name: kind.schedulable for name, kind in sorted(self._runs.kinds.items()) if kind.schedulable}

    async def start(self) -> None:
        """Go on where the last process ended: what waited waits, what ran is over unless it may be done twice."""
        early = self._early or ()
        async for row in self._looks.left():
            if row["id"] not in early:
                await self._take_over(row)
        self._early = None
        self._runs.begin()

    async def stop(self) -> None:
        """End what runs."""
        await self._runs.stop()

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
        known = self._runs.kinds[kind]
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
        self._runs.wait(entry)
        self._runs.begin()
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
        return await self._looks.listed(actor.user_id, {"kind": kind, "status": status}, asked_by, limit, offset)

    async def cancel(self, actor: Actor, key: str) -> dict[str, Any]:
        """End a task. Raises NotFound, Conflict when it has ended already."""
        record_id = int((await self._in_hand(actor, key))["id"])
        ran, waited = await self._runs.withdraw(record_id)
        if not (ran or waited):
            # What was read may be older than its end.
            row = await self._in_hand(actor, key)
            if row["status"] not in OPEN_STATES:
                raise Conflict(f"The task has ended already: {row['status']}.", code="task_ended")
        if waited or not ran:
            await self._rows.finish(record_id, "cancelled")
        return {**await self._in_hand(actor, key), "result": None}

    async def retry(self, actor: Actor, key: str) -> dict[str, Any]:
        """Do an ended task once more, as a new one. Raises NotFound, Conflict when it has not ended, or ended well.

        One that was nobody's, such as a message that a program sent, is so again.
        """
        row = await self._in_hand(actor, key)
        if row["status"] not in ("failed", "cancelled", "interrupted"):
            raise Conflict(
                f"Only what failed, was cancelled or interrupted is done again; this is {row['status']}.",
                code="task_not_ended" if row["status"] in OPEN_STATES else "task_done",
            )
        if row["kind"] not in self._runs.kinds:
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
            kind = self._runs.kinds.get(found["kind"])
            if kind is None or kind.for_admins:
                return found
        return await self.of(actor, key)

    async def _take_over(self, row: dict[str, Any]) -> None:
        record_id = int(row["id"])
        kind = self._runs.kinds.get(row["kind"])
        if row["status"] == "running":
            if kind is None or not kind.begins_again(row["attempts"]):
                await self._rows.interrupt(record_id, kind)
                return
            await self._rows.store(record_id, {"status": "queued"})
        wait = 0.0
        if row["not_before"] is not None:
            wait = (from_text(row["not_before"]) - datetime.now(UTC)).total_seconds()
        whole = self._records.look_up(SYSTEM, MODEL, "id", record_id) or {}
        self._runs.wait(Entry.of(row, whole.get("led_by") or ()), wait)
