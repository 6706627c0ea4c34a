"""The tray process in a panel that draws its icon: what a person does there, and what it costs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from gridbear_process import Gridbear, run_info
from screens import MISSING, TITLE, ask_to_close, end_by_signal, found, start

pytest.importorskip("jeepney", reason="D-Bus is of Linux alone")
from status_host import StatusHost

from gridbear_desktop.desktop_notices import page_of
from server.cli.running import RunningServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"window tests need {', '.join(MISSING)}"),
]


def is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


needs_window = pytest.mark.skipif(
    not is_installed("webview") or not (is_installed("gi") or is_installed("PySide6")), reason="needs a web engine"
)

HEAVY = ("pydantic", "fastapi", "starlette", "sqlalchemy", "httpx2", "asyncio", "PIL", "pystray", "PySide6", "gi",
         "webview", "typer", "rich", "cryptography", "keyring", "psutil")  # fmt: skip
"""What the server and windows need, and an icon does not."""


@pytest.fixture
def desktop(screen: Gridbear, bus_daemon: tuple[Any, str]) -> Iterator[StatusHost]:
    """A panel on the bus of `screen`."""
    host = StatusHost(bus_daemon[1])
    yield host
    host.close()


def minimized(screen: Gridbear, desktop: StatusHost) -> tuple[Any, dict[str, Any]]:
    """A tray alone whose icon the panel shows, and the run file of its server."""
    desktop.appear()
    process = start(screen, "--port", "0", "--minimized")
    return process, running(screen, desktop)


def running(screen: Gridbear, desktop: StatusHost, not_pid: int = 0) -> dict[str, Any]:
    def seen() -> Any:
        info = run_info(screen.data_dir)
        line = info and f"Running at {info['url']}"
        return info if info and info["pid"] != not_pid and line in desktop.menu() else None

    info: dict[str, Any] = desktop.until(seen, "a server that runs, in the menu")
    return info


@needs_window
def test_the_menu_is_clicked_through(screen: Gridbear, desktop: StatusHost) -> None:
    process, first = minimized(screen, desktop)
    assert not found(screen, "--name", TITLE)
    desktop.click("Open GridBear")
    desktop.until(lambda: found(screen, "--name", TITLE), "the window")
    entry = Path(screen.env["XDG_CONFIG_HOME"]) / "autostart" / "gridbear-desktop.desktop"
    desktop.click("Start at login")
    desktop.until(entry.exists, "the start at login")
    desktop.click("Restart server")
    second = running(screen, desktop, first["pid"])
    desktop.click("Quit")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not psutil.pid_exists(second["pid"]) and not found(screen, "--name", TITLE)


@needs_window
def test_where_the_panel_goes_the_window_comes_and_closing_it_ends_all(screen: Gridbear, desktop: StatusHost) -> None:
    process, info = minimized(screen, desktop)
    desktop.vanish()
    window = desktop.until(lambda: found(screen, "--name", TITLE), "the window")[0]
    log = (screen.data_dir / "logs" / "launcher.log").read_text("utf-8")
    assert "the tray failed: no panel shows the icon any more" in log and "Traceback" not in log
    ask_to_close(screen, window)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "GridBear opens its window" in out
    assert not psutil.pid_exists(info["pid"])


@needs_window
def test_a_panel_that_comes_late_gets_the_icon_and_the_window_may_be_closed(
    screen: Gridbear, desktop: StatusHost
) -> None:
    process = start(screen, "--port", "0")
    window = desktop.until(lambda: found(screen, "--name", TITLE), "the window")[0]
    desktop.appear()
    running(screen, desktop)
    ask_to_close(screen, window)
    desktop.until(lambda: not found(screen, "--name", TITLE), "the end of the window")
    assert "Quit" in desktop.menu() and process.poll() is None
    end_by_signal(process)


def test_a_start_at_a_sign_in_waits_for_the_panel(screen: Gridbear, desktop: StatusHost) -> None:
    process = start(screen, "--port", "0", "--minimized")
    desktop.until(lambda: (screen.data_dir / "run").exists(), "the start")
    desktop.appear()
    running(screen, desktop)
    assert not found(screen, "--name", TITLE)
    end_by_signal(process)


@needs_window
def test_a_click_on_a_notification_opens_the_window(screen: Gridbear, desktop: StatusHost) -> None:
    screen.env["INTERNAL_API_SECRET"] = "of-programs"
    desktop.show_notices()
    process, info = minimized(screen, desktop)
    server = RunningServer(info["url"], info["control_token"])

    def post(path: str, token: str = "", **body: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        server.ask(path, json.dumps(body).encode(), headers)

    post("/_desktop/operations/user-create", username="maja", password="a calm bear in a den", role="admin")

    def heard() -> bool:
        # What came before the tray listened is not told; one of these does.
        post(
            "/api/internal/notifications", "of-programs", username="maja", title="Honey", message="is < ready",
            action_url="#/automations/webhooks",
        )  # fmt: skip
        desktop.serve(0.5)
        return bool(desktop.notices)

    desktop.until(heard, "the notice")
    assert desktop.notices[0][3:5] == ("Honey", "is &lt; ready")
    assert not found(screen, "--name", TITLE)
    desktop.click_notice(1)
    desktop.until(lambda: found(screen, "--name", TITLE), "the window")
    end_by_signal(process)


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("#/automations/webhooks", "/automations/webhooks"),
        ("#/tools/7?view=manage", "/tools/7?view=manage"),
        ("/p/honey", ""),
        ("https://example.org/#/tools", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_notice_leads_to_a_page_of_ours_or_to_the_window(link: str | None, page: str) -> None:
    assert page_of(link) == page


def test_a_bus_that_ends_takes_the_icon_and_not_the_server(
    screen: Gridbear, desktop: StatusHost, bus_daemon: tuple[subprocess.Popen[str], str]
) -> None:
    process, info = minimized(screen, desktop)
    bus_daemon[0].kill()
    assert "GridBear opens its window" in line_with(process, "opens its window")
    assert run_info(screen.data_dir) == info
    end_by_signal(process)


def line_with(process: Any, words: str) -> str:
    """The next line of its stdout with these words."""
    return next(line for line in process.stdout if words in line)


def test_the_tray_process_loads_nothing_that_an_icon_does_not_need() -> None:
    code = (
        "import sys, gridbear_desktop.cli, gridbear_desktop.launcher, gridbear_desktop.tray_status_item\n"
        f"print(sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_setting_that_cant_be_used_is_told_in_the_menu(screen: Gridbear, desktop: StatusHost) -> None:
    desktop.appear()
    screen.env["GRIDBEAR_PORT"] = "99999"
    process = start(screen, "--minimized")
    # A single underscore would mark a key.
    wanted = "Not running: GRIDBEAR__PORT can't be used"
    desktop.until(lambda: any(label.startswith(wanted) for label in desktop.menu()), "the reason")
    assert "GRIDBEAR_PORT can't be used" in line_with(process, "could not start")
    desktop.click("Quit")
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_port_that_is_none_is_refused_before_anything_starts(screen: Gridbear) -> None:
    process = start(screen, "--port", "99999")
    process.communicate(timeout=30)
    assert process.returncode == 2 and not screen.data_dir.exists()
