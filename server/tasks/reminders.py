"""The task that notifies its own person: what a reminder is, once a schedule runs it."""

from __future__ import annotations

from typing import Any

from server.access.actor import Actor
from server.errors import ValidationFailed
from server.records.notify import notify
from server.records.service import Records
from server.tasks.kinds import Kind
from server.tasks.report import Report

REMIND = "remind"


def reminders(records: Records) -> Kind:
    """The kind."""

    async def run(actor: Actor, given: dict[str, Any], _report: Report) -> dict[str, Any]:
        texts = {name: given[name] for name in ("title", "message") if given.get(name) is not None}
        if not texts.get("title") or not all(isinstance(text, str) for text in texts.values()):
            raise ValidationFailed.of("title", "required", 'a text is wanted: {"title": "…", "message": "…"}')
        ids = await notify(records, {**texts, "category": "reminder", "source": "schedules"}, username=actor.username)
        return {"notifications": ids}

    return Kind(REMIND, run, schedulable='Notify me: {"title": "…", "message": "…"}')
