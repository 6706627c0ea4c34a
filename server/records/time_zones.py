"""Time zones by their names: the computer's, and the one that a person chose for themselves."""

from __future__ import annotations

from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal import get_localzone_name

from server.access.actor import SYSTEM, Actor
from server.errors import ValidationFailed

PREFERENCE = "time_zone"
"""The key among a person's preferences. No such preference, or null: they chose none."""


class PreferenceStore(Protocol):
    """The records service, as far as preferences are looked up in it."""

    async def find(
        self, actor: Actor, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]: ...


def local_zone() -> str:
    """The name of the computer's time zone, UTC where nobody knows it."""
    try:
        name = get_localzone_name()
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        return "UTC"
    return name


def zone_named(name: object, field: str = "time_zone") -> ZoneInfo:
    """The time zone `name`. Raises ValidationFailed for `field`."""
    try:
        if isinstance(name, str):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    text = f"there is no time zone {str(name)[:64]!r}; a name such as Europe/Rome is wanted"
    raise ValidationFailed.of(field, "unknown_zone", text) from None


async def chosen_zone(records: PreferenceStore, user_id: int | None) -> str | None:
    """The name of the time zone that a person chose; None when they chose none."""
    if user_id is None:
        return None
    rows = await records.find(SYSTEM, "preferences", where={"owner_id": user_id, "key": PREFERENCE}, limit=1)
    return str(rows[0]["value"]) if rows and rows[0]["value"] else None
