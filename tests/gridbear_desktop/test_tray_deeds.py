"""What the entries of the menu do on the computer, and a launch where a server runs already or can't run at all."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from gridbear_process import Gridbear, run_info, wait_for
from noting_window import Notes, noting
from screens import children, end_by_signal, start

pytest.importorskip("jeepney", reason="D-Bus is of Linux alone")
from status_host import StatusHost

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon"),
]


@pytest.fixture
def windows(gridbear: Gridbear, tmp_path: Path) -> Notes:
    """What windows get, which show nothing."""
    return noting(gridbear, tmp_path)


@pytest.fixture
def desktop(gridbear: Gridbear, bus_daemon: Any) -> Iterator[StatusHost]:
    gridbear.env.update(DBUS_SESSION_BUS_ADDRESS=bus_daemon[1])
    host = StatusHost(bus_daemon[1])
    host.appear()
    yield host
    host.close()


@pytest.fixture
def opened(gridbear: Gridbear, tmp_path: Path) -> Callable[[], list[str]]:
    """What the system's browser was given so far."""
    browser, kept = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {kept}\n', "utf-8")
    browser.chmod(0o755)
    gridbear.env["BROWSER"] = f"{browser} %s"
    return lambda: kept.read_text("utf-8").splitlines() if kept.exists() else []


def test_each_entry_does_what_it_says(
    gridbear: Gridbear, desktop: StatusHost, windows: Notes, opened: Callable[[], list[str]], tmp_path: Path
) -> None:
    clipboard = tmp_path / "bin"
    clipboard.mkdir()
    (clipboard / "xclip").write_text(f"#!/bin/sh\ncat > {tmp_path}/copied\n", "utf-8")
    (clipboard / "xclip").chmod(0o755)
    gridbear.env["PATH"] = f"{clipboard}:{gridbear.env['PATH']}"
    process = start(gridbear, "--port", "0", "--minimized")
    info = desktop.until(lambda: run_info(gridbear.data_dir), "the server")
    desktop.until(lambda: f"Running at {info['url']}" in desktop.menu(), "the menu of a running server")
    data = gridbear.data_dir.resolve()

    def browsed(entry: str) -> str:
        before = len(opened())
        desktop.click(entry)
        return str(desktop.until(lambda: len(opened()) > before and opened()[-1], f"what {entry} opens"))

    assert browsed("Open in browser").startswith(f"{info['url']}/_desktop/login?ticket=")
    assert browsed("Open data folder") == data.as_uri()
    assert browsed("View logs") == (data / "logs").as_uri()
    desktop.click("Copy address")
    copied = tmp_path / "copied"
    desktop.until(lambda: copied.exists() and copied.read_text("utf-8") == info["url"], "the copied address")
    assert windows() == [], "none of these needs a window"
    for entry, page in (
        ("LAN access", "/settings/sharing"),
        ("About", "/settings/about"),
        ("Move to", "/settings/backups"),
    ):
        desktop.click(entry)
        desktop.until(
            lambda page=page: any(str(one.get("open", one.get("page"))).endswith(page) for one in windows()), page
        )
    # Nobody has kept a phrase yet, so there is no backup; its page says how.
    shown = len(windows())
    desktop.click("Back up now")
    desktop.until(
        lambda: any(one.get("page") == "/settings/backups" for one in windows()[shown:]), "the page of backups"
    )
    desktop.click("Quit")
    process.communicate(timeout=30)
    assert process.returncode == 0 and not psutil.pid_exists(info["pid"])


def test_a_launch_where_a_server_runs_shows_that_one_and_leaves_it_running(
    gridbear: Gridbear, desktop: StatusHost, windows: Notes
) -> None:
    server = gridbear.serve("--port", "0")
    info = gridbear.ready(server)
    process = start(gridbear)
    desktop.until(lambda: f"Running at {info['url']}" in desktop.menu(), "the menu of that server")
    wait_for(lambda: any(str(one.get("open")).startswith(info["url"]) for one in windows()), "the window")
    assert list(children(process)) == ["window"]
    menu = desktop.menu()
    assert menu["Restart server"][1].get("enabled") is False and "Quit" not in menu
    desktop.click("Quit; the server goes on")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and f"A server runs at {info['url']} already" in out
    assert run_info(gridbear.data_dir) == info and server.poll() is None


