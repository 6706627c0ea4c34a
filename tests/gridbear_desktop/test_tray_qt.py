"""The tray that Qt draws, on a real X server with a panel: what a Linux without GTK's bindings has."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import psutil
import pytest
from gridbear_process import Gridbear, run_info, wait_for
from screens import MISSING, ask_to_close, choose_in_menu, click_at, end_by_signal, start

from gridbear_desktop.tray_model import APP_NAME

pytest.importorskip("Xlib", reason="needs the desktop packages")
from Xlib import X, display, error

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"window tests need {', '.join(MISSING)}"),
    pytest.mark.skipif(
        importlib.util.find_spec("PySide6") is None or importlib.util.find_spec("webview") is None,
        reason="Qt is not installed here: `packaging/dev.py test` brings it",
    ),
]


@pytest.fixture(autouse=True)
def without_gtk(tmp_path: Path, gridbear: Gridbear) -> None:
    """GTK's bindings can't be imported by the processes that are started."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "gi.py").write_text('raise ImportError("hidden by the test")\n', "utf-8")
    gridbear.env.update(PYTHONPATH=str(tmp_path / "hidden"), QTWEBENGINE_CHROMIUM_FLAGS="--disable-gpu")
    gridbear.env.pop("QT_QPA_PLATFORM", None)


def of_height(screen: Gridbear, least: int, most: int) -> str:
    """The id of the visible window that is between `least` and `most` high, else "". Qt names all three the same."""
    opened = display.Display(screen.env["DISPLAY"])
    try:
        name = opened.intern_atom("_NET_WM_NAME")
        windows = [opened.screen().root]
        for window in windows:
            try:
                windows += window.query_tree().children
                seen = window.get_attributes().map_state == X.IsViewable
                if (
                    seen
                    and window.get_full_text_property(name) == APP_NAME
                    and least <= window.get_geometry().height <= most
                ):
                    return str(window.id)
            except error.BadWindow:
                continue  # it was closed this moment
        return ""
    finally:
        opened.close()


def icon_of(screen: Gridbear) -> str:
    return of_height(screen, 10, 64)


def menu_of(screen: Gridbear) -> str:
    return of_height(screen, 100, 500)


def window_of(screen: Gridbear) -> str:
    return of_height(screen, 501, 1000)


def choose(screen: Gridbear, key: str) -> None:
    click_at(screen, wait_for(lambda: icon_of(screen), "the icon"), 8, 8, button=3)
    choose_in_menu(screen, key, lambda: menu_of(screen))


def minimized(screen: Gridbear) -> tuple[Any, dict[str, Any]]:
    """A tray alone, and the run file of its server."""
    process = start(screen, "--port", "0", "--minimized")
    info = wait_for(lambda: run_info(screen.data_dir), "the server")
    wait_for(lambda: icon_of(screen), "the icon")
    return process, info


def test_a_click_on_the_icon_opens_the_window_and_a_signal_ends_all(panel: Gridbear) -> None:
    process, _ = minimized(panel)
    assert not window_of(panel)
    click_at(panel, icon_of(panel), 8, 8)
    wait_for(lambda: window_of(panel), "the window")
    end_by_signal(process)
    assert not window_of(panel) and not icon_of(panel)


def test_the_menu_is_clicked_through(panel: Gridbear) -> None:
    process, first = minimized(panel)
    entry = Path(panel.env["XDG_CONFIG_HOME"]) / "autostart" / "gridbear-desktop.desktop"
    choose(panel, "login")
    wait_for(entry.exists, "the start at login")
    choose(panel, "login")
    wait_for(lambda: not entry.exists(), "its end")
    choose(panel, "lan")
    wait_for(lambda: window_of(panel), "the window")
    choose(panel, "restart")
    second = wait_for(lambda: (now := run_info(panel.data_dir)) and now["pid"] != first["pid"] and now, "a new server")
    assert window_of(panel), "the window stays"
    choose(panel, "quit")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not psutil.pid_exists(second["pid"]) and not window_of(panel)


def test_without_a_panel_the_window_opens_and_its_closing_ends_all(screen: Gridbear) -> None:
    process = start(screen, "--port", "0", "--minimized")
    info = wait_for(lambda: run_info(screen.data_dir), "the server")
    window = wait_for(lambda: window_of(screen), "the window")
    assert not icon_of(screen)
    ask_to_close(screen, window)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "No tray takes icons here" in out
    assert not psutil.pid_exists(info["pid"])


@pytest.mark.parametrize("platform", ["no-such-platform", "xcb"])
def test_where_qt_finds_no_display_that_it_can_use_there_is_no_icon_and_the_asker_lives(
    gridbear: Gridbear, platform: str
) -> None:
    gridbear.env.update(DISPLAY=":9999", QT_QPA_PLATFORM=platform)
    code = "from gridbear_desktop.display import tray_backend; print(tray_backend())"
    process = gridbear.popen([gridbear.command()[0], "-c", code])
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "None\n")
