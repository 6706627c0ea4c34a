"""What a schedule must look like, and who may change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from server.access.actor import Actor
from server.db.transaction import Transaction
from server.errors import FieldError, Forbidden, ValidationFailed
from server.models.base import WriteVerb
from server.records.behaviour import Behaviour, Prepared
from server.records.ownership import require_unruled_credential, require_whole_credential, row_to_change
from server.records.service import Records
from server.records.time_zones import chosen_zone, local_zone
from server.records.times import to_text
from server.tasks.queue import Tasks
from server.tasks.timing import WAYS, timing_of

SCHEDULES = "schedules"
TIMING = frozenset((*WAYS, "time_zone", "enabled"))


class ScheduleBehaviour(Behaviour):
    """Checks a schedule as a whole and tells when it runs next."""

    importable = False

    def __init__(self, records: Records, tasks: Tasks, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._tasks = tasks
        self._clock = clock

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        if actor.kind == "system":
            return Prepared(columns)
        require_whole_credential(actor)
        await require_unruled_credential(self._records, actor)
        known: Mapping[str, Any] = {}
        if record_id is not None:
            known = await row_to_change(self._records, actor, SCHEDULES, record_id, columns, ("enabled",))
        if known.get("plugin") and set(columns) - {"enabled"}:
            raise Forbidden(f"The plugin {known['plugin']} keeps this schedule; it can be paused, not changed.")
        self._check_task(columns)
        if record_id is not None and not TIMING.intersection(columns):
            return Prepared(columns)
        if record_id == 0:
            if TIMING.intersection(columns) != {"enabled"}:
                raise Forbidden("Change the times of schedules one by one.")
            return Prepared({**columns, "next_run_at": None})
        made = dict(columns)
        if record_id is None and not columns.get("time_zone"):
            made["time_zone"] = await chosen_zone(self._records, actor.user_id) or local_zone()
        now = self._clock()
        whole = {"enabled": True, **known, **made, "created_at": to_text(now), "next_run_at": None}
        following = timing_of(whole).next_after(now)
        if whole["enabled"] and following is None:
            raise ValidationFailed("at: it lies in the past", fields={"at": FieldError("past", "it lies in the past")})
        made["next_run_at"] = to_text(following) if whole["enabled"] and following is not None else None
        made["problem"] = None
        return Prepared(made)

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is not None and row["owner_id"] is None and row["plugin"] is None:
            raise ValidationFailed.of("owner_id", "required", "a schedule acts for a person; name one")

    def _check_task(self, columns: Mapping[str, Any]) -> None:
        kinds = self._tasks.schedulable
        if "task" in columns and columns["task"] not in kinds:
            known = ", ".join(kinds) or "none just now"
            raise ValidationFailed.of("task", "unknown_kind", f"one of these kinds is wanted: {known}")
        if columns.get("input") is not None and not isinstance(orjson.loads(columns["input"]), dict):
            raise ValidationFailed.of("input", "wrong_type", "an object is wanted")
