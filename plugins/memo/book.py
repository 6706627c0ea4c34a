"""The reminders of one person: what tools and routes do with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from server.plugin_api import Actor, Conflict, Forbidden, NotFound, PluginContext, PluginRecords, ValidationFailed

from .moments import next_of, shown, stored_zone, to_text, zone_of
from .sentence import Understood, understand

MEMOS = "memo_memos"
_EACH = {"hourly": "hour", "daily": "day", "weekdays": "weekday", "weekly": "week", "monthly": "month",
         "yearly": "year"}  # fmt: skip


class Book:
    """Every read and every change is held to the rows of `actor`, admins included."""

    def __init__(self, plugin: PluginContext, actor: Actor, records: PluginRecords) -> None:
        if actor.user_id is None:
            raise Forbidden("Reminders belong to a person: sign in as one.")
        self._plugin = plugin
        self._records = records
        self._actor = actor
        self._owner = actor.user_id

    async def understand(self, sentence: str, now: datetime, time_zone: str | None = None) -> dict[str, Any]:
        """The fields of a new reminder, and `when` and `again` in words. Raises ValidationFailed."""
        zone = zone_of(time_zone or await self._zone_name())
        found = understand(sentence, now, zone, self._plugin.settings["default_time"])
        return {**_fields(found), "time_zone": zone.key, **_words(_fields(found), now, zone.key)}

    async def add(self, sentence: str, now: datetime, time_zone: str | None = None) -> dict[str, Any]:
        """Keep a new one. Raises ValidationFailed, Conflict when there are too many."""
        told = await self.understand(sentence, now, time_zone)
        most = self._plugin.settings["most_open"]
        if len(await self._find({"state": "open"}, limit=most)) >= most:
            raise Conflict(f"There are {most} open reminders. Finish or delete some.", code="too_many_memos")
        fields = {name: value for name, value in told.items() if name not in ("when", "again")}
        row = await self._records.create(MEMOS, {**fields, "owner_id": self._owner})
        return self.described(row, now)

    async def listed(self, now: datetime, *, done: bool = False) -> list[dict[str, Any]]:
        """The open ones, next first, or those that are done, last first."""
        state, sort = ("done", "-updated_at") if done else ("open", "due_at")
        return [self.described(row, now) for row in await self._find({"state": state}, sort=sort)]

    async def done(self, memo_id: int, now: datetime) -> dict[str, Any]:
        """Finish one; of one that repeats, this time of it."""
        row = await self._get(memo_id)
        following = next_of(row, max(now, datetime.fromisoformat(row["due_at"])))
        change = {"state": "done"} if following is None else {"due_at": to_text(following)}
        return self.described(await self._records.update(MEMOS, memo_id, change), now)

    async def snooze(self, memo_id: int, until: str, now: datetime, time_zone: str | None = None) -> dict[str, Any]:
        """Let one ring later: `in 10 minutes`, `tomorrow at 9`. One that is done is open again."""
        row = await self._get(memo_id)
        found = await self.understand(f"snooze {until}", now, time_zone or row["time_zone"])
        if found["text"] != "snooze" or found["repeat"] is not None:
            raise ValidationFailed.of("until", "unclear", "a time is wanted, such as: in 10 minutes, tomorrow at 9")
        change = {"due_at": found["due_at"], "state": "open"}
        return self.described(await self._records.update(MEMOS, memo_id, change), now)

    async def delete(self, memo_id: int) -> None:
        await self._get(memo_id)
        await self._records.delete(MEMOS, memo_id)

    def described(self, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """One as clients are told of it."""
        told = {name: row[name] for name in ("id", "text", "due_at", "state")}
        return {**told, **_words(row, now, row["time_zone"]), "is_due": row["due_at"] <= to_text(now)}

    async def _find(self, where: Mapping[str, Any], sort: str = "due_at", limit: int = 200) -> list[dict[str, Any]]:
        return await self._records.find(MEMOS, where={"owner_id": self._owner, **where}, sort=sort, limit=limit)

    async def _get(self, memo_id: int) -> dict[str, Any]:
        found = await self._find({"id": memo_id}, limit=1)
        if not found:
            raise NotFound(f"You have no reminder {memo_id}.")
        return found[0]

    async def _zone_name(self) -> str:
        """As they chose in My account, else where they were when they made their last one, else as the settings say,
        else this computer's."""
        if (chosen := await self._plugin.time_zone_of(self._actor)) is not None:
            return chosen
        last = await self._find({}, sort="-id", limit=1)
        return str(stored_zone((last[0]["time_zone"] if last else None) or self._plugin.settings["time_zone"]).key)


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def _fields(found: Understood) -> dict[str, Any]:
    due = to_text(found.due)
    return {"text": found.text, "due_at": due, "starts_at": due, "repeat": found.repeat, "every": found.every}


def _words(row: Mapping[str, Any], moment: datetime, time_zone: str | None) -> dict[str, Any]:
    when = shown(datetime.fromisoformat(row["due_at"]), moment, stored_zone(time_zone))
    if row["repeat"] is None:
        return {"when": when, "again": None}
    each = _EACH[row["repeat"]]
    return {"when": when, "again": f"every {each}" if row["every"] == 1 else f"every {row['every']} {each}s"}
