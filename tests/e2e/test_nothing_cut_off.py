"""What a page shows can be seen whole: in its columns, at the edge of a phone, in the fields of a form."""

from __future__ import annotations

import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
PLANS = {
    "name": "plans",
    "label": "Plan",
    "label_plural": "Plans",
    "fields": [{"name": "title", "type": "text"}, {"name": "steps", "type": "json"}],
}


def test_how_long_ago_something_was_fits_into_its_column(at_desk: Watched) -> None:
    page = at_desk.open("/#/data/users", ".grid tbody tr")
    page.evaluate(
        "document.querySelectorAll('.grid td time').forEach((one) => { one.textContent = '59 minutes ago'; })"
    )
    cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length"
    cells = page.locator(".grid td", has=page.locator("time"))
    assert cells.count() >= 2
    assert cells.evaluate_all(cut) == 0 and cells.locator("time").evaluate_all(cut) == 0


def test_the_last_tab_keeps_off_the_edge_of_a_phone(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str]
) -> None:
    watched = Watched(browser, lived_in.url, "light", 390, cookies)
    page = watched.open("/#/people/log", ".tabs [aria-selected=true]")
    tab = page.locator(".tabs [aria-selected=true]").bounding_box()
    assert tab is not None and tab["x"] + tab["width"] <= 390 - 8
    watched.check()
    watched.close()


def test_a_structured_value_is_seen_as_a_whole_in_its_form(at_desk: Watched, lived_in: RunningServer) -> None:
    with sign_in(lived_in.url, "maja", PASSWORD) as client:
        made = client.post("/api/v1/models", json=PLANS)
        assert made.is_success, made.text
        row = client.post(
            "/api/v1/plans", json={"title": "Cabin", "steps": {"pack": ["map", "tea"], "go": {"by": "train"}}}
        )
        assert row.is_success, row.text
    page = at_desk.open("/#/data/plans?record=1", "#field-steps")
    assert page.locator("#field-steps").evaluate("(one) => one.scrollHeight <= one.clientHeight")
    at_desk.check()
