"""The changelog of the Debian package, made from CHANGELOG.md."""

from __future__ import annotations

import re
import textwrap
from datetime import UTC, date, datetime, time
from email.utils import format_datetime

_VERSION = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<day>\d{4}-\d\d-\d\d))?\s*$", re.M)


def changelog(source: str, package: str, version: str, maintainer: str, when: int) -> str:
    """`source`, in the form of Keep a Changelog, in Debian's. What has no version yet belongs to the one that is built.

    `when` is the moment, in seconds since 1970, of what has no day; of several each is a second older than the next.
    """
    found = list(_VERSION.finditer(source))
    entries: dict[str, list[str]] = {}
    days: dict[str, str] = {}
    ends = [*(one.start() for one in found[1:]), len(source)]
    for here, end in zip(found, ends, strict=False):
        name = version if here["name"] == "Unreleased" else here["name"]
        lines = _lines(source[here.end() : end])
        if lines:
            entries.setdefault(name, []).extend(lines)
            days[name] = here["day"] or ""
    if version not in entries:
        entries = {version: ["  * The newest changes are told in CHANGELOG.md."], **entries}
    return "\n".join(
        f"{package} ({name}) unstable; urgency=medium\n\n" + "\n".join(lines) + f"\n\n"
        f" -- {maintainer}  {_moment(days.get(name, ''), when - place)}\n"
        for place, (name, lines) in enumerate(entries.items())
    )


def _lines(part: str) -> list[str]:
    lines: list[str] = []
    for line in part.splitlines():
        if line.startswith("### "):
            lines += ["", f"  [ {line[4:].strip()} ]"]
        elif line.startswith("- "):
            text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", line[2:])
            lines += textwrap.wrap(text, 78, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False)
    return lines[1:] if lines[:1] == [""] else lines


def _moment(day: str, when: int) -> str:
    moment = datetime.combine(date.fromisoformat(day), time(12), UTC) if day else datetime.fromtimestamp(when, UTC)
    return format_datetime(moment)
