"""A slow network, none for a while, and a server that never answers: nothing is sent twice, nothing typed is lost."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
NEVER = 61_000
"""Longer than the page waits for an answer; its clock is turned on, nobody waits."""


def slow(page: Page) -> None:
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", SLOW)


def sent(watched: Watched, method: str, path: str) -> int:
    return watched.requests.count((method, path))


def titled(page: Page, title: str) -> int:
    found: Any = page.evaluate(
        "async (title) => (await (await fetch(`/api/v1/notes?title=${encodeURIComponent(title)}`)).json()).count", title
    )
    return int(found)


def test_a_double_click_on_save_sends_once_and_what_was_typed_is_saved(
    at_desk: Watched, documented: Documented
) -> None:
    page = at_desk.open("/#/data/notes?record=new", "#field-title")
    slow(page)
    page.fill("#field-title", "Sent once")
    page.locator(".drawer button[type=submit]").dblclick()
    expect(page.locator(".drawer")).to_have_count(0)
    page.locator(".grid >> text=Sent once").first.wait_for()
    assert sent(at_desk, "POST", "/api/v1/notes") == 1
    assert titled(page, "Sent once") == 1
    # A cell in the grid: drawn at once, kept when the answer comes.
    page.locator("a.open", has_text="Sent once").focus()
    page.keyboard.press("F2")
    page.locator(".cell-input input").fill("Changed slowly")
    page.keyboard.press("Enter")
    page.locator(".toast", has_text="Title of Changed slowly changed").wait_for()
    assert titled(page, "Changed slowly") == 1
    at_desk.check(documented)


def test_without_a_network_what_was_typed_waits_and_goes_out_once(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes?record=new", "#field-title")
    page.fill("#field-title", "Typed in a tunnel")
    at_desk.context.set_offline(True)
    page.click(".drawer button[type=submit]")
    page.locator(".drawer [role=alert]").wait_for()
    page.locator(".banner").wait_for()
    # Leaving is asked about, and the answer no keeps everything.
    page.keyboard.press("Escape")
    page.click("dialog >> text=Keep editing")
    expect(page.locator("#field-title")).to_have_value("Typed in a tunnel")
    at_desk.context.set_offline(False)
    page.locator(".banner").wait_for(state="detached", timeout=60_000)
    expect(page.locator("#field-title")).to_have_value("Typed in a tunnel")
    page.click(".drawer button[type=submit]")
    expect(page.locator(".drawer")).to_have_count(0)
    page.locator(".grid >> text=Typed in a tunnel").first.wait_for()
    assert titled(page, "Typed in a tunnel") == 1
    at_desk.check(documented, allowed=("ERR_INTERNET_DISCONNECTED",))


def test_an_answer_that_never_comes_is_given_up_said_and_can_be_tried_again(at_desk: Watched) -> None:
    page = at_desk.page
    page.clock.install()
    at_desk.open("/#/data/notes?record=4", "#field-title")
    page.fill("#field-title", "Said twice, saved once")
    page.context.route(
        "**/api/v1/notes/4", lambda route: None if route.request.method == "PATCH" else route.continue_()
    )
    with page.expect_request(lambda asked: asked.method == "PATCH"):
        page.click("text=Save 1 change")
    expect(page.locator(".drawer button[type=submit]")).to_be_disabled()
    page.clock.fast_forward(NEVER)
    page.locator(".drawer [role=alert]", has_text="took too long to answer").wait_for()
    expect(page.locator("#field-title")).to_have_value("Said twice, saved once")
    page.context.unroute_all()
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    at_desk.check(allowed=("Failed to load resource",))


def lose_answers(watched: Watched, count: int) -> None:
    """The server does what the next so many POSTs ask, and nothing is heard of it."""
    left = [None] * count

    def lost(route: Route) -> None:
        if route.request.method == "POST" and left:
            left.pop()
            assert route.fetch().status == 201
            route.abort()
        else:
            route.continue_()

    watched.context.route("**/api/v1/notes", lost)


def test_an_answer_lost_after_the_server_has_written_and_save_again_make_one_record(at_desk: Watched) -> None:
    page = at_desk.open("/#/data/notes?record=new", "#field-title")
    lose_answers(at_desk, 2)
    page.fill("#field-title", "Written, unheard")
    for _ in range(2):
        page.click(".drawer button[type=submit]")
        page.locator(".drawer [role=alert]").wait_for()
        expect(page.locator("#field-title")).to_have_value("Written, unheard")
    page.click(".drawer button[type=submit]")
    expect(page.locator(".drawer")).to_have_count(0)
    assert sent(at_desk, "POST", "/api/v1/notes") == 3
    assert titled(page, "Written, unheard") == 1
    # The next form makes a record of its own, though it says the same.
    at_desk.open("/#/data/notes?record=new", "#field-title")
    page.fill("#field-title", "Written, unheard")
    page.click(".drawer button[type=submit]")
    expect(page.locator(".drawer")).to_have_count(0)
    assert titled(page, "Written, unheard") == 2
    at_desk.check(allowed=("ERR_FAILED",))


def test_what_is_typed_after_a_lost_answer_changes_the_record_that_it_was_about(at_desk: Watched) -> None:
    page = at_desk.open("/#/data/notes?record=new", "#field-title")
    lose_answers(at_desk, 1)
    page.fill("#field-title", "First thought")
    page.fill("#field-body", "taken back")
    page.click(".drawer button[type=submit]")
    page.locator(".drawer [role=alert]").wait_for()
    page.fill("#field-title", "Second thought")
    page.fill("#field-body", "")
    page.click(".drawer button[type=submit]")
    expect(page.locator(".drawer")).to_have_count(0)
    page.locator(".grid >> text=Second thought").first.wait_for()
    assert (titled(page, "First thought"), titled(page, "Second thought")) == (0, 1)
    kept: Any = page.evaluate(
        "async () => (await (await fetch('/api/v1/notes?title=Second thought')).json()).data[0].body"
    )
    assert not kept
    at_desk.check(allowed=("ERR_FAILED",))
