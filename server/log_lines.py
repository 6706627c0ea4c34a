"""The lines of the server's log, read from the end of its files, a block at a time."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, get_args

from server.log import LOG_FILES

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LEVELS: tuple[Level, ...] = get_args(Level)
MOST_TEXT = 65_536
"""So many bytes of a line, with what belongs to it, are shown."""
MOST_READ = 8 << 20
"""So many bytes one question may read."""
BLOCK = 65_536
USUAL_NAME = "server.log"
"""What the tray calls the file that it lets the server's stderr go to."""
SLACK_SECONDS = 5400.0
"""Times are those of the wall clock, which goes back an hour in autumn: so much later lines may be earlier ones."""
_HEAD = re.compile(
    rb"(?<=\n)(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (DEBUG|INFO|WARNING|ERROR|CRITICAL) "
    rb"([^\n]{1,200}?) \[([^\]\n]{0,200})\] "
)
_BY_NAME: dict[bytes, Level] = {level.encode(): level for level in LEVELS}
_ID = re.compile(r"([0-9a-f]{1,32})-([0-9]{1,18})")


class Place(NamedTuple):
    """A place in one of the files, which keeps its number when it is renamed."""

    file: int
    offset: int

    def __str__(self) -> str:
        return f"{self.file:x}-{self.offset}"

    @classmethod
    def of(cls, text: str) -> Place | None:
        """The place that `str` wrote, or None."""
        found = _ID.fullmatch(text)
        return None if found is None else cls(int(found[1], 16), int(found[2]))


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, and the lines after it that have no head of their own, such as a traceback."""

    place: Place
    time: float
    """Seconds since 1970; of text without a head, those of the line after it."""
    level: Level | None
    """None for text that no logger wrote."""
    logger: str
    request_id: str
    text: str
    more: str
    """The lines after the first; empty for most."""
    cut: bool
    """Whether there is more of it in the file than MOST_TEXT."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which lines are asked for. Times in seconds since 1970; `until` itself is left out."""

    redact: Callable[[str], str]
    """Whatever is shown or compared passes through it: nobody finds out a secret by searching for it."""
    lowest: Level = "DEBUG"
    words: str = ""
    since: float | None = None
    until: float | None = None

    def take(self, raw: _Raw) -> LogLine | None:
        """The line without secrets, if it is one of these."""
        level = raw.level or "INFO"
        if LEVELS.index(level) < LEVELS.index(self.lowest):
            return None
        if (self.since is not None and raw.time < self.since) or (self.until is not None and raw.time >= self.until):
            return None
        text = raw.data.decode("utf-8", "replace")
        words = self.words.lower()
        # What is blacked out is looked at first only where it can decide: it costs most of the time.
        if words and "•" not in words and words not in text.lower():
            return None
        if raw.cut:
            # In words that let whoever redacts look for the beginning of a secret before them.
            text = f"{text.rstrip()}… (cut, the file has more of it)"
        text = self.redact(text)
        if words and words not in text.lower():
            return None
        first, _, more = text.replace("\r\n", "\n").rstrip().partition("\n")
        if raw.head is None:
            return LogLine(raw.place, raw.time, None, "", "", first, more, raw.cut)
        logger, request_id = (self.redact(part.decode("utf-8", "replace")) for part in (raw.head[3], raw.head[4]))
        _, _, rest = first.partition("] ")
        return LogLine(raw.place, raw.time, raw.level, logger, request_id, rest, more, raw.cut)


class Found(NamedTuple):
    """The latest lines first; `next` is where the ones before them begin, None where there are none."""

    lines: list[LogLine]
    next: Place | None


class Counted(NamedTuple):
    """Numbers of lines by bar and level. Lines before `reached` were too many to count; None: all were counted."""

    bars: dict[int, Counter[Level]]
    reached: float | None


