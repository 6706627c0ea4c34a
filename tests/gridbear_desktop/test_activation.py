"""The desktop's leave to come to the front goes from a click to the window, and to nothing else."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gridbear_process import Gridbear, run_info
from screens import end_by_signal, start

from gridbear_desktop import activation

NOTING = """
import json, os, sys
def note(**what):
    with open({notes!r}, "a") as file:
        file.write(json.dumps(what) + "\\n")
names = ("XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID")
note(started_with=[os.environ.get(name) for name in names])
for line in sys.stdin:
    order = json.loads(line)
    if "show" in order:
        note(shown_with=order["token"])
os._exit(0)
"""
"""A window that only notes what it gets."""


def test_a_token_is_taken_once_and_from_both_names() -> None:
    env = {"XDG_ACTIVATION_TOKEN": "kwin-1", "DESKTOP_STARTUP_ID": "kwin-0", "HOME": "/"}
    assert activation.taken(env) == "kwin-1" and env == {"HOME": "/"} and activation.taken(env) == ""
    assert activation.taken({"XDG_ACTIVATION_TOKEN": "", "DESKTOP_STARTUP_ID": "bear_TIME12"}) == "bear_TIME12"
    assert activation.taken({"DESKTOP_STARTUP_ID": "x" * 501}) == ""
    assert activation.variables("") == {} == activation.variables("a\x00b")


@pytest.mark.skipif(sys.platform != "linux", reason="tokens are of Linux alone")
def test_qt_finds_the_token_where_it_looks_and_no_token_leaves_no_trace() -> None:
    env: dict[str, str] = {}
    window: Any = SimpleNamespace(native=object())
    activation.hand_over(window, "", env)
    assert env == {}
    activation.hand_over(window, "kwin-1", env)
    assert env == {"XDG_ACTIVATION_TOKEN": "kwin-1"}


@pytest.fixture
def desktop(gridbear: Gridbear, bus_daemon: Any, tmp_path: Path) -> Iterator[Any]:
    """A panel, and windows that note what they get into `notes`."""
    pytest.importorskip("jeepney", reason="D-Bus is of Linux alone")
    from status_host import StatusHost  # needs it

    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "webview.py").write_text(NOTING.format(notes=str(tmp_path / "notes")), "utf-8")
    gridbear.env.update(
        PYTHONPATH=str(tmp_path / "modules"), DISPLAY=":4711", DBUS_SESSION_BUS_ADDRESS=bus_daemon[1],
        XDG_ACTIVATION_TOKEN="of-the-start", DESKTOP_STARTUP_ID="of-the-start",
    )  # fmt: skip
    host = StatusHost(bus_daemon[1])
    host.appear()
    yield host
    host.close()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")
def test_each_window_gets_the_leave_of_the_click_that_opened_it(
    gridbear: Gridbear, desktop: Any, tmp_path: Path
) -> None:
    from status_host import ITEM, ITEM_PATH  # needs D-Bus

    def notes() -> list[dict[str, Any]]:
        kept = tmp_path / "notes"
        return [json.loads(line) for line in kept.read_text("utf-8").splitlines()] if kept.exists() else []

    process = start(gridbear, "--port", "0")
    desktop.until(lambda: len(notes()) == 1, "the window of the start")
    info = desktop.until(lambda: run_info(gridbear.data_dir), "the server")
    for token in ("kwin-1", ""):
        if token:
            desktop.ask(ITEM_PATH, ITEM, "ProvideXdgActivationToken", "s", token)
        before = len(notes())
        desktop.ask(ITEM_PATH, ITEM, "Activate", "ii", 0, 0)
        desktop.until(lambda before=before: len(notes()) > before, "the window in front")
    gridbear.env.update(XDG_ACTIVATION_TOKEN="of-the-second")
    start(gridbear).communicate(timeout=30)
    desktop.until(lambda: len(notes()) == 4, "the window in front")
    assert notes() == [
        {"started_with": ["of-the-start", "of-the-start"]},
        {"shown_with": "kwin-1"},
        {"shown_with": ""},
        {"shown_with": "of-the-second"},
    ]
    server = Path(f"/proc/{info['pid']}/environ").read_bytes()
    assert b"of-the-start" not in server and b"XDG_ACTIVATION_TOKEN" not in server
    end_by_signal(process)
