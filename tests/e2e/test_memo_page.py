"""The page of the memo plugin: what was typed is shown as it was understood, kept, done, snoozed and brought back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
FITS = "[...document.querySelectorAll('.card, .card *')].every((it) => it.getBoundingClientRect().right <= innerWidth)"
PERMISSIONS = ["mcp_tools", "notifications", "pages"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("memo") / "data") as running:
        running.create_user("ada", PASSWORD, admin=True)
        with sign_in(running.url, "ada", PASSWORD) as client:
            answer = client.post("/api/v1/plugins/memo/enable", json={"permissions": PERMISSIONS})
            assert answer.status_code == 200, answer.text
        yield running


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390), ("light", 390)])
def test_a_sentence_becomes_a_reminder_that_is_done_and_brought_back(
    browser: Browser, server: RunningServer, theme: str, width: int
) -> None:
    name = f"maja-{theme}-{width}"
    server.create_user(name, PASSWORD)
    with sign_in(server.url, name, PASSWORD) as client:
        long = {"text": "a" * 300, "due_at": "2026-01-02T08:00:00Z"}
        assert client.post("/api/v1/memo_memos", json=long).status_code == 201
        late = {"text": "water the fern", "due_at": "2026-01-02T09:00:00Z"}
        assert client.post("/api/v1/memo_memos", json=late).status_code == 201
        cookies = dict(client.cookies)
    watched = Watched(browser, server.url, theme=theme, width=width, cookies=cookies)
    page = watched.open("/#/memo", "#memo-sentence")
    field, keep = page.locator("#memo-sentence"), page.locator("button[type=submit]")
    expect(keep).to_be_disabled()
    field.fill("buy milk")
    expect(page.locator("#memo-read")).to_contain_text("When?")
    expect(field).to_have_value("buy milk")
    expect(keep).to_be_disabled()
    field.fill("buy milk tomorrow at 9 every day")
    expect(page.locator("#memo-read")).to_contain_text("buy milk · Tomorrow, 09:00 · every day")
    watched.settle()
    assert watched.axe() == []
    keep.click()
    expect(field).to_have_value("")
    row = page.locator(".plain-list li", has_text="buy milk")
    expect(row).to_contain_text("Tomorrow, 09:00 · every day")

    fern = page.locator(".plain-list li", has_text="water the fern")
    expect(fern).to_contain_text("due")
    fern.get_by_role("button", name="Done: water the fern").click()
    expect(fern).to_have_count(0)
    page.locator(".toasts").get_by_role("button", name="Undo").click()
    expect(fern).to_have_count(1)
    fern.get_by_role("button", name="Snooze water the fern: 1 hour").click()
    expect(fern).not_to_contain_text("due")
    row.get_by_role("button", name="Delete buy milk").click()
    expect(row).to_have_count(0)
    page.locator(".toasts").get_by_role("button", name="Undo").last.click()
    expect(row).to_contain_text("every day")
    page.get_by_role("button", name="Show what is done").click()
    expect(page.locator(".card")).to_contain_text(["", "Nothing is done yet."])
    page.get_by_role("button", name="Show what is coming").click()
    expect(row).to_have_count(1)
    watched.settle()
    assert watched.axe() == []
    assert page.evaluate(FITS)
    page.goto(f"{server.url}/#/home")
    page.reload()  # the last messages of the page before would lie over links here
    coming = page.locator("section:has(#card-memo-next)")
    expect(coming.locator("li")).to_have_count(3)
    expect(coming.locator("li", has_text="buy milk")).to_contain_text("Tomorrow, 09:00")
    expect(page.locator(".news").get_by_role("link", name=f"Missed: {'a' * 100}")).to_have_count(1)
    watched.settle()
    assert watched.axe() == []
    assert coming.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    watched.check(allowed=("422",))
    watched.close()
