"""A web engine that aborts, as Qt does where one of its libraries is missing: the server stays, the browser opens."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from gridbear_process import Gridbear, run_info, wait_for
from noting_window import noting
from screens import children, end_by_signal

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="it is about signals")]

ABORTING = "import os, sys\nprint('no such display: ' + '9' * 9, file=sys.stderr, flush=True)\nos.abort()\n"
HANGING = """
import os, time
def opened():
    return len(open({opened!r}).readlines()) if os.path.exists({opened!r}) else 0
before = opened()
while opened() == before:
    time.sleep(0.02)
os.abort()
"""
"""It shows nothing, and aborts when the browser has opened instead."""
BROWSER = """#!/bin/sh
echo "$1" >> "{opened}"
"""


@pytest.fixture
def aborting(gridbear: Gridbear, tmp_path: Path) -> Path:
    """Processes find a `webview` that aborts, and a browser that notes what it opens. Returns the file of the notes."""
    modules, opened, browser = tmp_path / "modules", tmp_path / "opened", tmp_path / "browser"
    modules.mkdir()
    (modules / "webview.py").write_text(ABORTING, "utf-8")
    browser.write_text(BROWSER.format(opened=opened), "utf-8")
    browser.chmod(0o700)
    # A display that nobody serves: no panel is found, and the stand-in draws nothing.
    gridbear.env.update(PYTHONPATH=str(modules), BROWSER=str(browser), DISPLAY=":4711", DBUS_SESSION_BUS_ADDRESS="")
    return opened


def test_a_window_that_aborts_leaves_the_server_and_opens_the_browser(gridbear: Gridbear, aborting: Path) -> None:
    process = gridbear.popen(gridbear.command("--data-dir", str(gridbear.data_dir), "--port", "0"))
    info = wait_for(lambda: run_info(gridbear.data_dir), "the server")
    wait_for(aborting.exists, "the browser")
    assert wait_for(lambda: aborting.read_text("utf-8"), "its address").startswith(info["url"])
    log = (gridbear.data_dir / "logs" / "launcher.log").read_text("utf-8")
    assert "The window crashed: it was ended by signal 6." in log
    assert "the window says: no such display: 999999999" in log
    assert process.poll() is None and run_info(gridbear.data_dir) == info
    end_by_signal(process)


def test_a_window_that_shows_nothing_and_then_crashes_opens_one_page(gridbear: Gridbear, aborting: Path) -> None:
    (aborting.parent / "modules" / "webview.py").write_text(HANGING.format(opened=str(aborting)), "utf-8")
    process = gridbear.popen(gridbear.command("--data-dir", str(gridbear.data_dir), "--port", "0"))
    launcher = gridbear.data_dir / "logs" / "launcher.log"

    def crashes() -> int:
        return launcher.read_text("utf-8").count("no window: The window crashed") if launcher.exists() else 0

    wait_for(lambda: crashes() == 1, "the end of the first window")
    gridbear.popen(gridbear.command("--data-dir", str(gridbear.data_dir))).communicate(timeout=30)
    wait_for(lambda: crashes() == 2, "the end of the second window")
    assert len(aborting.read_text("utf-8").splitlines()) == 2
    end_by_signal(process)


def test_a_window_on_a_running_server_that_aborts_opens_the_browser(gridbear: Gridbear, aborting: Path) -> None:
    info = gridbear.ready(gridbear.serve("--port", "0"))
    done = gridbear.cli("window")
    assert done.returncode == 0 and "The window crashed: it was ended by signal 6." in done.stdout
    assert wait_for(lambda: aborting.exists() and aborting.read_text("utf-8"), "the browser").startswith(info["url"])


@pytest.mark.parametrize("end", ["crashing", "closing"])
def test_a_launch_that_meets_a_dying_window_opens_another(gridbear: Gridbear, tmp_path: Path, end: str) -> None:
    notes = noting(gridbear, tmp_path)
    process = gridbear.popen(gridbear.command("--data-dir", str(gridbear.data_dir), "--port", "0"))
    wait_for(lambda: any("open" in note for note in notes()), "the window")
    window = children(process)["window"]
    # As one whose end takes its time: it is there, and hears nothing any more.
    window.suspend()
    gridbear.popen(gridbear.command("--data-dir", str(gridbear.data_dir))).communicate(timeout=30)
    request = gridbear.data_dir / "run" / "show"
    wait_for(lambda: not request.exists(), "the launcher's notice of the launch")
    if end == "crashing":
        window.kill()
    else:
        window.terminate()
        window.resume()
    wait_for(lambda: len([note for note in notes() if "open" in note]) == 2, "another window")
    end_by_signal(process)


def test_the_doctor_outlives_an_engine_that_aborts(gridbear: Gridbear, aborting: Path) -> None:
    assert "there is none for a window of our own" in gridbear.cli("doctor").stdout
    assert not aborting.exists()
