"""Tray and window on a real X server, with WebKitGTK and a panel that takes tray icons."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from gridbear_process import Gridbear, run_info, wait_for
from screens import (
    MISSING,
    TITLE,
    ask_to_close,
    children,
    choose_in_menu,
    click_at,
    end_by_signal,
    found,
    geometry,
    start,
    window_of,
)

from server.cli.running import RunningServer

CLICK_AGAIN_SECONDS = 5.0


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


def test_without_a_panel_the_window_opens_and_its_closing_ends_all(screen: Gridbear) -> None:
    process = start(screen, "--port", "0")
    window = window_of(process, screen)
    info = wait_for(lambda: run_info(screen.data_dir), "the server")
    log = screen.data_dir / "logs" / "launcher.log"
    wait_for(lambda: "first paint" in log.read_text("utf-8"), "the first paint")
    ask_to_close(screen, window)
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


def test_what_is_notified_appears_on_the_desktop_once_and_not_for_who_wants_none(panel: Gridbear) -> None:
    panel.env["INTERNAL_API_SECRET"] = "of-programs"
    service = panel.popen([sys.executable, str(Path(__file__).with_name("notice_service.py"))])
    assert json.loads(service.stdout.readline()) == "ready"
    process = start(panel, "--port", "0", "--minimized")
    info = wait_for(lambda: run_info(panel.data_dir), "the server")
    server = RunningServer(info["url"], info["control_token"])

    def post(path: str, token: str = "", **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer: dict[str, Any] = server.ask(path, json.dumps(body).encode(), headers)["data"]
        return answer

    def notify(username: str, title: str, message: str = "-") -> None:
        post("/api/internal/notifications", "of-programs", username=username, title=title, message=message)

    for name, role in (("maja", "admin"), ("olga", "member")):
        post("/_desktop/operations/user-create", username=name, password="a calm bear in a den", role=role)

    def heard() -> bool:
        # What came before the tray listened is not told; one of these does.
        notify("maja", "Is anybody there?")
        return bool(select.select([service.stdout], [], [], 1.0)[0])

    wait_for(heard, "the first notice")
    notify("olga", "Not for this computer")
    notify("maja", "Honey is ready", "In the kitchen")
    told = []
    while not told or told[-1][0] != "Honey is ready":
        told.append(json.loads(service.stdout.readline()))
    assert told[-1] == ["Honey is ready", "In the kitchen"]
    assert {title for title, _ in told[:-1]} == {"Is anybody there?"}
    token = post("/_desktop/operations/token-create", username="maja")["token"]
    post("/api/v1/preferences", token, key="notifications.desktop", value=False)
    notify("maja", "Unheard")
    end_by_signal(process)
    service.terminate()
    assert service.communicate(timeout=10)[0] == ""


def test_a_killed_tray_leaves_neither_server_nor_window(panel: Gridbear) -> None:
    process = start(panel, "--port", "0")
    window_of(process, panel)
    server = wait_for(lambda: run_info(panel.data_dir), "the server")["pid"]
    children = [child.pid for child in psutil.Process(process.pid).children()]
    assert server in children and len(children) == 2
    process.kill()
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in children), "the end of the children", 10)


def test_the_window_comes_back_as_it_was_and_says_when_it_is_painted(panel: Gridbear) -> None:
    process = start(panel, "--port", "0")
    window = window_of(process, panel)
    subprocess.run(["xdotool", "windowsize", "--sync", window, "900", "700"], env=panel.env, check=True)
    subprocess.run(["xdotool", "windowmove", "--sync", window, "210", "120"], env=panel.env, check=True)
    before = wait_for(lambda: (now := geometry(panel, window))["WIDTH"] == 900 and now, "the new size")
    log = panel.data_dir / "logs" / "launcher.log"
    wait_for(lambda: "first paint" in log.read_text("utf-8"), "the first paint")
    ask_to_close(panel, window)
    kept = panel.data_dir / "run" / "window.json"
    wait_for(kept.exists, "the kept place")
    wait_for(lambda: not found(panel, "--name", TITLE), "the end of the window")
    start(panel).communicate(timeout=30)
    assert geometry(panel, window_of(process, panel)) == before
    end_by_signal(process)
    assert "shows nothing" not in log.read_text("utf-8")


@pytest.mark.parametrize("when", ["starting", "running", "restarting", "in safe mode"])
@pytest.mark.parametrize("victim", ["tray", "serve", "window"])
def test_whoever_is_killed_nothing_is_left_over_and_all_comes_back(panel: Gridbear, victim: str, when: str) -> None:
    process = start(panel, "--port", "0", *(["--safe"] if when == "in safe mode" else []))
    both = wait_for(lambda: len(now := children(process)) == 2 and now, "server and window")
    if when != "starting":
        wait_for(lambda: run_info(panel.data_dir), "the server")
        window_of(process, panel)
    if when == "restarting":
        first = both["serve"]
        first.kill()
        both = wait_for(lambda: (now := children(process)).get("serve", first) != first and now, "the next server")
    if victim == "tray":
        process.kill()
        process.wait()
        wait_for(lambda: not any(child.is_running() for child in both.values()), "the end of the children")
        process = start(panel, "--port", "0")
    else:
        both[victim].kill()
        wait_for(lambda: children(process).get(victim) != both[victim], f"the end of {victim}")
    info = wait_for(lambda: run_info(panel.data_dir), "a server")
    if victim == "window":
        assert info["pid"] == both["serve"].pid
        start(panel).communicate(timeout=30)
    window_of(process, panel)
    now = wait_for(lambda: len(now := children(process)) == 2 and now, "server and window again")
    assert now["serve"].pid == info["pid"]
    if victim == "serve":
        assert now["window"] == both["window"]
    end_by_signal(process)
    assert not any(child.is_running() for child in (*both.values(), *now.values()))
    assert not (panel.data_dir / "run" / "server.json").exists()


def choose(screen: Gridbear, key: str) -> None:
    """Click the icon, and in its menu the entry `key`."""
    icon = wait_for(lambda: found(screen, "--name", "^GridBear Desktop: Running"), "the icon")[0]
    clicked = -CLICK_AGAIN_SECONDS

    def opened() -> bool:
        nonlocal clicked
        shown = bool(menu_of(screen))
        # A click is lost while the menu before still holds the pointer, which nobody can see from outside.
        if not shown and time.monotonic() - clicked > CLICK_AGAIN_SECONDS:
            click_at(screen, icon, 8, 8)
            clicked = time.monotonic()
        return shown

    wait_for(opened, "the menu")
    choose_in_menu(screen, key, lambda: menu_of(screen))


def menu_of(screen: Gridbear) -> str:
    """The id of the open menu, "" where none is open. GTK names it after the program, like small helpers of its own."""
    for window in found(screen, "--name", "^__main__.py$"):
        # One of those helpers may go between two questions.
        with contextlib.suppress(subprocess.CalledProcessError):
            if geometry(screen, window)["HEIGHT"] > 100:
                return window
    return ""


def test_the_menu_is_clicked_through(panel: Gridbear) -> None:
    process = start(panel, "--port", "0", "--minimized")
    first = wait_for(lambda: run_info(panel.data_dir), "the server")
    choose(panel, "open")
    window_of(process, panel)
    choose(panel, "lan")
    choose(panel, "login")
    entry = Path(panel.env["XDG_CONFIG_HOME"]) / "autostart" / "gridbear-desktop.desktop"
    wait_for(entry.exists, "the start at login")
    choose(panel, "login")
    wait_for(lambda: not entry.exists(), "its end")
    choose(panel, "restart")
    second = wait_for(lambda: (now := run_info(panel.data_dir)) and now["pid"] != first["pid"] and now, "a new server")
    assert found(panel, "--name", TITLE), "the window stays"
    choose(panel, "quit")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not psutil.pid_exists(second["pid"]) and not found(panel, "--name", TITLE)
