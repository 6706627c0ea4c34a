"""A webhook that is being typed is asked about, and what was typed is still there after a no."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


def test_a_webhook_that_is_typed_is_asked_about(at_desk: Watched) -> None:
    page = at_desk.open("/#/automations/webhooks", "h1")
    page.locator("main a", has_text="New webhook").first.click()
    page.fill("#field-url", "https://example.com/ho")
    for leave in ("history.back()", "location.hash = '#/activity'"):
        page.evaluate(leave)
        page.get_by_role("button", name="Keep editing").click()
        expect(page.locator("#field-url")).to_have_value("https://example.com/ho")
    for way in ("Escape", "Cancel"):
        if way == "Escape":
            page.keyboard.press(way)
        else:
            page.locator(".drawer").get_by_role("button", name=way).click()
        page.get_by_role("button", name="Keep editing").click()
        expect(page.locator("#field-url")).to_have_value("https://example.com/ho")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#field-url")).to_have_count(0)
    at_desk.check()
