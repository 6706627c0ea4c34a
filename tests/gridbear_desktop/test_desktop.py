"""Tray and window on a real X server, with WebKitGTK and a panel that takes tray icons."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psutil
import pytest
from gridbear_process import Gridbear, run_info, wait_for

TOOLS = ("Xvfb", "dbus-daemon", "trayer", "xdotool")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
TITLE = "^GridBear Desktop$"


def has_web_engine() -> bool:
    """Whether this Python can open a WebKitGTK window."""
    try:
        import gi  # of the system; absent on many machines
        import webview  # noqa: F401 - only asked whether it is there

        gi.require_version("Gtk", "3.0")
        gi.require_version("WebKit2", "4.1")
    except (ImportError, ValueError):
        return False
    return True


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"window tests need {', '.join(MISSING)}"),
    pytest.mark.skipif(not has_web_engine(), reason="window tests need GTK 3 and WebKit2 4.1 with their bindings"),
]


def end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.fixture
def screen(gridbear: Gridbear) -> Iterator[Gridbear]:
    """`gridbear` on an X server and a session bus of its own."""
    with ExitStack() as stack:
        reading, writing = os.pipe()
        # It chooses a free display and writes its number. Without -noreset it would start anew, and drop whoever is
        # connecting, each time its last client leaves.
        xvfb = subprocess.Popen(
            ["Xvfb", "-noreset", "-displayfd", str(writing), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        stack.callback(end, xvfb)
        os.close(writing)
        with os.fdopen(reading) as number:
            display = f":{number.readline().strip()}"
        bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        stack.callback(end, bus)
        assert bus.stdout is not None
        gridbear.env.update(
            DISPLAY=display,
            DBUS_SESSION_BUS_ADDRESS=bus.stdout.readline().strip(),
            GDK_BACKEND="x11",
            NO_AT_BRIDGE="1",
        )
        yield gridbear


@pytest.fixture
def panel(screen: Gridbear) -> Iterator[Gridbear]:
    """A screen with a panel that takes tray icons."""
    process = subprocess.Popen(
        ["trayer", "--widthtype", "pixel", "--width", "200"], env=screen.env, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: found(screen, "--class", "trayer"), "the panel")
    yield screen
    end(process)


def window_of(process: subprocess.Popen[str], screen: Gridbear) -> str:
    """The id of the window once it is there; AssertionError with what the launcher said when that ends first."""

    def shown() -> list[str]:
        assert process.poll() is None, process.communicate()
        return found(screen, "--name", TITLE)

    ids: list[str] = wait_for(shown, "the window")
    return ids[0]


def found(screen: Gridbear, *search: str) -> list[str]:
    """Ids of the visible windows that xdotool finds."""
    command = ["xdotool", "search", "--onlyvisible", *search]
    done = subprocess.run(command, env=screen.env, capture_output=True, text=True, check=False)
    return done.stdout.split()


def start(screen: Gridbear, *arguments: str) -> Any:
    return screen.popen(screen.command("--data-dir", str(screen.data_dir), *arguments))


def end_by_signal(process: Any) -> None:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_without_a_panel_the_window_opens_and_its_closing_ends_all(screen: Gridbear) -> None:
    process = start(screen, "--port", "0")
    window = window_of(process, screen)
    info = run_info(screen.data_dir)
    assert info is not None
    subprocess.run(["xdotool", "windowclose", window], env=screen.env, check=True)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "No tray takes icons here" in out
    assert not psutil.pid_exists(info["pid"])


def test_minimized_shows_the_icon_and_a_second_launch_the_window(panel: Gridbear) -> None:
    process = start(panel, "--port", "0", "--minimized")
    wait_for(lambda: run_info(panel.data_dir), "the server")
    wait_for(lambda: found(panel, "--name", "^GridBear Desktop: Running at http://127.0.0.1:"), "the icon")
    assert not found(panel, "--name", TITLE)
    second = start(panel)
    second.communicate(timeout=30)
    assert second.returncode == 0
    wait_for(lambda: found(panel, "--name", TITLE), "the window")
    end_by_signal(process)
    assert not found(panel, "--name", TITLE)


def test_a_killed_tray_leaves_neither_server_nor_window(panel: Gridbear) -> None:
    process = start(panel, "--port", "0")
    window_of(process, panel)
    server = json.loads((panel.data_dir / "run" / "server.json").read_text("utf-8"))["pid"]
    children = [child.pid for child in psutil.Process(process.pid).children()]
    assert server in children and len(children) == 2
    process.kill()
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in children), "the end of the children", 10)
