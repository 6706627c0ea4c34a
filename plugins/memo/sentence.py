"""A sentence becomes a text, a moment and perhaps a repeat: `call mum every monday at 9`.

`parsedatetime` reads the times. It is tried and small (0.3 MB, no further libraries, offline), and it guesses: what it
is known to get wrong is written plainly before it reads it, and what is no time is hidden from it. Whoever wrote the
sentence is shown what was understood.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from server.plugin_api import ValidationFailed

from .moments import next_of

if TYPE_CHECKING:
    from parsedatetime import Calendar

MOST_LETTERS = 300
MOST_AHEAD = timedelta(days=366 * 20)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_PART_OF_DAY = {"morning": 0, "afternoon": 12, "evening": 12, "night": 12}
_TIME_OF_PART = {"morning": "9:00", "afternoon": "15:00", "evening": "19:00", "night": "21:00"}

_REPEAT = re.compile(
    rf"\b(?:every|each)\s+(?:(?P<other>other)\s+|(?P<count>\d{{1,3}})\s+)?"
    rf"(?:(?P<unit>hour|day|weekday|week|month|year)s?|(?P<named>{_DAY})s?|(?P<part>morning|afternoon|evening|night))\b"
    r"|\b(?P<word>hourly|daily|weekly|monthly|yearly)\b",
    re.I,
)
_OF_UNIT = {"hour": "hourly", "day": "daily", "weekday": "weekdays", "week": "weekly", "month": "monthly",
            "year": "yearly"}  # fmt: skip
_PLAINER: tuple[tuple[str, str], ...] = (
    (r"\bremind me (?:to |that |of |about )?", ""),
    (r"\b(?:the )?day after tomorrow\b", "in 2 days"),
    (r"\bhalf an hour\b", "30 minutes"),
    (r"\ban hour and a half\b", "90 minutes"),
    (r"\b(a|an|one|two|three|\d+) (week|month|year|day)(s?) from (?:now|today)\b", r"in \1 \2\3"),
    (rf"\bthis (?={_DAY})", "on "),
    (r"\b(\d{4}-\d\d-\d\d)T(?=\d\d:\d\d)", r"\1 "),
    (r"\b(\d{1,2}) o'?clock\b", r"\1:00"),
    (r"\bat half past (\d{1,2})\b", r"at \1:30"),
    # Not a number of things, as in: look at 9 houses.
    (r"\bat (\d{1,2})(?=[\s,;.!?]*$|\s+(?:[a-z]*[a-rt-z]|this)\b)", r"at \1:00"),
    (rf"((?:tomorrow|today|{_DAY})\s+)(\d{{1,2}})(?=$|[\s,;.!?]*$)", r"\1at \2:00"),
)
_HIDDEN = re.compile(
    r"\b(?:breakfast|lunch|dinner|eod|eom|eoy|ago|previous|prior)\b"
    # Months and days that are words as well stand for themselves only where a time would stand.
    r"|(?<!\bon )(?<!\bin )(?<!\bof )(?<!\bnext )(?<![\d.] )(?<!\dst )(?<!\dnd )(?<!\drd )(?<!\dth )"
    r"\b(?:may|march|mar|sun|sat|second)\b(?!\s+\d)",
    re.I,
)
_SOON = re.compile(r"\b(?:in|after)\b.*\b(?:seconds?|secs?|minutes?|mins?|m|hours?|hrs?|h)\b", re.I)
_CLOCK = re.compile(r"\d:\d\d|\d\s*[ap]m\b|\bnoon\b|\bmidnight\b", re.I)
_EDGES = re.compile(r"^(?:[\s,;.:-]|(?:on|at|by|in|to|and)\s)+|(?:[\s,;:-]|\s(?:on|at|by|in|from|and))+$", re.I)


class Understood(NamedTuple):
    """What a sentence says."""

    text: str
    due: datetime
    """In UTC."""
    repeat: str | None
    every: int


def understand(sentence: str, now: datetime, zone: ZoneInfo, default_time: str = "09:00") -> Understood:
    """Read a sentence. Raises ValidationFailed that says what is missing; `default_time` is of days without a time."""
    plain = " ".join(sentence.split())
    if not plain:
        raise _unclear("Write what to be reminded of and when, such as: call mum tomorrow at 9")
    if len(plain) > MOST_LETTERS:
        raise _unclear(f"at most {MOST_LETTERS} letters, please")
    rest, repeat, every = _without_repeat(plain)
    text, phrase = _split(_plainer(rest))
    local = now.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if phrase:
        due = _moment(phrase, now, local, zone, default_time)
    elif repeat == "hourly":
        due = now.replace(microsecond=0) + timedelta(hours=every)
    elif repeat is not None:
        due = _later(_at(local, default_time), local, zone)
    else:
        raise _unclear("When? Add a time, such as: tomorrow at 9, in 20 minutes, on 24 December, every Monday")
    if repeat is not None and (due <= now or (repeat == "weekdays" and due.astimezone(zone).weekday() > 4)):
        row = {"repeat": repeat, "every": every, "time_zone": zone.key, "starts_at": due.isoformat()}
        due = next_of(row, max(due, now)) or due
    if due <= now:
        raise _unclear("That has passed already. Add a day, such as: tomorrow")
    if due - now > MOST_AHEAD:
        raise _unclear("That is more than 20 years ahead")
    if not text:
        raise _unclear("What? Add what to be reminded of, such as: call mum")
    return Understood(text, due, repeat, every)


def _without_repeat(sentence: str) -> tuple[str, str | None, int]:
    found = _REPEAT.search(sentence)
    if found is None:
        return sentence, None, 1
    instead, every = "", 2 if found["other"] else int(found["count"] or 1)
    if found["word"]:
        repeat = found["word"].lower()
    elif found["unit"]:
        repeat = _OF_UNIT[found["unit"].lower()]
    elif found["part"]:
        # As a day and a part of it, which is read below.
        repeat, instead = "daily", f"this {found['part']}"
    else:
        repeat, instead = "weekly", f"on {found['named']}"
    rest = sentence[: found.start()] + instead + sentence[found.end() :]
    if _REPEAT.search(rest) or (every > 1 and repeat == "weekdays"):
        raise _unclear("One repeat at a time, such as: every Monday, every 2 weeks, every weekday")
    if not 1 <= every <= 999:
        raise _unclear("It repeats every 1 to 999 times")
    return " ".join(rest.split()), repeat, every


def _plainer(sentence: str) -> str:
    """The same with times as the library reads them."""
    sentence = re.sub(
        r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b", lambda it: f"{it[3]}-{int(it[2]):02}-{int(it[1]):02}", sentence
    )
    for pattern, instead in _PLAINER:
        sentence = re.sub(pattern, instead, sentence, flags=re.I)
    sentence = re.sub(r"\btonight\b", "this night", sentence, flags=re.I)
    return re.sub(
        rf"\b(this|today|tomorrow|in the|(?:on |next )?{_DAY})\s+(morning|afternoon|evening|night)\b"
        r"(?:\s+at\s+(\d{1,2})(:\d\d)?(?!\d|\s*[ap]m))?(\s+at\s+\d{1,2}(?::\d\d)?\s*[ap]m)?",
        _part_of_day,
        sentence,
        flags=re.I,
    )


def _part_of_day(found: re.Match[str]) -> str:
    day, part = found[1].lower(), found[2].lower()
    day = "today" if day in ("this", "in the") else day
    if found[5]:
        return f"{day}{found[5]}"
    if found[3]:
        hour = int(found[3])
        return f"{day} at {hour + _PART_OF_DAY[part] if hour < 12 else hour}{found[4] or ':00'}"
    return f"{day} at {_TIME_OF_PART[part]}"


def _split(sentence: str) -> tuple[str, str]:
    """What is no time, and all that is."""
    hidden = _HIDDEN.sub(lambda it: "_" * len(it[0]), sentence)
    try:
        spans = [(begin, end) for _, _, begin, end, _ in _calendar().nlp(hidden) or ()]
    except (ValueError, OverflowError):
        raise _unclear("There is no such time; write it another way, such as: 24 December at 9") from None
    kept, at = [], 0
    for begin, end in spans:
        kept.append(sentence[at:begin])
        at = end
    text = " ".join(" ".join([*kept, sentence[at:]]).split())
    return _EDGES.sub("", text), " ".join(sentence[begin:end].strip() for begin, end in spans)


def _moment(phrase: str, now: datetime, local: datetime, zone: ZoneInfo, default_time: str) -> datetime:
    if _SOON.search(phrase) and not _CLOCK.search(phrase):
        # So much time from now, also over a change of the clock.
        started = now.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        return _parsed(phrase, started)[0].replace(tzinfo=UTC)
    read, context = _parsed(phrase, local)
    has_day = context.hasDate
    if not (context.hasTime and _CLOCK.search(phrase)):
        read = _at(read, default_time)
        if read.date() == local.date() and read <= local:
            # Today, and its time has passed: at the next full hour.
            read = local.replace(minute=0, second=0) + timedelta(hours=1)
    due = read.replace(tzinfo=zone).astimezone(UTC)
    return due if has_day else _later(read, local, zone)


def _later(read: datetime, local: datetime, zone: ZoneInfo) -> datetime:
    return (read if read > local else read + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)


def _parsed(phrase: str, source: datetime) -> tuple[datetime, Any]:
    try:
        read, context = _calendar().parseDT(phrase, sourceTime=source)
    except (ValueError, OverflowError):
        context = None
    if context is None or not (context.hasDate or context.hasTime):
        raise _unclear(f"There is no such time: {phrase}")
    return read.replace(microsecond=0), context


def _at(day: datetime, time: str) -> datetime:
    hour, minute = time.split(":")
    return day.replace(hour=int(hour), minute=int(minute), second=0)


@lru_cache(maxsize=1)
def _calendar() -> Calendar:
    # Only when the first sentence is read: nobody's start waits for it.
    from parsedatetime import VERSION_CONTEXT_STYLE, Calendar, Constants

    # Without PyICU: the same words on every computer.
    return Calendar(Constants(usePyICU=False), version=VERSION_CONTEXT_STYLE)


def _unclear(message: str) -> ValidationFailed:
    return ValidationFailed.of("sentence", "unclear", message)
