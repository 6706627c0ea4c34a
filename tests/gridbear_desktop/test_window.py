"""What the window keeps, what it shows while it waits, and what its parent does when it shows nothing."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from gridbear_desktop import engine_words, window_child, window_place
from gridbear_desktop.waiting_page import page
from gridbear_desktop.window_child import WindowChild
from gridbear_desktop.window_place import Place, on_a_screen, read, write

SILENT = "import sys\nfor line in sys.stdin: pass"
SPEAKING = "import sys\nsys.stdin.readline(); print('noise'); print('painted', flush=True)\nfor line in sys.stdin: pass"


@dataclass
class Screen:
    x: int
    y: int
    width: int
    height: int


def test_size_and_place_are_kept(tmp_path: Path) -> None:
    assert read(tmp_path) == Place()
    write(tmp_path, Place(900, 700, -1200, 40))
    assert read(tmp_path) == Place(900, 700, -1200, 40)
    assert [path.name for path in tmp_path.iterdir()] == [window_place.FILE_NAME]
    write(tmp_path / "nowhere", Place())


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '{"width": "wide"}', '{"width": 9e99}', '{"height": true}', '{"x": 99999999}', '{"depth": 1}',
     '{"width": null}'],
)  # fmt: skip
def test_a_place_that_makes_no_sense_is_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / window_place.FILE_NAME).write_text(text)
    assert read(tmp_path) == Place()


def test_a_window_is_never_smaller_than_what_can_be_used(tmp_path: Path) -> None:
    write(tmp_path, Place(1, 1, 5, 5))
    assert read(tmp_path) == Place(*window_place.SMALLEST, 5, 5)


def test_a_window_of_a_screen_that_is_gone_goes_where_the_desktop_puts_it() -> None:
    here, left = Screen(0, 0, 1400, 1000), Screen(-1920, 0, 1920, 1080)
    away = Place(900, 700, -1200, 40)
    assert on_a_screen(away, [here, left]) == away
    assert on_a_screen(away, [here]) == Place(900, 700)
    for x, y in ((1390, 0), (-850, 0), (0, 990), (0, -400)):
        assert on_a_screen(Place(900, 700, x, y), [here]) == Place(900, 700), (x, y)
    assert on_a_screen(Place(900, 700), []) == Place(900, 700)


def test_what_the_waiting_page_shows_is_text() -> None:
    shown = page("Starting", "<script>alert(1)</script>", ["{x}", "<b>&"])
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert "<pre>{x}\n&lt;b&gt;&amp;</pre>" in shown
    assert "<pre>" not in page("Starting", "soon")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "trouble"),
    [
        ("import os; os.abort()", "The window crashed: it was ended by signal 6."),
        ("import sys; sys.exit(1)", "The window ended with exit code 1 before it showed anything."),
        ("import sys; sys.exit(3)", "There is no web engine for a window of our own here."),
        ("print('painted', flush=True); import os; os.kill(os.getpid(), 15)", ""),
        ("pass", ""),
    ],
)
def test_a_window_that_ends_without_having_been_closed_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, trouble: str
) -> None:
    monkeypatch.setattr(window_child, "program", lambda: [sys.executable, "-c", program])
    child = WindowChild(tmp_path, lambda: None)
    child.wait_for_end()
    child.end()
    assert child.trouble() == trouble


@pytest.mark.slow
@pytest.mark.parametrize(("program", "told"), [(SILENT, True), (SPEAKING, False)])
def test_a_window_that_shows_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, told: bool
) -> None:
    monkeypatch.setattr(window_child, "program", lambda: [sys.executable, "-c", program])
    monkeypatch.setattr(window_child, "PAINT_SECONDS", 3.0 if told else 60.0)
    nothing = threading.Event()
    child = WindowChild(tmp_path, nothing.set)
    try:
        child.open("http://127.0.0.1:9/")
        assert nothing.wait(20) if told else child.painted.wait(20)
        assert nothing.is_set() == told
    finally:
        child.end()
    assert child.ended_with() == 0


@pytest.mark.parametrize(("said", "again"), [("shown", False), ("painted", True), ("", True)])
def test_a_window_that_ends_and_did_not_come_to_the_front_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, again: bool
) -> None:
    program = f"import sys\nsys.stdin.readline(); sys.stdin.readline()\nprint({said!r}, flush=True)"
    monkeypatch.setattr(window_child, "program", lambda: [sys.executable, "-c", program])
    child = WindowChild(tmp_path, lambda: None)
    child.open("http://127.0.0.1:9/")
    child.to_the_front()
    child.wait_for_end()
    assert child.was_asked_for() is again
    child.end()


def test_a_window_that_nobody_wanted_again_was_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_child, "program", lambda: [sys.executable, "-c", SPEAKING])
    child = WindowChild(tmp_path, lambda: None)
    child.open("http://127.0.0.1:9/")
    child.end()
    assert child.was_asked_for() is False


def test_only_one_shows_gridbear_in_place_of_a_window_until_that_has_shown_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_child, "program", lambda: [sys.executable, "-c", SPEAKING])
    child = WindowChild(tmp_path, lambda: None)
    try:
        assert [child.take_its_place(), child.take_its_place()] == [True, False]
        child.open("http://127.0.0.1:9/")
        assert child.painted.wait(20)
    finally:
        child.end()
    child.heard.join(20)
    assert [child.take_its_place(), child.take_its_place()] == [True, False]


def test_a_late_first_paint_is_in_the_log_too_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    late = "import sys\nsys.stdin.readline(); sys.stdin.readline()\nprint('painted\\npainted', flush=True)"
    monkeypatch.setattr(window_child, "program", lambda: [sys.executable, "-c", late])
    monkeypatch.setattr(window_child, "PAINT_SECONDS", 0.0)
    nothing = threading.Event()
    child = WindowChild(tmp_path, nothing.set)
    with caplog.at_level(logging.INFO):
        child.open("http://127.0.0.1:9/")
        assert nothing.wait(20)
        child.to_the_front()
        child.heard.join(20)
    child.end()
    assert caplog.text.count("first paint") == 1


def words(said: bytes) -> list[str]:
    told: list[str] = []
    engine_words.follow(BytesIO(said), told.append).join(20)
    return told


def test_what_an_engine_says_is_told_a_line_at_a_time() -> None:
    said = b"libEGL warning: DRI3\n\n  \n\x1b[31mred\xff\x00\rblack\r\nlast without an end"
    assert words(said) == ["libEGL warning: DRI3", "[31mred\ufffd  black", "last without an end"]


def test_nothing_that_signs_in_and_nothing_of_a_page_is_told() -> None:
    address = b"http://127.0.0.1:8088/_desktop/login?t=s3cret-ticket"
    said = [b"js: my diary", b"Failed to load " + address, b"[" + address + b"]: no", b"Really? Yes",
            b"x" * 70_000 + address]  # fmt: skip
    told = words(b"\n".join(said))
    place = "http://127.0.0.1:8088/_desktop/login?…"
    assert told == [f"Failed to load {place}", f"[{place}]: no", "Really? Yes", "x" * engine_words.LONGEST]


def test_of_an_engine_that_talks_without_end_the_beginning_and_the_last_words_are_told() -> None:
    told = words(b"".join(b"line %d\n" % number for number in range(1000)))
    first, last = engine_words.FIRST_LINES, engine_words.LAST_LINES
    assert told[:first] == [f"line {number}" for number in range(first)]
    assert told[first] == f"[{1000 - first - last} lines left out]"
    assert told[first + 1 :] == [f"line {number}" for number in range(1000 - last, 1000)]
