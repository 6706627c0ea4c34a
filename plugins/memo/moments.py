"""Moments, time zones, and when something that repeats is due again. Pure: every moment is handed in."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server.plugin_api import ValidationFailed, local_zone

_DAYS = {"daily": 1, "weekly": 7}
_MONTHS = {"monthly": 1, "yearly": 12}


def zone_of(name: str) -> ZoneInfo:
    """The zone of a name. Raises ValidationFailed."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationFailed.of("time_zone", "unknown_zone", f"there is no time zone {name[:64]!r}") from None


def stored_zone(name: str | None) -> ZoneInfo:
    """The zone of a record; the computer's own where it has none that is known here."""
    try:
        return zone_of(name or local_zone())
    except ValidationFailed:
        return ZoneInfo(local_zone())


def to_text(moment: datetime) -> str:
    """`2026-01-02T03:04:05.678Z`, as records have it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def shown(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A moment as people say it: `Tomorrow, 09:00`, `Fri 4 Dec, 12:00`, `Mon 3 Jan 2028, 12:00`."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get((local.date() - today).days)
    year = "" if local.year == today.year else f" {local.year}"
    return f"{near or f'{local:%a} {local.day} {local:%b}{year}'}, {local:%H:%M}"


def next_of(row: Mapping[str, Any], moment: datetime) -> datetime | None:
    """When a reminder that repeats is due first after `moment`, in UTC; None when it rings once, or never again.

    The time on the clock stays the same when the clock changes, the last day of a short month stands for a later one.
    """
    if row["repeat"] is None:
        return None
    zone = stored_zone(row["time_zone"])
    start = datetime.fromisoformat(row["starts_at"] or row["due_at"])
    try:
        return _next(start, zone, row["repeat"], row["every"], moment)
    except (OverflowError, ValueError):
        return None


def _next(start: datetime, zone: ZoneInfo, repeat: str, every: int, moment: datetime) -> datetime:
    if start > moment:
        return start
    if repeat == "hourly":
        step = timedelta(hours=every)
        return start + ((moment - start) // step + 1) * step
    begin = start.astimezone(zone).replace(tzinfo=None)
    passed = moment.astimezone(zone).replace(tzinfo=None) - begin
    if repeat == "weekdays":
        steps = max(0, passed.days)
        while (found := _aware(begin + timedelta(days=steps), zone)) <= moment or found.astimezone(zone).weekday() > 4:
            steps += 1
        return found
    if repeat in _DAYS:
        days = _DAYS[repeat] * every
        steps = max(0, passed.days // days)
        while (found := _aware(begin + timedelta(days=steps * days), zone)) <= moment:
            steps += 1
        return found
    months = _MONTHS[repeat] * every
    steps = max(0, passed.days // (31 * months))
    while (found := _aware(_months_later(begin, steps * months), zone)) <= moment:
        steps += 1
    return found


def _months_later(begin: datetime, months: int) -> datetime:
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    return begin.replace(year=year, month=month + 1, day=min(begin.day, monthrange(year, month + 1)[1]))


def _aware(local: datetime, zone: ZoneInfo) -> datetime:
    # An hour that a change of the clock leaves out counts as the one after it.
    return local.replace(tzinfo=zone).astimezone(UTC)
