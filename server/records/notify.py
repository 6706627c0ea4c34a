"""Raise notifications: one row for each person, so that everybody reads and deletes their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from server.access.actor import SYSTEM, Actor
from server.errors import Conflict, ValidationFailed
from server.records.people_by_name import one_meant, plain_name

Severity = Literal["info", "success", "warning", "error"]
Audience = Literal["everyone", "admins"]
SILENT = "notifications.silent"
"""The preference that lists the kinds that somebody wants no notifications of, as `plugin.kind`."""


class NotificationStore(Protocol):
    """What of the records service notifications need."""

    async def find(
        self, actor: Actor, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]: ...

    async def create(self, actor: Actor, model: str, values: Mapping[str, Any]) -> dict[str, Any]: ...


async def notify(
    records: NotificationStore,
    values: Mapping[str, Any],
    *,
    audience: Audience = "everyone",
    username: str | None = None,
    user_id: int | None = None,
    kind: str = "",
) -> list[int]:
    """Give `values` (title, message, severity, ...) to one person, else to every active person of `audience`.

    With a `key` among the values, who has a notification with it gets no second one; who silenced its `kind` gets none.
    Returns the ids of the new rows.
    Raises ValidationFailed when no active person has that username, in whatever case; somebody by `user_id` may have
    gone.
    """
    where: dict[str, Any] = {"is_active": True}
    if user_id is not None:
        where["id"] = user_id
    elif username is not None:
        where["username"] = await _meant(records, username)
    elif audience == "admins":
        where["role"] = "admin"
    deaf = await _who_silenced(records, kind) if kind else frozenset()
    ids: list[int] = []
    last, known = 0, False
    # By id in pages, so that nobody is left out where there are more people than one page holds.
    while people := await records.find(SYSTEM, "users", where={**where, "id__gt": last}, sort="id"):
        for person in people:
            last = int(person["id"])
            known = True
            if last in deaf:
                continue
            try:
                row = await records.create(SYSTEM, "notifications", {**values, "owner_id": last})
                ids.append(int(row["id"]))
            except Conflict:
                if "key" not in values:
                    raise
    if username is not None and not known:
        raise ValidationFailed.of("username", "unknown_user", f"there is no active user {username!r}")
    return ids


async def _meant(records: NotificationStore, username: str) -> str:
    """How the person is really written, as far as there is one."""
    pattern = re.sub(r"[%_\\]", r"\\\g<0>", plain_name(username))
    alike = await records.find(SYSTEM, "users", where={"username__ilike": pattern})
    return one_meant(username, [row["username"] for row in alike]) or username


async def _who_silenced(records: NotificationStore, kind: str) -> frozenset[int]:
    found: set[int] = set()
    last = 0
    while rows := await records.find(SYSTEM, "preferences", where={"key": SILENT, "id__gt": last}):
        for row in rows:
            last = int(row["id"])
            if isinstance(row["value"], list) and kind in row["value"]:
                found.add(int(row["owner_id"]))
    return frozenset(found)
