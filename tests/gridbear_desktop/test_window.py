"""What the window keeps, what it shows while it waits, and what its parent does when it shows nothing."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from gridbear_desktop import window_child, window_place
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