def test_a_server_that_ran_already_is_followed_to_its_next_address_and_replaced_only_by_a_person(
    gridbear: Gridbear, desktop: StatusHost, windows: Notes
) -> None:
    first = gridbear.serve("--port", "0")
    gridbear.ready(first)
    process = start(gridbear, "--minimized")
    desktop.until(lambda: "Quit; the server goes on" in desktop.menu(), "the menu of that server")
    first.terminate()
    first.wait(30)
    second = gridbear.serve("--port", "0")
    info = gridbear.ready(second)
    desktop.until(lambda: f"Running at {info['url']}" in desktop.menu(), "the menu of the next server")
    assert children(process) == {}
    second.terminate()
    desktop.until(lambda: "Stopped: the server that ran on its own has ended" in desktop.menu(), "the end of both")
    assert children(process) == {}, "somebody may have meant to end it"
    desktop.click("Start server")
    desktop.until(lambda: "serve" in children(process), "a server of our own")
    desktop.until(lambda: desktop.menu().get("Restart server", (0, {}))[1].get("enabled", True), "its menu")
    desktop.click("Quit")
    process.communicate(timeout=30)
    assert process.returncode == 0 and run_info(gridbear.data_dir) is None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "quitting"])
def test_a_launch_beside_a_tray_that_ends_starts_a_server_and_takes_none_for_one_that_stays(
    gridbear: Gridbear, desktop: StatusHost, windows: Notes, how: signal.Signals
) -> None:
    first = start(gridbear, "--minimized", "--port", "0")
    old = desktop.until(lambda: run_info(gridbear.data_dir), "the server")
    first.send_signal(how)
    process = start(gridbear, "--minimized", "--port", "0")
    first.wait()

    def new() -> bool:
        return (run_info(gridbear.data_dir) or old)["pid"] != old["pid"]

    desktop.until(new, "a server of the second tray")
    assert "serve" in children(process)
    end_by_signal(process)


def test_another_login_of_the_same_person_has_its_own_tray_on_the_same_server(
    gridbear: Gridbear, desktop: StatusHost, windows: Notes
) -> None:
    first = start(gridbear, "--minimized", "--port", "0")
    info = desktop.until(lambda: run_info(gridbear.data_dir), "the server")
    desktop.until(lambda: f"Running at {info['url']}" in desktop.menu(), "the first menu")
    gridbear.env["DISPLAY"] = ":4712"
    guest = start(gridbear)
    desktop.until(lambda: "Quit; the server goes on" in desktop.menu(), "the menu of the guest")
    desktop.until(lambda: any(str(one.get("open")).startswith(info["url"]) for one in windows()), "its window")
    again = start(gridbear)
    out, _ = again.communicate(timeout=30)
    assert again.returncode == 0 and "it shows its window" in out
    desktop.click("Quit")
    guest.communicate(timeout=30)
    assert guest.returncode == 0 and first.poll() is None and run_info(gridbear.data_dir) == info
    end_by_signal(first)
    assert run_info(gridbear.data_dir) is None


@pytest.mark.parametrize("victim", ["tray", "window"])
def test_whoever_is_killed_where_no_server_can_start_nothing_is_left_over(
    gridbear: Gridbear, desktop: StatusHost, windows: Notes, victim: str
) -> None:
    gridbear.data_dir.mkdir()
    (gridbear.data_dir / "gridbear.db").write_bytes(b"This is a shopping list, not a database. " * 100)
    process = start(gridbear, "--port", "0")

    def says_why() -> bool:
        return any("gridbear.db" in one.get("wait", {}).get("stage", "") for one in windows())

    desktop.until(says_why, "the window that says why")
    window = children(process)["window"]
    if victim == "window":
        window.kill()
        desktop.until(lambda: not window.is_running(), "the end of the window")
        desktop.until(
            lambda: any(label.startswith("Not running") for label in desktop.menu()), "the reason in the menu"
        )
        end_by_signal(process)
    else:
        process.kill()
        process.wait()
    wait_for(lambda: not window.is_running(), "the end of the window")
    assert run_info(gridbear.data_dir) is None
