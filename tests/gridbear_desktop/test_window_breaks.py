"""How the end of a window process is told: closed, crashed, or without an engine; and Qt without its plugin."""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path

import pytest
from gridbear_process import Gridbear, run_info, wait_for
from screens import MISSING, start

from gridbear_desktop import window_child
from gridbear_desktop.window_child import WindowChild

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends by signal, and displays that are not there")


@pytest.fixture
def browser(gridbear: Gridbear, tmp_path: Path) -> Path:
    """Stands in for the system's browser; the file has the address that it was given."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/part && mv {tmp_path}/part {tmp_path}/opened\n', "utf-8")
    program.chmod(0o755)
    gridbear.env["BROWSER"] = f"{program} %s"
    return tmp_path / "opened"


def comes_in_the_browser(gridbear: Gridbear, opened: Path, *says: str) -> None:
    process = start(gridbear, "--port", "0")
    wait_for(opened.exists, "a page in the browser")
    info = run_info(gridbear.data_dir)
    assert info is not None and opened.read_text("utf-8").startswith(info["url"])
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    for words in says:
        assert words in out
    assert run_info(gridbear.data_dir) is None


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"window tests need {', '.join(MISSING)}")
@pytest.mark.skipif(importlib.util.find_spec("PySide6") is None, reason="Qt is not installed")
def test_qt_without_its_plugin_opens_the_browser(screen: Gridbear, browser: Path) -> None:
    screen.env.update(PYWEBVIEW_GUI="qt", QT_QPA_PLATFORM="nonsense")
    comes_in_the_browser(screen, browser, "The window crashed: it was ended by signal 6.")


@pytest.mark.parametrize(
    ("ending", "painted", "words"),
    [
        ("os.abort()", False, "The window crashed: it was ended by signal 6."),
        ("os.kill(os.getpid(), 11)", True, "The window crashed: it was ended by signal 11."),
        ("sys.exit(7)", False, "The window ended with exit code 7 before it showed anything."),
        ("sys.exit(1)", True, ""),
        ("os.kill(os.getpid(), 15)", False, ""),
        ("sys.exit(3)", False, "There is no web engine for a window of our own here."),
        ("sys.exit(0)", False, ""),
    ],
)
def test_how_a_window_ended_is_told_from_being_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, painted: bool, words: str
) -> None:
    program = f"import os, sys; print({'painted' if painted else ''!r}, flush=True); {ending}"
    monkeypatch.setattr(window_child, "program", lambda: [sys.executable, "-c", program])
    child = WindowChild(tmp_path, lambda: None)
    if painted:
        assert child.painted.wait(30)
    child.end()
    assert child.trouble() == words
