"""When a schedule runs next. Pure: every moment is handed in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from server.errors import FieldError, ValidationFailed
from server.records.time_zones import local_zone, zone_named
from server.records.times import from_text

WAYS = ("cron", "every_seconds", "at")


@dataclass(frozen=True, slots=True)
class Timing:
    """One of `cron`, `every` and `at` is given."""

    zone: ZoneInfo
    begin: datetime
    """What `every` is counted from."""
    cron: str | None = None
    every: timedelta | None = None
    at: datetime | None = None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first run after `moment`, in UTC; None when there is none any more.

        An hour that a change of the clock leaves out runs right after it, one that it repeats runs once.
        """
        if self.at is not None:
            return self.at if self.at > moment else None
        if self.every is not None:
            steps = max(1, math.floor((moment - self.begin) / self.every) + 1)
            return self.begin + steps * self.every
        try:
            found = next(CronSim(self.cron or "", moment.astimezone(self.zone)))
        except StopIteration:
            return None
        return found.astimezone(UTC)


def timing_of(row: Mapping[str, Any]) -> Timing:
    """The timing of a schedule's row. Raises ValidationFailed naming the fields that don't fit."""
    given = [name for name in WAYS if row.get(name) is not None]
    if len(given) != 1:
        message = "one of cron, every_seconds and at is wanted, and no more"
        names = given or ["cron"]
        raise ValidationFailed(message, fields={name: FieldError("one_way", message) for name in names})
    zone = zone_named(row.get("time_zone") or local_zone())
    if row.get("at") is not None:
        return Timing(zone, datetime.min.replace(tzinfo=UTC), at=from_text(row["at"]))
    if row.get("every_seconds") is not None:
        begin = from_text(row.get("next_run_at") or row["created_at"])
        return Timing(zone, begin, every=timedelta(seconds=row["every_seconds"]))
    cron = " ".join(row["cron"].upper().split())
    try:
        if len(cron.split(" ")) != 5:
            raise CronSimError("five parts are wanted: minute, hour, day of the month, month, day of the week")
        next(CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValidationFailed.of("cron", "not_cron", f"{error} in {row['cron']!r}") from None
    except StopIteration:
        raise ValidationFailed.of("cron", "never", f"no day is ever like {row['cron']!r}") from None
    return Timing(zone, datetime.min.replace(tzinfo=UTC), cron=cron)
