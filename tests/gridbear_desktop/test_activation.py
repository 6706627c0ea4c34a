"""The desktop's leave to come to the front goes from a click to the window, and to nothing else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gridbear_process import Gridbear, run_info
from noting_window import noting
from screens import end_by_signal, start

from gridbear_desktop import activation


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
def desktop(gridbear: Gridbear, bus_daemon: Any) -> Iterator[Any]:
    """A panel on the bus of `gridbear`, which is started by a click."""
    pytest.importorskip("jeepney", reason="D-Bus is of Linux alone")
    from status_host import StatusHost  # needs it

    gridbear.env.update(
        DBUS_SESSION_BUS_ADDRESS=bus_daemon[1], XDG_ACTIVATION_TOKEN="of-the-start", DESKTOP_STARTUP_ID="of-the-start"
    )
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

    noted = noting(gridbear, tmp_path)

    def notes() -> list[Any]:
        return [one.get("started_with", one.get("token")) for one in noted() if "wait" not in one and "open" not in one]

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
    assert notes() == [["of-the-start", "of-the-start"], "kwin-1", "", "of-the-second"]
    server = Path(f"/proc/{info['pid']}/environ").read_bytes()
    assert b"of-the-start" not in server and b"XDG_ACTIVATION_TOKEN" not in server
    end_by_signal(process)
