"""What is typed about a person, a group or an invitation is asked about by whatever would lose it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from people import PASSWORD
from playwright.sync_api import Dialog, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
DIALOGS = {
    "group": ("/people/groups", "New group", "#group-name", "Fam"),
    "invitation": ("/people/invites", "Invite", "#invite-name", "gre"),
}


@pytest.fixture
def page(at_desk: Watched) -> Iterator[Page]:
    """At a page to come from, so that Back leads somewhere."""
    yield at_desk.open("/#/activity", "h1")
    at_desk.check()


def by_escape(page: Page) -> None:
    page.keyboard.press("Escape")


def by_the_rail(page: Page) -> None:
    page.evaluate("location.hash = '#/settings/about'")


def by_back(page: Page) -> None:
    page.evaluate("history.back()")


def by_cancel(page: Page) -> None:
    page.locator("dialog[open]").get_by_role("button", name="Cancel").click()


@pytest.mark.parametrize("noun", DIALOGS)
def test_a_dialog_that_is_typed_in_asks_before_anything_closes_it(page: Page, noun: str) -> None:
    path, button, field, typed = DIALOGS[noun]
    page.evaluate(f"location.hash = '#{path}'")
    page.locator("main").get_by_role("button", name=button).first.click()
    page.fill(field, typed)
    for leave in (by_cancel, by_escape, by_the_rail, by_back):
        leave(page)
        page.get_by_role("button", name="Keep editing").click()
        expect(page.locator(field)).to_have_value(typed)
        assert page.url.endswith(f"#{path}")
    by_cancel(page)
    page.locator("dialog[open]").get_by_role("button", name="Discard").click()
    expect(page.locator(field)).to_have_count(0)
    page.locator("main").get_by_role("button", name=button).first.click()
    expect(page.locator(field)).to_have_value("")
    by_cancel(page)
    expect(page.locator("dialog[open]")).to_have_count(0)


@pytest.mark.parametrize("leave", [by_escape, by_the_rail, by_back], ids=lambda leave: leave.__name__)
def test_a_person_that_is_being_changed_is_asked_about(page: Page, leave: Callable[[Page], None]) -> None:
    page.evaluate("location.hash = '#/people/users'")
    page.locator("[data-person]").first.click()
    page.fill("#person-name", "Half a name")
    leave(page)
    page.get_by_role("button", name="Keep editing").click()
    expect(page.locator("#person-name")).to_have_value("Half a name")
    leave(page)
    page.locator("dialog[open]").get_by_role("button", name="Discard").click()
    expect(page.locator("#person-name")).to_have_count(0)


def test_what_is_typed_stays_while_a_switch_of_the_same_person_is_turned(lived_in: RunningServer, page: Page) -> None:
    lived_in.create_user("otto", PASSWORD)
    page.evaluate("location.hash = '#/people/users'")
    page.locator("[data-person]", has_text="otto").click()
    page.fill("#person-name", "Half a name")
    switch = page.locator("input[role=switch][aria-label='May sign in']")
    switch.click()
    expect(switch).not_to_be_checked()
    expect(page.locator("#person-name")).to_have_value("Half a name")
    switch.click()
    expect(switch).to_be_checked()
    page.click(".person-drawer button[type=submit]")
    page.locator(".toast", has_text="Saved").wait_for()
    expect(page.locator(".person-drawer button[type=submit]")).to_have_count(0)
    by_escape(page)
    expect(page.locator("#person-name")).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_the_browser_asks_before_it_leaves_a_person_half_changed(page: Page) -> None:
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", answer)
    page.evaluate("location.hash = '#/people/users'")
    page.locator("[data-person]").first.click()
    page.locator("#person-name").press_sequentially("Half")
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    expect(page.locator("#person-name")).to_be_visible()
    assert asked == ["beforeunload"]
