"""When schedules run: cron in a time zone, also on the days when the clock is changed; intervals; once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from server.errors import ValidationFailed
from server.records.time_zones import local_zone
from server.tasks.timing import timing_of

CREATED = "2026-01-01T00:00:00.000Z"


def runs(row: dict[str, Any], after: str, count: int) -> list[str]:
    timing = timing_of({"created_at": CREATED, **row})
    moment = datetime.fromisoformat(after)
    found: list[str] = []
    while len(found) < count:
        following = timing.next_after(moment)
        if following is None:
            break
        moment = following
        found.append(moment.astimezone(UTC).strftime("%m-%d %H:%M"))
    return found


def test_cron_means_the_clock_on_the_wall_of_its_zone() -> None:
    rome = {"cron": "0 9 * * mon-fri", "time_zone": "Europe/Rome"}
    # The 29th of March 2026 is the Sunday on which summer time begins.
    assert runs(rome, "2026-03-26T12:00:00Z", 3) == ["03-27 08:00", "03-30 07:00", "03-31 07:00"]


def test_a_time_that_the_clock_leaves_out_runs_once_right_after_it() -> None:
    rome = {"cron": "30 2 * * *", "time_zone": "Europe/Rome"}
    assert runs(rome, "2026-03-28T00:00:00Z", 3) == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]


def test_a_time_that_the_clock_repeats_runs_once() -> None:
    rome = {"cron": "30 2 * * *", "time_zone": "Europe/Rome"}
    assert runs(rome, "2026-10-24T12:00:00Z", 2) == ["10-25 00:30", "10-26 01:30"]


def test_every_quarter_of_an_hour_goes_on_through_a_change_of_the_clock() -> None:
    rome = {"cron": "*/15 * * * *", "time_zone": "Europe/Rome"}
    assert runs(rome, "2026-10-25T00:40:00Z", 4) == ["10-25 00:45", "10-25 01:00", "10-25 01:15", "10-25 01:30"]


def test_an_interval_keeps_its_rhythm_also_after_runs_that_were_missed() -> None:
    row = {"every_seconds": 3600, "next_run_at": "2026-05-01T10:20:00.000Z"}
    assert runs(row, "2026-05-01T10:20:00Z", 2) == ["05-01 11:20", "05-01 12:20"]
    assert runs(row, "2026-05-03T23:59:59Z", 1) == ["05-04 00:20"]
    assert runs({"every_seconds": 60}, "2026-01-01T00:00:00Z", 1) == ["01-01 00:01"]


def test_once_is_once() -> None:
    row = {"at": "2026-05-01T10:20:00.000Z"}
    assert runs(row, "2026-05-01T10:19:59Z", 5) == ["05-01 10:20"]
    assert runs(row, "2026-05-01T10:20:00Z", 5) == []


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({}, "cron"),
        ({"cron": "* * * * *", "every_seconds": 60}, "every_seconds"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "whenever I like it please"}, "cron"),
        ({"cron": ""}, "cron"),
        ({"cron": "* * * * *", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"cron": "* * * * *", "time_zone": "../../etc/passwd"}, "time_zone"),
    ],
)
def test_what_never_runs_is_refused_by_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        timing_of({"created_at": CREATED, **row})
    assert field in refused.value.fields


def test_the_computers_zone_is_one_that_is_known() -> None:
    assert timing_of({"created_at": CREATED, "cron": "* * * * *", "time_zone": local_zone()})
