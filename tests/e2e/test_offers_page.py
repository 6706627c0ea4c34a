"""What a server offers beside tools, and what it asks in the middle of a call, as a person meets it on the page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from demo_data import sign_in
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from shop_house import shop_house
from watched_page import CHROMIUM, Documented

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
looks = pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the admin maja, the member otto and an MCP server for both."""
    folder = tmp_path_factory.mktemp("offers")
    with shop_house(folder) as server:
        yield server


@pytest.fixture(scope="module")
def documented(house: RunningServer) -> Documented:
    return documented_by(house)


@looks
def test_what_a_server_asks_in_the_middle_of_a_call_is_answered_on_the_page(
    browser: Browser, house: RunningServer, documented: Documented, theme: str, width: int
) -> None:
    watched = signed_in(browser, house, "otto", theme, width)
    page = watched.open("/#/tools", ".servers a")
    page.locator(".servers a", has_text="notes").click()
    page.get_by_role("listbox", name="Tool").get_by_role("option", name="order_bread").click()
    page.click(".bench button:has-text('Run')")
    asked = page.get_by_role("region", name="notes asks")
    expect(asked).to_contain_text("Which bread, and how many loaves?")
    expect(page.get_by_label("How many loaves")).to_be_focused()
    watched.settle()
    assert watched.axe() == []
    page.click(".asked button:has-text('Answer')")
    expect(page.locator("#asked-1-0-error")).to_have_text("The tool needs this.")
    page.fill("#asked-1-0", "2")
    page.select_option("#asked-1-1", label="Rye")
    # What the server proposes stands there.
    expect(page.locator("#asked-1-2")).to_have_value("true")
    page.get_by_label("seeds").check()
    page.click(".asked button:has-text('Answer')")
    expect(asked).to_contain_text("Praise it.")
    watched.settle()
    assert watched.axe() == []
    page.fill("#asked-2-0", "Best <b>crust</b> in town")
    page.click(".asked button:has-text('Answer')")
    expect(page.locator(".reply-side pre")).to_have_text("2 of r, True, ['seeds']: Best <b>crust</b> in town")
    # Declined, the server hears so; ended, nothing more comes of it.
    page.click(".bench button:has-text('Run')")
    page.click(".asked button:has-text('Decline')")
    expect(page.locator(".reply-side pre")).to_have_text('Nothing ordered: {"action": "decline"}')
    page.click(".bench button:has-text('Run')")
    expect(asked).to_be_visible()
    page.click(".run-bar button:has-text('Cancel')")
    expect(asked).to_have_count(0)
    expect(page.locator(".bench button:has-text('Run')")).to_be_enabled()
    page.wait_for_load_state("networkidle")
    watched.check(documented)
    watched.close()


def test_a_question_is_answered_as_json_as_well(browser: Browser, house: RunningServer, documented: Documented) -> None:
    watched = signed_in(browser, house, "otto")
    page = watched.open("/#/tools", ".servers a")
    page.locator(".servers a", has_text="notes").click()
    page.get_by_role("listbox", name="Tool").get_by_role("option", name="order_bread").click()
    page.click(".bench button:has-text('Run')")
    # What can't be read as a number would be lost: it is said, and stays.
    page.fill("#asked-1-0", "a few")
    page.select_option("#asked-1-1", label="Rye")
    page.click(".asked button:has-text('Write as JSON')")
    expect(page.locator("#asked-1-0")).to_have_value("a few")
    expect(page.locator("#asked-1-0")).to_be_focused()
    page.fill("#asked-1-0", "3")
    page.click(".asked button:has-text('Write as JSON')")
    raw = page.locator("#asked-1-raw")
    assert json.loads(raw.input_value()) == {"loaves": 3, "bread": "r", "cut": True}
    watched.settle()
    assert watched.axe() == []
    for wrong, why in (("[3]", "Write a JSON object"), ('{"bread": "s"}', "loaves: The tool needs this.")):
        raw.fill(wrong)
        page.click(".asked button:has-text('Answer')")
        expect(page.locator("#asked-1-raw-error")).to_contain_text(why)
        expect(raw).to_be_focused()
    raw.fill('{"loaves": 4, "bread": "s"}')
    page.click(".asked button:has-text('Back to the form')")
    expect(page.locator("#asked-1-0")).to_have_value("4")
    page.click(".asked button:has-text('Write as JSON')")
    page.click(".asked button:has-text('Answer')")
    page.fill("#asked-2-0", "Good")
    page.click(".asked button:has-text('Answer')")
    expect(page.locator(".reply-side pre")).to_have_text("4 of s, None, None: Good")
    watched.check(documented)
    watched.close()


