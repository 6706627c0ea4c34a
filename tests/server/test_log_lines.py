"""The lines of the server's log, read backwards from files of every shape."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from server import log_lines
from server.log import LINE_FORMAT
from server.log_lines import BLOCK, MOST_READ, MOST_TEXT, LogFiles, LogLine, Place, Wanted


def as_it_is(text: str) -> str:
    return text


ALL = Wanted(redact=as_it_is)
BEGAN = datetime(2026, 3, 4, 12).timestamp()


def head(second: int = 0, level: str = "INFO", logger: str = "server.app", request: str = "-") -> str:
    moment = datetime.fromtimestamp(BEGAN + second)
    return f"{moment:%Y-%m-%d %H:%M:%S},500 {level} {logger} [{request}] "


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


def all_of(log: LogFiles, wanted: Wanted = ALL, limit: int = 100) -> list[LogLine]:
    """Every line, page by page; each page leads on or ends it."""
    found, place, pages = [], None, 0
    while True:
        page = log.lines(wanted, limit, place)
        found += page.lines
        pages += 1
        assert pages < 10_000
        if page.next is None:
            return found
        assert page.next != place, "a page that leads nowhere"
        place = page.next


def test_what_the_logger_writes_is_read_again(tmp_path: Path) -> None:
    """The format and its reader belong together."""
    handler = logging.FileHandler(tmp_path / "server.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter(LINE_FORMAT))
    logger = logging.Logger("server.räume", logging.DEBUG)
    logger.addHandler(handler)
    logger.warning("a bear sleeps: Bär", extra={"request_id": "r1"})
    try:
        raise ValueError("too much honey")
    except ValueError:
        logger.exception("the bear woke", extra={"request_id": "-"})
    handler.close()
    woke, sleeps = LogFiles(tmp_path, "server.log").lines(ALL, 10).lines
    assert (sleeps.level, sleeps.logger, sleeps.request_id) == ("WARNING", "server.räume", "r1")
    assert (sleeps.text, sleeps.more, sleeps.cut) == ("a bear sleeps: Bär", "", False)
    assert woke.level == "ERROR" and woke.text == "the bear woke"
    assert woke.more.startswith("Traceback (most recent call last):\n") and woke.more.endswith("honey")
    assert 0 <= woke.time - sleeps.time < 60 and abs(woke.time - datetime.now().timestamp()) < 60


def test_pages_lead_through_all_files_and_miss_nothing(tmp_path: Path) -> None:
    for number, name in enumerate(["server.log.2", "server.log.1", "server.log"]):
        (tmp_path / name).write_text(
            "".join(f"{head(number * 100 + n)}line {number}-{n}\n  of two\n" for n in range(40)), "utf-8"
        )
    (tmp_path / "server.log.9").write_text(f"{head()}too old to be kept\n", "utf-8")
    (tmp_path / "server.log.old").write_text(f"{head()}of somebody else\n", "utf-8")
    log = LogFiles(tmp_path, "server.log")
    wanted = [f"line {number}-{n}" for number in (2, 1, 0) for n in reversed(range(40))]
    for limit in (1, 7, 40, 500):
        found = all_of(log, limit=limit)
        assert texts(found) == wanted
        assert {line.more for line in found} == {"  of two"}
        assert len({line.place for line in found}) == 120


@pytest.mark.parametrize("block", [16, 61, 128, 1000])
def test_no_end_of_a_block_hides_or_makes_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(log_lines, "BLOCK", block)
    # What looks like a line but does not stand at the beginning of one is none.
    quoted = f"says {head(5, 'ERROR')}not a line of its own"
    (tmp_path / "server.log").write_text(
        "".join(f"{head(n)}{'x' * n} {quoted}\n\n  more {n}\n" for n in range(60)), "utf-8"
    )
    found = LogFiles(tmp_path, "server.log").lines(ALL, 500).lines
    assert texts(found) == [f"{'x' * n} {quoted}" for n in reversed(range(60))]
    assert [line.more for line in found] == [f"\n  more {n}" for n in reversed(range(60))]
    assert {line.level for line in found} == {"INFO"}


def test_filters_by_level_words_and_time(tmp_path: Path) -> None:
    levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    (tmp_path / "server.log").write_text(
        "".join(f"{head(n, level)}Honey {level}\n  deep in the {n}. cave\n" for n, level in enumerate(levels)), "utf-8"
    )
    log = LogFiles(tmp_path, "server.log")

    def of(**wanted: Any) -> list[str]:
        return [str(it.level) for it in reversed(log.lines(replace(ALL, **wanted), 10).lines)]

    assert of(lowest="WARNING") == ["WARNING", "ERROR", "CRITICAL"]
    assert of(words="hONEY info") == ["INFO"]
    assert of(words="the 3. CAVE") == ["ERROR"]
    assert of(words="jam") == []
    assert of(since=BEGAN + 2, until=BEGAN + 4) == ["WARNING", "ERROR"]
    assert of(since=BEGAN + 60) == [] and of(until=BEGAN) == []
    assert of(since=BEGAN + 3.5, until=BEGAN + 3.501) == ["ERROR"]


def test_the_time_of_a_large_file_is_found_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    with path.open("w", encoding="utf-8") as file:
        for n in range(150_000):
            file.write(f"{head(n)}{'padding ' * 16}{n}\n")
    assert path.stat().st_size > 3 * MOST_READ - BLOCK
    log = LogFiles(tmp_path, "server.log")
    found = log.lines(Wanted(redact=as_it_is, since=BEGAN + 500, until=BEGAN + 510), 100)
    assert [text.rpartition(" ")[2] for text in texts(found.lines)] == [str(n) for n in reversed(range(500, 510))]
    assert found.next is None
    counted = log.count(ALL, BEGAN + 500, BEGAN + 620, 60)
    assert counted.reached is None
    assert {bar: levels["INFO"] for bar, levels in counted.bars.items()} == {0: 60, 1: 60}


def test_a_question_reads_only_so_much_and_says_where_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "MOST_READ", 10_000)
    monkeypatch.setattr(log_lines, "BLOCK", 1_000)
    (tmp_path / "server.log").write_text("".join(f"{head(n)}line {n}\n" for n in range(2_000)), "utf-8")
    log = LogFiles(tmp_path, "server.log")
    first = log.lines(Wanted(redact=as_it_is, words="line 3\n"), 100)
    assert not first.lines and first.next is not None
    assert texts(all_of(log, Wanted(redact=as_it_is, words="line 3\n"))) == ["line 3"]
    counted = log.count(ALL, BEGAN, BEGAN + 2_000, 100)
    assert counted.reached is not None and BEGAN + 1_500 < counted.reached < BEGAN + 2_000
    assert 100 < sum(levels.total() for levels in counted.bars.values()) < 300


def test_a_line_of_ten_megabytes_is_cut_and_those_around_it_are_whole(tmp_path: Path) -> None:
    with (tmp_path / "server.log").open("w", encoding="utf-8") as file:
        file.write(f"{head(0)}before\n{head(1, 'ERROR')}large {'ä' * 5_000_000}\n{head(2)}after\n")
    log = LogFiles(tmp_path, "server.log")
    after, large, before = all_of(log)
    assert (after.text, after.cut, before.text, before.cut) == ("after", False, "before", False)
    assert large.level == "ERROR" and large.cut
    assert large.text.startswith("large ää") and len(large.text.encode()) < MOST_TEXT + 100
    again = log.line(large.place, as_it_is)
    assert again is not None and again.text[:1000] == large.text[:1000] and again.cut


def test_a_flood_without_any_line_end_leads_on_until_it_is_through(tmp_path: Path) -> None:
    (tmp_path / "server.log.1").write_text(f"{head()}what went before\n", "utf-8")
    (tmp_path / "server.log").write_bytes(b"x" * (2 * MOST_READ + 5))
    flood, before = all_of(LogFiles(tmp_path, "server.log"))
    assert before.text == "what went before"
    assert (flood.level, flood.cut) == (None, True) and len(flood.text) < MOST_TEXT + 100


def test_broken_text_and_text_that_no_logger_wrote(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_bytes(
        b"Fatal Python error: \xff\xfe\x00\r\nThread 1\r\n" + head(3).encode() + b"half of \xc3\r\n"
        b"2026-99-99 12:00:00,000 ERROR odd [-] no such day\n"
    )
    odd, half, fatal = LogFiles(tmp_path, "server.log").lines(ALL, 10).lines
    assert half.text == "half of \N{REPLACEMENT CHARACTER}" and half.more == ""
    assert fatal.level is None and fatal.text.startswith("Fatal Python error: \N{REPLACEMENT CHARACTER}")
    assert fatal.more == "Thread 1" and fatal.time == half.time
    # Its time is about that of what comes after it, which is the file's own.
    assert odd.text == "no such day" and odd.time == pytest.approx((tmp_path / "server.log").stat().st_mtime)
    assert log_of_level(tmp_path, "WARNING") == ["no such day"]


def log_of_level(folder: Path, lowest: log_lines.Level) -> list[str]:
    return texts(LogFiles(folder, "server.log").lines(Wanted(redact=as_it_is, lowest=lowest), 10).lines)


def test_a_cursor_holds_when_the_log_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text("".join(f"{head(n)}line {n}\n" for n in range(10)), "utf-8")
    log = LogFiles(tmp_path, "server.log")
    page = log.lines(ALL, 4)
    assert page.next is not None
    path.rename(tmp_path / "server.log.1")
    path.write_text(f"{head(20)}new\n", "utf-8")
    assert texts(log.lines(ALL, 100, page.next).lines) == [f"line {n}" for n in (5, 4, 3, 2, 1, 0)]
    last = page.lines[-1]
    assert log.line(last.place, as_it_is) == last
    # Nothing is older than what went when it went.
    os.remove(tmp_path / "server.log.1")
    assert log.lines(ALL, 100, page.next) == ([], None)
    assert log.line(last.place, as_it_is) is None


def test_what_vanishes_or_is_emptied_while_it_is_read_ends_quietly(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text("".join(f"{head(n)}{'x' * 1000}\n" for n in range(500)), "utf-8")
    (tmp_path / "server.log.1").write_text(f"{head()}older\n", "utf-8")

    seen: list[str] = []

    def meanwhile(text: str) -> str:
        seen.append(text)
        if len(seen) == 3:
            os.truncate(path, 10)
            os.remove(tmp_path / "server.log.1")
        return text

    found = LogFiles(tmp_path, "server.log").lines(Wanted(redact=meanwhile), 500)
    assert 3 <= len(found.lines) < 500 and found.next is None


def test_no_file_an_empty_one_and_one_that_is_none(tmp_path: Path) -> None:
    log = LogFiles(tmp_path / "nowhere", "server.log")
    assert log.lines(ALL, 10) == ([], None) and not log.is_stderr()
    assert log.count(ALL, 0, 60, 60) == ({}, None)
    assert log.line(Place(1, 0), as_it_is) is None
    (tmp_path / "server.log").touch()
    os.mkdir(tmp_path / "server.log.1")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "server.log.2")
    assert LogFiles(tmp_path, "server.log").lines(ALL, 10) == ([], None)


def test_only_the_beginning_of_a_line_is_one(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text(f"{head(0)}first\n  more\n{head(1)}second {head(2)}not one\n", "utf-8")
    log, number = LogFiles(tmp_path, "server.log"), path.stat().st_ino
    found = {at: line for at in range(path.stat().st_size + 3) if (line := log.line(Place(number, at), as_it_is))}
    assert [line.text for line in found.values()] == ["first", f"second {head(2)}not one"]
    assert [line.more for line in found.values()] == ["  more", ""]
    for text in ("", "x", "1-", "-1", "g-1", "1-1-1", "1-" + "9" * 30, "1-٣"):
        assert Place.of(text) is None, text


def test_secrets_are_neither_shown_nor_found(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text(
        f"{head(0, logger='plugin.honeypot')}the key is honeypot\n  twice honeypot\n{head(1)}honey\n", "utf-8"
    )
    log = LogFiles(tmp_path, "server.log")

    def redact(text: str) -> str:
        return text.replace("honeypot", "•••")

    lines = log.lines(Wanted(redact=redact), 10).lines
    assert "honeypot" not in str(lines) and lines[1].text == "the key is •••" and lines[1].more == "  twice •••"
    for guess in ("honeyp", "honeypot", "key is h"):
        assert log.lines(Wanted(redact=redact, words=guess), 10).lines == []
        assert log.count(Wanted(redact=redact, words=guess), BEGAN, BEGAN + 60, 60).bars == {}
    assert texts(log.lines(Wanted(redact=redact, words="key is •"), 10).lines) == ["the key is •••"]
    whole = log.line(lines[1].place, redact)
    assert whole is not None and "honeypot" not in str(whole)
