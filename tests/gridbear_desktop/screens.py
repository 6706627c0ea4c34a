"""What the tests see and do on a screen: windows found by xdotool, clicks, processes started and ended."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import psutil
from gridbear_process import Gridbear, wait_for
from test_tray import FakeLauncher

from gridbear_desktop import desktop_actions
from gridbear_desktop.tray_model import TrayModel

TOOLS = ("Xvfb", "dbus-daemon", "trayer", "xdotool")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
TITLE = "^GridBear Desktop$"


def end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


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


def geometry(screen: Gridbear, window: str) -> dict[str, int]:
    """Place and size of a window."""
    command = ["xdotool", "getwindowgeometry", "--shell", window]
    done = subprocess.run(command, env=screen.env, capture_output=True, text=True, check=True)
    lines = dict(line.split("=") for line in done.stdout.split())
    return {name: int(lines[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")}


def ask_to_close(screen: Gridbear, window: str) -> None:
    """What a window manager does; xdotool's `windowclose` takes the window away from under its process."""
    from Xlib import display  # comes with pystray on Linux alone
    from Xlib.protocol.event import ClientMessage

    opened = display.Display(screen.env["DISPLAY"])
    target = opened.create_resource_object("window", int(window))
    protocols, delete = (opened.intern_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW"))
    target.send_event(ClientMessage(window=target, client_type=protocols, data=(32, [delete, 0, 0, 0, 0])))
    opened.sync()
    opened.close()


def children(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """The server and the window of a tray, by the word on their command line."""
    found = {}
    for child in psutil.Process(process.pid).children():
        try:
            words = child.cmdline()
        except psutil.Error:
            continue  # it has ended
        found.update({word: child for word in ("serve", "window") if word in words})
    return found


def choose_in_menu(screen: Gridbear, key: str, menu_of: Callable[[], str]) -> None:
    """Click the entry `key` in the tray's menu. `menu_of` gives the id of the open menu, "" where none is open."""
    launcher = FakeLauncher()
    launcher.can_copy = desktop_actions.clipboard_command() is not None
    shown = [entry.key for entry in TrayModel(launcher).entries() if entry.visible]
    menu = wait_for(menu_of, "the menu")
    # Its lines are of one height.
    line = geometry(screen, menu)["HEIGHT"] / len(shown)
    click_at(screen, menu, 20, int((shown.index(key) + 0.5) * line))
    wait_for(lambda: not menu_of(), "the end of the menu")


def click_at(screen: Gridbear, window: str, x: int, y: int, button: int = 1) -> None:
    place = ["mousemove", "--sync", "--window", window, str(x), str(y), "click", str(button)]
    subprocess.run(["xdotool", *place], env=screen.env, check=True)
