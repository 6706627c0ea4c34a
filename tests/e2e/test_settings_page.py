"""The Settings page: finding, changing, refusing, resetting and taking back a setting, and the restart it may need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, Dialog, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
PARTS = {
    "sharing": "form",
    "certificate": ".card",
    "network": ".setting",
    "people": ".setting",
    "limits": ".setting",
    "backups": ".empty",
    "storage": ".figures",
    "kept": ".setting",
    "tools": ".setting",
    "automations": ".setting",
    "about": "#licences-title",
}
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "data", {"GRIDBEAR_TRASH_DAYS": "12"}) as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        yield server


@pytest.mark.parametrize(("theme", "width"), LOOKS, ids=[f"{theme}-{width}" for theme, width in LOOKS])
def test_every_part_in_every_look(browser: Browser, own: RunningServer, theme: str, width: int) -> None:
    documented = documented_by(own)
    watched = signed_in(browser, own, "maja", theme, width)
    for part, ready in PARTS.items():
        watched.open(f"/#/settings/{part}", ready)
        assert watched.axe() == [], part
        watched.check(documented)
    watched.open("/#/settings?q=days", ".setting")
    assert watched.axe() == []
    watched.open("/#/settings", "#settings-search")
    assert watched.axe() == []
    watched.check(documented)
    watched.close()


def test_a_setting_is_found_changed_refused_reset_and_taken_back_by_keyboard_alone(
    browser: Browser, own: RunningServer
) -> None:
    watched = signed_in(browser, own, "maja")
    page = watched.open("/#/settings", "#settings-search")
    page.focus("#settings-search")
    page.keyboard.type("backups that are kept")
    row = page.locator("[data-setting=backup_keep]")
    row.wait_for()
    assert page.url.endswith("q=backups+that+are+kept")
    field = page.locator("#setting-backup_keep")
    field.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("0")
    page.keyboard.press("Enter")
    expect(row.locator(".error")).to_contain_text("At least 1")
    expect(field).to_have_value("0")
    expect(field).to_have_attribute("aria-invalid", "true")
    watched.settle()
    assert watched.axe() == []
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    page.locator(".toast", has_text="is saved").wait_for()
    expect(row).to_contain_text("Set here. Default: 14.")
    row.locator("text=Reset").focus()
    page.keyboard.press("Enter")
    expect(field).to_have_value("14")
    page.locator(".toast", has_text="has its default again").locator("text=Undo").click()
    expect(field).to_have_value("5")
    watched.check()
    watched.close()


def test_what_was_typed_survives_a_refusal_and_a_look_elsewhere(browser: Browser, own: RunningServer) -> None:
    watched = signed_in(browser, own, "maja")
    page = watched.open("/#/settings/network", "#setting-trusted_proxies")
    page.fill("#setting-trusted_proxies", "not an address")
    page.keyboard.press("Enter")
    expect(page.locator("[data-setting=trusted_proxies] .error")).to_contain_text("no address")
    expect(page.locator("#setting-trusted_proxies")).to_have_value("not an address")
    page.click(".side >> text=Limits")
    page.locator("#setting-write_queue").wait_for()
    page.click(".side >> text=Address and network")
    expect(page.locator("#setting-trusted_proxies")).to_have_value("not an address")
    page.click("[data-setting=trusted_proxies] >> text=Put back")
    expect(page.locator("#setting-trusted_proxies")).to_have_value("")
    watched.check(allowed=("422 (Unprocessable",))
    watched.close()


def test_what_was_typed_waits_for_the_person_who_typed_it_and_for_nobody_else(
    browser: Browser, own: RunningServer
) -> None:
    own.create_user("ines", PASSWORD, admin=True)
    watched = signed_in(browser, own, "maja")
    page = watched.open("/#/settings/network", "#setting-trusted_proxies")
    page.fill("#setting-trusted_proxies", "10.0.0.7")
    for name, found in (("maja", "10.0.0.7"), ("ines", "")):
        page.click("button.avatar")
        page.click("text=Sign out")
        page.fill("#username", name)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.locator("#setting-trusted_proxies").wait_for()
        expect(page.locator("#setting-trusted_proxies")).to_have_value(found)
    watched.close()


def test_the_browser_asks_before_it_leaves_a_setting_that_is_typed_and_only_then(
    browser: Browser, own: RunningServer
) -> None:
    watched = signed_in(browser, own, "maja")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    watched.page.on("dialog", stay)
    page = watched.open("/#/settings/network", "#setting-trusted_proxies")
    page.locator("#setting-trusted_proxies").press_sequentially("10.0.0.")
    page.click(".side >> text=Limits")
    page.locator("#setting-write_queue").wait_for()
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    page.click(".side >> text=Address and network")
    expect(page.locator("#setting-trusted_proxies")).to_have_value("10.0.0.")
    assert asked == ["beforeunload"]
    page.locator("#setting-trusted_proxies").fill("")
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    watched.close()


def test_what_the_environment_decides_is_shown_and_no_field(browser: Browser, own: RunningServer) -> None:
    watched = signed_in(browser, own, "maja")
    page = watched.open("/#/settings/kept", "#setting-trash_days")
    expect(page.locator("#setting-trash_days")).not_to_be_editable()
    expect(page.locator("[data-setting=trash_days]")).to_contain_text("Set by GRIDBEAR_TRASH_DAYS in the environment.")
    watched.check()
    watched.close()


def test_a_change_that_waits_is_told_everywhere_until_the_server_has_started_again(
    browser: Browser, own: RunningServer
) -> None:
    watched = signed_in(browser, own, "maja")
    page = watched.open("/#/settings/limits", "#setting-rest_body_bytes")
    expect(page.locator("#setting-rest_body_bytes")).to_have_value("1")
    page.fill("#setting-rest_body_bytes", "2")
    page.click("[data-setting=rest_body_bytes] >> text=Save")
    page.locator(".settings-restart", has_text="Largest API request").wait_for()
    page.click(".side >> text=Storage")
    page.click(".settings-restart >> text=Restart now")
    page.locator(".toast", has_text="The server has started again").wait_for(timeout=60_000)
    expect(page.locator(".settings-restart")).to_have_count(0)
    page.goto(f"{own.url}/#/settings/limits")
    expect(page.locator("#setting-rest_body_bytes")).to_have_value("2")
    away = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_SOCKET", "503 (Serv")
    watched.check(allowed=away)
    watched.close()


def test_a_member_sees_what_this_is_and_no_setting(browser: Browser, own: RunningServer) -> None:
    watched = signed_in(browser, own, "otto")
    page = watched.open("/#/settings/backups", "#licences-title")
    assert page.locator(".side a").all_inner_texts() == ["My account", "About and licences"]
    assert page.locator("#settings-search, .setting, .page-head button").count() == 0
    asked = {path for _method, path in watched.requests}
    assert not {"/api/v1/server/settings", "/api/v1/backups", "/api/v1/server/lan"} & asked
    watched.check()
    watched.close()
