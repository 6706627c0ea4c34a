"""Notices of the desktop, on a real session bus: shown, and heard when they are clicked."""

from __future__ import annotations

import logging
import shutil

import pytest

pytest.importorskip("jeepney", reason="D-Bus is of Linux alone")
from shown_item import Shown, called
from status_host import ITEM, ITEM_PATH, StatusHost

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")


def test_a_notice_is_shown_and_a_click_on_it_opens_its_page(host: StatusHost, shown: Shown) -> None:
    host.show_notices()
    shown.view.tell("5 < 6 & so on", "Backup", "/settings/backups")
    shown.view.tell("-")
    host.until(lambda: len(host.notices) == 2, "the notices")
    name, replaces, icon, title, body, actions, hints, seconds = host.notices[0]
    assert (name, replaces, title, body) == ("GridBear Desktop", 0, "Backup", "5 &lt; 6 &amp; so on")
    assert actions == ["default", "Open"] and hints == {"desktop-entry": ("s", "gridbear-desktop")} and seconds == -1
    assert icon.startswith("file:///") and icon.endswith("/window.png") and host.notices[1][3] == "GridBear Desktop"
    host.click_notice(7)
    host.click_notice(1, "snooze")
    host.click_notice(2)
    assert called(host, shown.launcher) == ["show_window"]
    shown.launcher.calls.clear()
    shown.view.tell("again", page="/settings/about")
    host.until(lambda: len(host.notices) == 3, "the notice")
    host.click_notice(3)
    assert called(host, shown.launcher) == ["show_window /settings/about"]


def test_the_leave_to_come_to_the_front_comes_before_what_it_is_for(host: StatusHost, shown: Shown) -> None:
    for token in ("", "x" * 501, "two\nlines", "kwin-1"):
        host.ask(ITEM_PATH, ITEM, "ProvideXdgActivationToken", "s", token)
    host.ask(ITEM_PATH, ITEM, "Activate", "ii", 0, 0)
    host.until(lambda: len(shown.launcher.calls) == 2, "the call")
    assert shown.launcher.calls == ["activated_with kwin-1", "show_window"]
    shown.launcher.calls.clear()
    host.show_notices()
    shown.view.tell("honey", page="/settings/about")
    host.until(lambda: host.notices, "the notice")
    host.click_notice(7, token="of-another-program")
    host.click_notice(1, token="kwin-2")
    host.until(lambda: len(shown.launcher.calls) == 2, "the call")
    assert shown.launcher.calls == ["activated_with kwin-2", "show_window /settings/about"]


def test_a_desktop_without_buttons_and_markup_gets_plain_notices(host: StatusHost, shown: Shown) -> None:
    host.capabilities = ["body"]
    host.show_notices()
    shown.view.tell("5 < 6")
    host.until(lambda: host.notices, "the notice")
    assert host.notices[0][4:6] == ("5 < 6", [])


def test_a_notice_that_nobody_shows_is_in_the_log(
    host: StatusHost, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        shown.view.tell("honey is ready")
        host.until(lambda: "it would have been: honey is ready" in caplog.text, "the line")