@looks
def test_prompts_are_filled_in_and_resources_read(
    browser: Browser, house: RunningServer, documented: Documented, theme: str, width: int
) -> None:
    # A member may as well: what a server offers beside tools is for whoever may use it.
    watched = signed_in(browser, house, "otto", theme, width)
    page = watched.open("/#/tools", ".servers a")
    page.locator(".servers a", has_text="notes").click()
    page.click("button:has-text('Prompts and resources')")
    page.click("button:has-text('Fill it in')")
    expect(page.locator("#offer-0-error")).to_have_text("This is needed.")
    # The server says what may stand there.
    may_be = page.get_by_role("listbox", name="What may stand here")
    expect(may_be.get_by_role("option")).to_have_text(["Ines", "Ingrid", "Otto"])
    page.fill("#offer-0", "In")
    expect(may_be.get_by_role("option")).to_have_text(["Ines", "Ingrid"])
    watched.settle()
    assert watched.axe() == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#offer-0")).to_have_value("Ines")
    page.fill("#offer-0", "Ines <b>")
    page.keyboard.press("Enter")
    expect(page.locator(".reply-side pre")).to_contain_text("Write to Ines <b>.")
    watched.settle()
    assert watched.axe() == []
    offers = page.get_by_role("listbox", name="Prompt or resource")
    offers.get_by_role("option", name="Opening hours").click()
    page.click("button:has-text('Read it')")
    expect(page.locator(".reply-side pre")).to_contain_text("All about shop://hours")
    with page.expect_response(lambda answer: "/resources/updates" in answer.url):
        page.click("button:has-text('Watch it')")
    expect(page.locator(".reply-side .note")).to_contain_text("Watched")
    with sign_in(house.url, "otto", PASSWORD) as client, page.expect_response(lambda it: "resources/read" in it.url):
        assert client.post("/api/v1/gateway/call", json={"tool": "notes__forget_everything"}).status_code == 200
    expect(page.locator(".reply-side .note")).to_contain_text("It has changed once")
    expect(offers.get_by_role("option", name="Opening hours")).to_contain_text("watched, 1 change")
    assert watched.axe() == []
    page.click("button:has-text('Watch it no more')")
    expect(page.locator(".reply-side .note")).to_have_count(0)
    # A picture is seen, and saved.
    offers.get_by_role("option", name="A loaf").click()
    page.click("button:has-text('Read it')")
    expect(page.get_by_role("img", name="Picture loaf.png")).to_have_attribute("height", "3")
    with page.expect_download() as saved:
        page.click(".reply-side button:has-text('Save')")
    assert saved.value.suggested_filename == "loaf.png"
    watched.settle()
    assert watched.axe() == []
    offers.get_by_role("option", name="Bread").click()
    page.fill("#offer-0", "rye")
    may_be.get_by_role("option", name="rye & oats").click()
    expect(page.locator(".ask-side")).to_contain_text("Reads shop://bread/rye%20%26%20oats")
    page.fill("#offer-0", "rye")
    page.click("button:has-text('Read it')")
    expect(page.locator(".reply-side pre")).to_contain_text("All about shop://bread/rye")
    offers.get_by_role("option", name="letter").click()
    expect(page.locator("#offer-0")).to_have_value("Ines <b>")
    watched.settle()
    assert watched.axe() == []
    watched.check(documented)
    watched.close()