class LogFiles:
    """The log `name` of a folder, and the older ones beside it. Every method reads the disk."""

    def __init__(self, folder: Path, name: str) -> None:
        self._paths = [folder / name, *(folder / f"{name}.{number}" for number in range(1, LOG_FILES + 1))]

    def is_stderr(self) -> bool:
        """Whether the stderr of this process goes to the file, as the tray lets it."""
        try:
            return os.path.samestat(os.fstat(2), self._paths[0].stat())
        except OSError:
            return False

    def lines(self, wanted: Wanted, limit: int, before: Place | None = None) -> Found:
        """At most `limit` lines that stand before the place. Fewer, and a `next`, where MOST_READ bytes had no more."""
        budget, found = _Budget(), list[LogLine]()
        for raw in self._backwards(budget, before, wanted.until):
            if wanted.since is not None and raw.time < wanted.since - SLACK_SECONDS:
                return Found(found, None)
            line = wanted.take(raw)
            if line is not None:
                found.append(line)
                if len(found) == limit:
                    return Found(found, raw.place)
        return Found(found, budget.reached)

    def count(self, wanted: Wanted, since: float, until: float, step: float) -> Counted:
        """How many lines there are in each bar of `step` seconds from `since` on; of `wanted`, the words count."""
        budget, bars, last = _Budget(), dict[int, Counter[Level]](), until
        for raw in self._backwards(budget, None, until):
            last = raw.time
            if raw.time < since - SLACK_SECONDS:
                return Counted(bars, None)
            # Without words, nothing of a line but its head is looked at.
            if since <= raw.time < until and (not wanted.words or wanted.take(raw) is not None):
                bars.setdefault(int((raw.time - since) // step), Counter())[raw.level or "INFO"] += 1
        return Counted(bars, last if budget.reached else None)

    def line(self, place: Place, redact: Callable[[str], str]) -> LogLine | None:
        """The line that begins there, or None when its file is no more or no line begins there."""
        file = self._opened(place.file)
        if file is None:
            return None
        with file:
            file.seek(max(0, place.offset - 1))
            data = (b"\n" if place.offset == 0 else b"") + file.read(MOST_TEXT + 1)
            first = _HEAD.match(data, 1)
            if len(data) < 2 or (first is None and place.offset):
                return None
            after = _HEAD.search(data, 2)
            cut = after is None and bool(file.read(1))
            raw = _raw(place, data[1 : after.start() if after else None], os.fstat(file.fileno()).st_mtime, cut)
        return Wanted(redact=redact).take(raw)

    def _backwards(self, budget: _Budget, before: Place | None, until: float | None) -> Iterator[_Raw]:
        """Every line before a place, the latest first."""
        files = [stat_.st_ino for path in self._paths if (stat_ := _file(path)) is not None]
        if before is not None:
            # Of a file that is no more, all older ones have gone as well.
            files = files[files.index(before.file) :] if before.file in files else []
        for number in files:
            file = self._opened(number)
            if file is None:
                continue
            with file:
                about = os.fstat(file.fileno())
                end = about.st_size
                if before is not None and before.file == number:
                    end = min(end, before.offset)
                if until is not None:
                    end = min(end, _end_of(file, end, until + SLACK_SECONDS))
                yield from _of_file(file, number, end, about.st_mtime, budget)
            if budget.reached:
                return

    def _opened(self, number: int) -> BinaryIO | None:
        """The file of this number under the name that it has by now."""
        for path in self._paths:
            about = _file(path)
            if about is None or about.st_ino != number:
                continue
            try:
                file = path.open("rb")
            except OSError:
                continue
            if os.fstat(file.fileno()).st_ino == number:
                return file
            file.close()
        return None


class _Budget:
    def __init__(self) -> None:
        self.left = MOST_READ
        self.reached: Place | None = None
        """Where to go on, when it was used up."""


@dataclass(frozen=True, slots=True)
class _Raw:
    place: Place
    data: bytes
    time: float
    head: re.Match[bytes] | None
    cut: bool

    @property
    def level(self) -> Level | None:
        return None if self.head is None else _BY_NAME[self.head[2]]


def _of_file(file: BinaryIO, number: int, end: int, later: float, budget: _Budget) -> Iterator[_Raw]:
    """The lines before `end`. What is remembered of a line that is not begun yet is at most MOST_TEXT."""
    begun, cut, at, rest = end, False, end, b""
    while at > 0:
        if budget.left <= 0:
            # From the end of that line, or from within it where it alone took everything.
            budget.reached = Place(number, begun if begun < end else at)
            return
        start = max(0, at - BLOCK)
        file.seek(max(0, start - 1))
        wanted = at - max(0, start - 1)
        block = file.read(wanted)
        budget.left -= len(block)
        if len(block) < wanted:
            # Emptied meanwhile.
            return
        if at == end and at < os.fstat(file.fileno()).st_size:
            cut = not block.endswith(b"\n")
        data = (b"\n" if start == 0 else b"") + block + rest
        at, stop = start, len(data)
        for head in reversed([found.start() for found in _HEAD.finditer(data)]):
            begun = start + head - 1
            raw = _raw(Place(number, begun), data[head:stop], later, cut)
            later, stop, cut = raw.time, head, False
            yield raw
        rest = data[1:stop]
        if len(rest) > MOST_TEXT:
            rest, cut = rest[:MOST_TEXT], True
    if rest.strip():
        yield _raw(Place(number, 0), rest, later, cut)


def _raw(place: Place, data: bytes, later: float, cut: bool) -> _Raw:
    head = _HEAD.match(b"\n" + data[:1024], 1)
    if len(data) > MOST_TEXT:
        data, cut = data[:MOST_TEXT], True
    time = None if head is None else _moment(head[1])
    return _Raw(place, data, later if time is None else time, head, cut)


def _end_of(file: BinaryIO, end: int, until: float) -> int:
    """A place at or after the last line that is earlier than `until`; found by halving, for files of any size."""
    first, last = 0, end
    while last - first > 4 * BLOCK:
        middle = (first + last) // 2
        file.seek(middle)
        head = _HEAD.search(file.read(BLOCK))
        moment = None if head is None else _moment(head[1])
        if head is None or moment is None:
            break
        if moment >= until:
            last = middle + head.start()
        else:
            first = middle + head.start()
    return last


def _moment(text: bytes) -> float | None:
    try:
        return datetime.fromisoformat(text.decode().replace(",", ".")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _file(path: Path) -> os.stat_result | None:
    try:
        about = path.stat()
    except OSError:
        return None
    # Opening a pipe would wait for somebody to write.
    return about if stat.S_ISREG(about.st_mode) else None
