"""What the memo plugin reads in a sentence: the text, the moment and the repeat, or what it wants to know."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ValidationFailed
from server.this_computer import resource_dir

ROME = ZoneInfo("Europe/Rome")
SPOKEN = "call at 9 99 :30 in every monday 2 weeks days may 31 feb tomorrow noon 1e9 ago next ."
NOW = datetime(2026, 11, 28, 17, 50, tzinfo=UTC)
"""Saturday, ten to seven in the evening in Rome."""


@pytest.fixture(scope="module")
def memo() -> Iterator[Any]:
    package = types.ModuleType("memo_under_test")
    package.__path__ = [str(resource_dir("plugins") / "memo")]
    sys.modules["memo_under_test"] = package
    moments, sentence = import_module("memo_under_test.moments"), import_module("memo_under_test.sentence")
    yield types.SimpleNamespace(understand=sentence.understand, shown=moments.shown, next_of=moments.next_of)
    for name in [name for name in sys.modules if name.partition(".")[0] == "memo_under_test"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("sentence", "text", "when", "again"),
    [
        ("call mum tomorrow at 9", "call mum", "Tomorrow, 09:00", None),
        ("remind me to call mum tomorrow at 10", "call mum", "Tomorrow, 10:00", None),
        ("tomorrow call mum at 10", "call mum", "Tomorrow, 10:00", None),
        ("at 9 call mum", "call mum", "Tomorrow, 09:00", None),
        ("call mum at 7pm", "call mum", "Today, 19:00", None),
        ("tea in half an hour", "tea", "Today, 19:20", None),
        ("cake in an hour and a half", "cake", "Today, 20:20", None),
        ("next friday lunch", "lunch", "Fri 4 Dec, 09:00", None),
        ("2026-12-24 18:00 dinner", "dinner", "Thu 24 Dec, 18:00", None),
        ("24.12.2026 20:00 party", "party", "Thu 24 Dec, 20:00", None),
        ("tonight at 8 film", "film", "Today, 20:00", None),
        ("tomorrow evening at 8 film", "film", "Tomorrow, 20:00", None),
        ("day after tomorrow run", "run", "Mon 30 Nov, 09:00", None),
        ("this friday party at 20:00", "party", "Fri 4 Dec, 20:00", None),
        ("mum's birthday 12 may", "mum's birthday", "Wed 12 May 2027, 09:00", None),
        ("buy milk today", "buy milk", "Today, 19:00", None),
        ("pay 3 bills tomorrow", "pay 3 bills", "Tomorrow, 09:00", None),
        ("look at 9 houses tomorrow", "look at 9 houses", "Tomorrow, 09:00", None),
        ("sun cream on monday", "sun cream", "Mon 30 Nov, 09:00", None),
        ("march in the march on monday", "march in the march", "Mon 30 Nov, 09:00", None),
        ("may call Sam tomorrow", "may call Sam", "Tomorrow, 09:00", None),
        ("call mum every monday at 9", "call mum", "Mon 30 Nov, 09:00", ("weekly", 1)),
        ("every weekday at 8:30 stand up", "stand up", "Mon 30 Nov, 08:30", ("weekdays", 1)),
        ("every 2 weeks water plants on sunday", "water plants", "Tomorrow, 09:00", ("weekly", 2)),
        ("every other day run", "run", "Tomorrow, 09:00", ("daily", 2)),
        ("every 3 hours drink", "drink", "Today, 21:50", ("hourly", 3)),
        ("every morning stretch", "stretch", "Tomorrow, 09:00", ("daily", 1)),
        ("pay rent every month on 1 january", "pay rent", "Fri 1 Jan 2027, 09:00", ("monthly", 1)),
    ],
)
def test_a_sentence_is_read_as_it_is_meant(
    memo: Any, sentence: str, text: str, when: str, again: tuple[str, int] | None
) -> None:
    found = memo.understand(sentence, NOW, ROME)
    repeat = None if found.repeat is None else (found.repeat, found.every)
    assert (found.text, memo.shown(found.due, NOW, ROME), repeat) == (text, when, again)


@pytest.mark.parametrize(
    ("sentence", "asks"),
    [
        ("", "Write what"),
        ("buy milk", "When?"),
        ("buy 2 eggs", "When?"),
        ("tomorrow at 9", "What?"),
        ("call mum at 25:00", "no such time"),
        ("feb 30 party", "no such time"),
        ("in 10000 years cheers", "no such time"),
        ("yesterday run", "passed already"),
        ("in 30 years cheers", "20 years"),
        ("every monday and every tuesday gym", "One repeat"),
        ("every 0 days run", "1 to 999"),
        ("from feb 99.99.9999 half weekday 1st monday and tomorrow", "no such time"),
        ("x" * 301, "at most 300"),
    ],
)
def test_what_is_not_clear_is_asked_for_and_never_guessed(memo: Any, sentence: str, asks: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        memo.understand(sentence, NOW, ROME)
    assert asks in refused.value.fields["sentence"].message


@given(st.lists(st.sampled_from(SPOKEN.split()), max_size=9).map(" ".join) | st.text(max_size=60))
def test_any_text_is_read_as_something_in_the_future_or_refused_as_unclear(memo: Any, sentence: str) -> None:
    try:
        found = memo.understand(sentence, NOW, ROME)
    except ValidationFailed:
        return
    assert found.text and NOW < found.due < NOW + timedelta(days=8000)


def test_so_many_minutes_are_so_many_also_when_the_clock_changes_and_a_wall_time_stays_one(memo: Any) -> None:
    before = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)  # half past one; at two it will be three
    assert memo.understand("tea in 2 hours", before, ROME).due == before + timedelta(hours=2)
    assert memo.understand("tea at 9:00", before, ROME).due == datetime(2027, 3, 28, 7, 0, tzinfo=UTC)
    assert memo.understand("tea at 2:30", before, ROME).due == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "repeat", "every", "after", "due"),
    [
        ("2026-01-31T08:00:00Z", "monthly", 1, "2026-02-01T00:00:00Z", "2026-02-28T08:00:00+00:00"),
        ("2026-01-31T08:00:00Z", "monthly", 1, "2026-02-28T08:00:00Z", "2026-03-31T07:00:00+00:00"),
        ("2024-02-29T08:00:00Z", "yearly", 1, "2026-12-01T00:00:00Z", "2027-02-28T08:00:00+00:00"),
        ("2026-03-28T08:00:00Z", "daily", 1, "2026-03-28T08:00:00Z", "2026-03-29T07:00:00+00:00"),
        ("2026-11-27T08:00:00Z", "weekdays", 1, "2026-11-27T08:00:00Z", "2026-11-30T08:00:00+00:00"),
        ("2026-11-01T08:00:00Z", "weekly", 2, "2026-11-20T08:00:00Z", "2026-11-29T08:00:00+00:00"),
        ("2026-11-01T08:00:00Z", "hourly", 5, "2026-11-01T22:59:00Z", "2026-11-01T23:00:00+00:00"),
        ("2026-11-01T08:00:00Z", "daily", 1, "2031-11-01T08:00:00Z", "2031-11-02T08:00:00+00:00"),
    ],
)
def test_what_repeats_keeps_its_day_and_its_time_on_the_clock(
    memo: Any, start: str, repeat: str, every: int, after: str, due: str
) -> None:
    row = {"repeat": repeat, "every": every, "starts_at": start, "due_at": start, "time_zone": "Europe/Rome"}
    assert memo.next_of(row, datetime.fromisoformat(after)).isoformat() == due


@given(
    repeat=st.sampled_from(["hourly", "daily", "weekdays", "weekly", "monthly", "yearly"]),
    every=st.integers(1, 999),
    start=st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    later=st.timedeltas(timedelta(0), timedelta(days=9000)),
    zone=st.sampled_from(["Europe/Rome", "UTC", "Pacific/Apia", "America/St_Johns", "nowhere"]),
)
def test_the_next_time_is_always_later_and_none_lies_between(
    memo: Any, repeat: str, every: int, start: datetime, later: timedelta, zone: str
) -> None:
    row = {"repeat": repeat, "every": every, "starts_at": start.isoformat(), "due_at": None, "time_zone": zone}
    found = memo.next_of(row, start + later)
    assert found > start + later
    assert memo.next_of(row, found - timedelta(seconds=1)) == found
