"""The Activity page: finding a refused request, looking closer, following live, and whose requests are whose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that was asked for something, also in vain."""
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        with sign_in(server.url, "maja", PASSWORD) as client:
            for _ in range(5):
                client.get("/api/v1/notes")
            client.get("/api/v1/only_maja_asked_for_this")
        with sign_in(server.url, "otto", PASSWORD) as client:
            client.get("/api/v1/only_otto_asked_for_this")
        yield server


@pytest.mark.parametrize(("theme", "width"), LOOKS, ids=[f"{theme}-{width}" for theme, width in LOOKS])
def test_every_tab_in_every_look(browser: Browser, busy: RunningServer, theme: str, width: int) -> None:
    documented = documented_by(busy)
    watched = signed_in(browser, busy, "maja", theme, width)
    page = watched.open("/#/activity?level=refused", "text=only_maja_asked_for_this")
    assert watched.axe() == []
    page.click("button:has-text('only_maja_asked_for_this')")
    page.locator(".drawer dl").wait_for()
    watched.settle()
    assert watched.axe() == []
    watched.check(documented)
    for part, ready in (("calls", ".empty"), ("signins", ".audit"), ("audit", ".audit")):
        page = watched.open(f"/#/activity/{part}", ready)
        if ready == ".audit":
            page.locator(".audit summary").first.click()
        watched.settle()
        assert watched.axe() == [], part
    watched.check(documented)
    watched.close()


def test_a_refused_request_is_found_by_keyboard_and_tells_what_to_do(browser: Browser, busy: RunningServer) -> None:
    watched = signed_in(browser, busy, "maja")
    page = watched.open("/#/activity", ".log-line")
    page.locator("[aria-label=Outcome] >> text=Refused").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".log-line", has_text="/api/v1/notes")).to_have_count(0)
    assert "level=refused" in page.url
    line = page.locator(".log-line", has_text="only_maja_asked_for_this")
    line.focus()
    page.keyboard.press("Enter")
    drawer = page.locator(".drawer")
    expect(drawer.locator("h2")).to_be_focused()
    expect(drawer).to_contain_text("404 Refused")
    expect(drawer).to_contain_text("maja, by user")
    expect(drawer.locator(".note")).to_contain_text("was not right")
    # All of it, for a report.
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    drawer.get_by_role("button", name="Copy as JSON").click()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert (copied["status"], copied["path"].split("?")[0]) == (404, "/api/v1/only_maja_asked_for_this")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(line).to_be_focused()
    page.reload()
    expect(page.locator("[aria-label=Outcome] button", has_text="Refused")).to_have_attribute("aria-pressed", "true")
    watched.check()
    watched.close()


def test_a_stretch_of_time_is_chosen_by_dragging_or_with_keys_and_left_again(
    browser: Browser, busy: RunningServer
) -> None:
    watched = signed_in(browser, busy, "maja")
    page = watched.open("/#/activity", ".log-line")
    chart = page.locator(".histogram .chart").bounding_box()
    assert chart is not None
    page.mouse.move(chart["x"] + chart["width"] * 0.1, chart["y"] + 40)
    page.mouse.down()
    page.mouse.move(chart["x"] + chart["width"] * 0.4, chart["y"] + 40, steps=4)
    page.mouse.up()
    # Nothing was asked of a server that did not run yet.
    page.locator("text=No request fits").wait_for()
    assert "from=" in page.url and "to=" in page.url
    expect(page.locator("text=Follow live")).to_be_disabled()
    page.click("[aria-label='Back to the last hour']")
    page.locator(".log-line").first.wait_for()
    page.focus(".histogram-box")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    page.locator(".chip").wait_for()
    page.locator(".log-line").first.wait_for()
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)
    watched.check()
    watched.close()


def test_what_happens_is_seen_while_one_follows(browser: Browser, busy: RunningServer) -> None:
    watched = signed_in(browser, busy, "maja")
    page = watched.open("/#/activity", ".log-line")
    page.click("text=Follow live")
    with sign_in(busy.url, "otto", PASSWORD) as client:
        client.get("/api/v1/asked_while_you_look")
    page.locator(".log-line", has_text="asked_while_you_look").wait_for()
    page.click("[role=tab] >> text=Sign-ins")
    page.locator(".audit li", has_text="otto").first.wait_for()
    before = page.locator(".audit li").count()
    with sign_in(busy.url, "otto", PASSWORD):
        expect(page.locator(".audit li")).to_have_count(before + 1)
    watched.check()
    watched.close()


def test_a_member_finds_their_own_alone(browser: Browser, busy: RunningServer) -> None:
    watched = signed_in(browser, busy, "otto")
    page = watched.open("/#/activity", "text=only_otto_asked_for_this")
    assert page.locator("[role=tab]").all_inner_texts() == ["Requests", "Tool calls", "Sign-ins"]
    assert "maja" not in page.content()
    page.click("[role=tab] >> text=Sign-ins")
    page.locator("#account-sessions").wait_for()
    page.goto(f"{busy.url}/#/activity/audit")
    page.locator(".log-line").first.wait_for()
    assert "maja" not in page.content()
    assert "/api/v1/audit_entries" not in {path for _method, path in watched.requests}
    watched.check()
    watched.close()
