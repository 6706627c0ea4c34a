"""The icon that a panel draws itself, on a real session bus."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest
from test_tray import STATES, FakeLauncher

pytest.importorskip("jeepney", reason="D-Bus is of Linux alone")
from jeepney import DBusAddress, new_signal
from shown_item import Shown, called, running
from status_host import (
    ITEM,
    ITEM_PATH,
    MENU,
    NOTIFICATIONS,
    PORTAL_SETTINGS,
    PROPERTIES,
    WATCHER,
    Refused,
    StatusHost,
)

from gridbear_desktop import display
from gridbear_desktop.pixmap import read_pixmap
from gridbear_desktop.supervisor import State
from gridbear_desktop.tray import view_of
from gridbear_desktop.tray_model import TrayModel
from gridbear_desktop.tray_status_item import StatusItemView, has_panel
from server.this_computer import resource_dir

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

TRAY_ICONS = sorted((resource_dir("assets") / "icons" / "tray").glob("*.png"))


@pytest.mark.parametrize("state", STATES)
def test_a_panel_gets_the_icon_of_each_state(host: StatusHost, shown: Shown, state: State) -> None:
    shown.launcher.state = state
    shown.view.refresh()
    width, height, pixels = read_pixmap(TrayModel(shown.launcher).icon_path())
    wanted = [(width, height, pixels)]
    host.until(lambda: host.item()["IconPixmap"] == wanted, "the icon")
    told = host.item()
    assert (told["Id"], told["Title"], told["Status"]) == ("gridbear-desktop", "GridBear Desktop", "Active")
    assert told["ToolTip"] == ("", [], TrayModel(shown.launcher).title(), "")
    assert ("NewIcon" in [name for name, _ in host.signals]) is (state != "running")


def icon(host: StatusHost) -> str:
    """The name of the file that the icon is."""
    [shown] = host.item()["IconPixmap"]
    return next(file.name for file in TRAY_ICONS if read_pixmap(file) == shown)


def test_the_icon_goes_with_the_colours_of_kde(
    host: StatusHost, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
    host.tell_colours()
    host.colour_scheme = 2
    host.appear()
    with running(launcher):
        host.until(lambda: icon(host) == "running-light.png", "the dark drawing")
        host.colours_are(1)
        host.until(lambda: icon(host) == "running-dark.png", "the light drawing")
        launcher.state = "error"
        host.colours_are(2)
        host.until(lambda: icon(host) == "error-light.png", "the dark drawing of the new state")
        host.colours_are(0)
        host.until(lambda: icon(host) == "error-any.png", "the drawing for any colour")


@pytest.mark.parametrize(
    ("desktop", "shown"),
    [("ubuntu:GNOME", "dark"), ("XFCE", "any"), ("Budgie:GNOME", "any"), ("GNOME-Flashback:GNOME", "any"),
     ("sway", "any"), ("", "any")],
)  # fmt: skip
def test_of_other_desktops_light_windows_say_nothing_about_the_panel(
    host: StatusHost, launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch, desktop: str, shown: str
) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", desktop)
    host.tell_colours()
    host.colour_scheme = 2
    host.appear()
    with running(launcher) as view:
        view.view.refresh()
        assert icon(host) == f"running-{shown}.png"
        host.colours_are(2)
        assert icon(host) == f"running-{shown}.png"


def test_the_menu_is_that_of_the_model(host: StatusHost, shown: Shown) -> None:
    shown.launcher.address = "http://my_bear:8088"
    shown.view.refresh()
    entries = [entry for entry in TrayModel(shown.launcher).entries() if entry.visible]
    status = "Running at http://my__bear:8088"
    host.until(lambda: status in host.menu(), "the address, its mark of a key doubled")
    menu = host.menu()
    assert list(menu) == [entry.text.replace("_", "__") for entry in entries]
    assert [looks["enabled"] for _, looks in menu.values()] == [entry.enabled for entry in entries]
    assert {label for label, (_, looks) in menu.items() if "toggle-type" in looks} == {"Start at login"}


@pytest.mark.parametrize("entry", [one for one in TrayModel(FakeLauncher()).entries() if one.action and one.visible])
def test_a_click_on_each_line_does_what_it_says(host: StatusHost, shown: Shown, entry: Any) -> None:
    before = FakeLauncher()
    action = TrayModel(before).entry(entry.key).action
    assert action is not None
    action()
    host.click(entry.text)
    assert called(host, shown.launcher) == before.calls


def test_a_click_on_the_icon_opens_the_window(host: StatusHost, shown: Shown) -> None:
    host.ask(ITEM_PATH, ITEM, "Activate", "ii", 3, 4)
    assert called(host, shown.launcher) == ["show_window"]


def test_a_line_that_is_not_to_be_clicked_does_nothing(host: StatusHost, shown: Shown) -> None:
    shown.launcher.state = "stopped"
    shown.view.refresh()
    host.until(lambda: not host.menu()["Open GridBear"][1]["enabled"], "the disabled line")
    host.click("Open GridBear")
    host.click("Stopped")
    host.click("Start server")
    assert called(host, shown.launcher) == ["restart_server"]


def test_what_changes_is_told_line_by_line_and_what_does_not_is_not(host: StatusHost, shown: Shown) -> None:
    number, looks = host.menu()["Start at login"]
    assert looks["toggle-state"] == 0
    host.signals.clear()
    host.click("Start at login")
    called(host, shown.launcher)
    shown.view.refresh()

    def told() -> list[Any]:
        return [body for name, body in host.signals if name == "ItemsPropertiesUpdated"]

    [(changed, removed)] = host.until(told, "the news")
    [(told_number, told_looks)] = changed
    assert (told_number, told_looks["toggle-state"], removed) == (number, ("i", 1), [])
    shown.view.refresh()
    shown.launcher.starts_at_login = False
    shown.view.refresh()
    host.until(lambda: len(told()) > 1, "more news")
    assert [name for name, _ in host.signals] == ["ItemsPropertiesUpdated"] * 2


def test_a_menu_about_to_be_shown_is_up_to_date(host: StatusHost, shown: Shown) -> None:
    shown.launcher.address = "http://192.0.2.7:8088"
    assert host.ask(host.menu_path, MENU, "AboutToShow", "i", 0) == (False,)
    assert "Running at http://192.0.2.7:8088" in host.menu()


def test_the_end_of_a_log_with_anything_in_it_reaches_the_menu(host: StatusHost, shown: Shown) -> None:
    shown.launcher.state = "stopped"
    shown.launcher.last_lines = ["a\0b", "half \ud83d", "<b>&amp;"]
    shown.view.refresh()
    host.until(lambda: "ab" in host.menu(), "the lines")
    assert {"ab", "half ?", "<b>&amp;"} <= set(host.menu())


def test_a_title_is_no_markup(host: StatusHost, shown: Shown) -> None:
    shown.launcher.state, shown.launcher.problem = "error", "<b>honey</b> & jam"
    shown.view.refresh()
    wanted = "GridBear Desktop: Not running: &lt;b&gt;honey&lt;/b&gt; &amp; jam"
    host.until(lambda: host.item()["ToolTip"][2] == wanted, "the title")


def test_parts_of_the_menu_can_be_asked_for(host: StatusHost, shown: Shown) -> None:
    path = host.menu_path
    _, (number, looks, lines) = host.ask(path, MENU, "GetLayout", "iias", 1, -1, ["label"])
    assert (number, looks, lines) == (1, {"label": ("s", "Open GridBear")}, [])
    assert host.ask(path, MENU, "GetLayout", "iias", 0, 0, [])[1][2] == []
    assert host.ask(path, MENU, "GetGroupProperties", "aias", [1], ["enabled"]) == ([(1, {"enabled": ("b", True)})],)
    assert len(host.ask(path, MENU, "GetGroupProperties", "aias", [], [])[0]) == len(
        TrayModel(shown.launcher).entries()
    )
    assert host.ask(path, MENU, "GetProperty", "is", 1, "label") == (("s", "Open GridBear"),)
    assert host.ask(path, MENU, "AboutToShowGroup", "ai", [0, 1, 99]) == ([], [99])
    assert host.ask(path, PROPERTIES, "Get", "ss", MENU, "Version") == (("u", 3),)
    events = [(99, "clicked", ("i", 0), 0), (0, "opened", ("i", 0), 0), (1, "clicked", ("i", 0), 0)]
    assert host.ask(path, MENU, "EventGroup", "a(isvu)", events) == ([99],)
    assert called(host, shown.launcher) == ["show_window"]


@pytest.mark.parametrize(
    ("member", "signature", "body", "error"),
    [
        ("GetLayout", "iias", (99, -1, []), "InvalidArgs"),
        ("GetLayout", "s", ("all",), "InvalidArgs"),
        ("GetProperty", "is", (1, "colour"), "InvalidArgs"),
        ("Event", "isvu", (99, "clicked", ("i", 0), 0), "InvalidArgs"),
        ("Explode", None, (), "UnknownMethod"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_icon_stays(
    host: StatusHost, shown: Shown, member: str, signature: str | None, body: tuple[Any, ...], error: str
) -> None:
    with pytest.raises(Refused, match=f"org.freedesktop.DBus.Error.{error}"):
        host.ask(host.menu_path, MENU, member, signature, *body)
    with pytest.raises(Refused, match="InvalidArgs"):
        host.ask(ITEM_PATH, PROPERTIES, "Get", "ss", ITEM, "Colour")
    assert host.ask("/", "org.freedesktop.DBus.Peer", "Ping") == ()
    assert "Quit" in host.menu()


def test_a_desktop_that_tells_other_things_than_it_should_does_not_end_the_icon(
    host: StatusHost, launcher: FakeLauncher
) -> None:
    host.is_confused = True
    host.tell_colours()
    host.show_notices()
    host.appear()
    with running(launcher) as shown:
        item = host.until(lambda: host.items, "the registration")[-1]
        shown.view.tell("lost", "GridBear", "/")
        for interface, member, signature, body in (
            (PORTAL_SETTINGS, "SettingChanged", "s", ("color-scheme",)),
            (NOTIFICATIONS, "ActionInvoked", "us", (1, "default")),
            (NOTIFICATIONS, "ActionInvoked", "uss", (1, "default", "more")),
            (NOTIFICATIONS, "ActionInvoked", None, ()),
            ("org.freedesktop.DBus", "NameOwnerChanged", "s", (WATCHER,)),
            (WATCHER, "StatusNotifierHostRegistered", "s", ("more",)),
            (WATCHER, "Unheard", "s", ("of",)),
        ):
            host.bus.send(new_signal(DBusAddress("/x", item, interface), member, signature, body))
            assert "Quit" in host.menu()
        host.is_confused = False
        shown.view.tell("told", "GridBear", "/")
        host.until(lambda: host.notices, "the notice")
        assert not shown.has_ended


def test_a_panel_that_starts_anew_gets_the_icon_again(host: StatusHost, shown: Shown) -> None:
    for _ in range(3):
        host.vanish()
        host.appear()
        host.until(lambda: host.items, "the next registration")
    assert "Quit" in host.menu() and not shown.has_ended


@pytest.mark.parametrize("how", ["watcher", "panel", "refusal"])
def test_without_a_panel_for_long_the_view_ends_and_says_so(host: StatusHost, launcher: FakeLauncher, how: str) -> None:
    host.appear()
    with running(launcher, patience=2.0) as shown:
        host.until(lambda: shown.view.is_shown, "the panel's word")
        if how == "watcher":
            host.vanish()
        elif how == "panel":
            host.panel_is(False)
        else:
            host.refuses = True
            host.vanish()
            host.appear()
        host.until(lambda: shown.has_ended, "the end")
        assert "no panel shows the icon" in str(shown.error)


def test_a_panel_that_goes_and_comes_back_in_time_is_enough(host: StatusHost, shown: Shown) -> None:
    host.until(lambda: shown.view.is_shown, "the panel's word")
    host.panel_is(False)
    host.until(lambda: not shown.view.is_shown, "the loss")
    host.panel_is(True)
    host.until(lambda: shown.view.is_shown, "the return")
    assert not shown.has_ended


def test_a_bus_that_ends_ends_the_view_and_nothing_else(
    host: StatusHost, shown: Shown, bus_daemon: tuple[subprocess.Popen[str], str]
) -> None:
    bus_daemon[0].kill()
    shown.thread.join()
    assert "session bus has gone" in str(shown.error)
    # What comes too late is no error.
    shown.view.refresh()
    shown.view.tell("honey")
    shown.view.stop()


def test_the_backend_is_chosen_where_a_panel_draws(host: StatusHost, monkeypatch: pytest.MonkeyPatch) -> None:
    assert display.status_item_tray() is None and not has_panel()
    host.appear()
    host.has_panel = False
    assert served(host, display.status_item_tray) is None
    host.has_panel = True
    assert served(host, lambda: display.tray_backend("linux")) == "status-item"
    view = view_of(TrayModel(FakeLauncher()), "status-item")
    assert isinstance(view, StatusItemView)
    view.stop()
    view.run(lambda: None)


def served(host: StatusHost, work: Callable[[], Any]) -> Any:
    """What `work` returns while the desktop answers."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    host.until(lambda: not thread.is_alive(), "the answer")
    return results[0]
