"""The tray: its model, and the menu that pystray gets from it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gridbear_desktop.supervisor import State
from gridbear_desktop.tray import TrayView
from gridbear_desktop.tray_model import TrayModel, icon_variant
from server.this_computer import resource_dir

STATES: list[State] = ["starting", "running", "stopped", "error"]


class FakeLauncher:
    """Records what the tray asks of the launcher."""

    def __init__(self, state: State = "running") -> None:
        self.state: State = state
        self.address = "http://127.0.0.1:8088"
        self.problem = ""
        self.upgrade = ""
        self.last_lines: list[str] = []
        self.safe_mode = False
        self.adopted = False
        self.can_copy = True
        self.starts_at_login = False
        self.calls: list[str] = []
        self.called = threading.Event()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.called.set()

    def show_window(self, page: str = "") -> None:
        self._call(f"show_window {page}".strip())

    def activated_with(self, token: str) -> None:
        self._call(f"activated_with {token}")

    def switch_start_at_login(self) -> None:
        self.starts_at_login = not self.starts_at_login
        self._call("switch_start_at_login")

    def back_up(self) -> None:
        self._call("back_up")

    def open_browser(self) -> None:
        self._call("open_browser")

    def copy_address(self) -> None:
        self._call("copy_address")

    def restart_server(self) -> None:
        self._call("restart_server")

    def open_data_folder(self) -> None:
        self._call("open_data_folder")

    def view_logs(self) -> None:
        self._call("view_logs")

    def quit(self) -> None:
        self._call("quit")


def test_open_is_first_and_the_default() -> None:
    entries = TrayModel(FakeLauncher()).entries()
    assert entries[0].key == "open"
    assert [entry.key for entry in entries if entry.default] == ["open"]
    assert entries[-1].key == "quit"


def test_the_status_line_shows_how_far_an_upgrade_is() -> None:
    launcher = FakeLauncher("starting")
    launcher.upgrade = "Upgrading: checking the copy (80%)"
    assert TrayModel(launcher).status() == launcher.upgrade


def test_entries_lead_to_pages_that_there_are() -> None:
    launcher = FakeLauncher()
    for entry in TrayModel(launcher).entries():
        if entry.key in ("lan", "move", "about"):
            assert entry.action is not None
            entry.action()
    assert launcher.calls == [f"show_window /settings/{part}" for part in ("sharing", "backups", "about")]
    pages = (resource_dir("assets") / "ui" / "pages" / "settings.js").read_text("utf-8")
    assert all(f'"{part}"' in pages for part in ("sharing", "backups", "about"))


def test_start_at_login_is_ticked_while_it_is_on() -> None:
    launcher = FakeLauncher()
    model = TrayModel(launcher)

    def ticks() -> dict[str, bool | None]:
        return {entry.key: entry.checked for entry in model.entries() if entry.checked is not None}

    assert ticks() == {"login": False}
    [login] = [entry for entry in model.entries() if entry.key == "login"]
    assert login.action is not None
    login.action()
    assert ticks() == {"login": True}


def test_the_status_line_shows_the_address() -> None:
    assert TrayModel(FakeLauncher()).status() == "Running at http://127.0.0.1:8088"


def test_a_failed_server_says_why() -> None:
    launcher = FakeLauncher("error")
    launcher.problem = "Port 8088 is in use"
    assert TrayModel(launcher).status() == "Not running: Port 8088 is in use"


@pytest.mark.parametrize("state", ["starting", "stopped", "error"])
def test_nothing_that_needs_the_server_is_offered_without_it(state: State) -> None:
    entries = {entry.key: entry for entry in TrayModel(FakeLauncher(state)).entries()}
    assert not any(entries[key].enabled for key in ("open", "browser", "copy"))
    assert entries["quit"].enabled and entries["logs"].enabled


def test_copy_is_hidden_where_there_is_no_clipboard() -> None:
    launcher = FakeLauncher()
    launcher.can_copy = False
    assert not {entry.key: entry for entry in TrayModel(launcher).entries()}["copy"].visible


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("variant", ["light", "dark", "any", "template"])
def test_each_state_has_its_icon(state: State, variant: str) -> None:
    assert (resource_dir("assets") / "icons" / "tray" / f"{state}-{variant}.png").is_file()


def test_the_icon_follows_the_state() -> None:
    assert TrayModel(FakeLauncher("error")).icon_path().name == f"error-{icon_variant()}.png"


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> tuple[TrayView, FakeLauncher, Any]:
    """A view on pystray's dummy backend, its launcher and its icon."""
    # Before the first import: pystray opens a display then.
    monkeypatch.setenv("PYSTRAY_BACKEND", "dummy")
    pytest.importorskip("pystray", reason="needs the desktop packages")
    monkeypatch.setattr("pystray._base.Icon._update_menu", lambda _self: None)
    monkeypatch.setattr("pystray._base.Icon._update_icon", lambda _self: None)
    monkeypatch.setattr("pystray._base.Icon._update_title", lambda _self: None)
    launcher = FakeLauncher()
    shown = TrayView(TrayModel(launcher), "dummy")
    return shown, launcher, shown._icon


def test_a_click_reaches_the_launcher(view: tuple[TrayView, FakeLauncher, Any]) -> None:
    _, launcher, icon = view
    items = {item.text: item for item in icon.menu.items}
    items["Restart server"](icon)
    assert launcher.called.wait(5)
    assert launcher.calls == ["restart_server"]


def test_a_click_on_the_icon_opens_the_window(view: tuple[TrayView, FakeLauncher, Any]) -> None:
    _, launcher, icon = view
    icon()
    assert launcher.called.wait(5)
    assert launcher.calls == ["show_window"]


def test_the_menu_follows_the_state(view: tuple[TrayView, FakeLauncher, Any]) -> None:
    shown, launcher, icon = view
    launcher.state = "stopped"
    shown.refresh()
    assert not {item.text: item.enabled for item in icon.menu.items}["Open GridBear"]
    assert icon.title == "GridBear Desktop: Stopped"


def test_safe_mode_is_named_and_left_by_the_menu() -> None:
    launcher = FakeLauncher()
    launcher.safe_mode = True
    model = TrayModel(launcher)
    assert model.status() == "Running in safe mode at http://127.0.0.1:8088"
    [restart] = [entry for entry in model.entries() if entry.key == "restart"]
    assert restart.text == "Leave safe mode" and restart.action is not None
    restart.action()
    assert launcher.calls == ["restart_server"]


def test_a_server_of_somebody_else_is_not_restarted_and_outlives_the_tray() -> None:
    launcher = FakeLauncher()
    launcher.adopted = True
    model = TrayModel(launcher)
    assert not model.entry("restart").enabled and model.entry("open").enabled
    assert model.entry("quit").text == "Quit; the server goes on"
    assert model.status() == "Running at http://127.0.0.1:8088"


def test_a_server_that_is_not_tried_again_shows_the_end_of_its_log() -> None:
    launcher = FakeLauncher("stopped")
    launcher.problem = "no honey left"
    launcher.last_lines = ["second", "x" * 500]
    shown = {entry.key: entry for entry in TrayModel(launcher).entries() if entry.visible}
    assert shown["status"].text == "Stopped: no honey left"
    assert shown["line0"].text == "second" and len(shown["line1"].text) == 100
    assert "line2" not in shown and not shown["line0"].enabled
    assert shown["restart"].text == "Start server" and shown["restart"].enabled
    launcher.state, launcher.last_lines = "running", []
    assert [entry.key for entry in TrayModel(launcher).entries() if entry.visible and "line" in entry.key] == []
