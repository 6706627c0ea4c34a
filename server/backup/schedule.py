"""When a scheduled backup is due: `daily HH:MM` in the computer's own time, or `every N hours`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from server.setting_fields import BACKUP_SCHEDULE


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan. `minutes` is the minute of the day, or None where `hours` is the distance between two."""

    minutes: int | None = None
    hours: int | None = None

    def is_due(self, last: datetime, now: datetime) -> bool:
        """Whether a backup is due at `now`, the last one having been made at `last`. Both know their zone.

        A moment that was slept through is due at once.
        """
        if self.hours is not None:
            return now - last >= timedelta(hours=self.hours)
        assert self.minutes is not None
        return last < self._latest(now)

    def next_after(self, last: datetime, now: datetime) -> datetime:
        """The moment of the next backup; `now` when it is overdue."""
        if self.is_due(last, now):
            return now
        if self.hours is not None:
            return last + timedelta(hours=self.hours)
        assert self.minutes is not None
        return self._on(now + timedelta(days=1) if self._on(now) <= now else now)

    def _latest(self, now: datetime) -> datetime:
        today = self._on(now)
        return today if today <= now else self._on(now - timedelta(days=1))

    def _on(self, day: datetime) -> datetime:
        assert self.minutes is not None
        # The day of the local calendar, its hour on the local clock: 03:00 stays 03:00 when summer time begins.
        local = day.astimezone().replace(tzinfo=None, microsecond=0, second=0)
        return local.replace(hour=self.minutes // 60, minute=self.minutes % 60).astimezone()


def parse_schedule(text: str) -> Schedule | None:
    """The plan that the setting `backup_schedule` names, None for `off`. Raises ValueError."""
    found = BACKUP_SCHEDULE.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError("`daily 03:00`, `every 6 hours` or `off` is wanted")
    if found["hour"]:
        return Schedule(minutes=int(found["hour"]) * 60 + int(found["minute"]))
    return Schedule(hours=int(found["hours"])) if found["hours"] else None
