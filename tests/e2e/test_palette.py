"""The palette, the keys that work everywhere and their sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, Page, Route, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
CHOSEN = '.palette [aria-selected="true"]'
looks = pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("palette")
    with RunningServer(folder / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        with sign_in(server.url, "maja", PASSWORD) as client:
            assert client.post("/api/v1/notes", json={"title": "Crème brûlée for Sunday"}).status_code == 201
        yield server


def opened(page: Page) -> None:
    """What is typed goes into its field only once that is shown."""
    page.keyboard.press("Control+k")
    expect(page.locator(".palette input")).to_be_focused()


@looks
def test_everything_is_found_by_its_name_and_opened_by_the_keyboard(
    browser: Browser, house: RunningServer, theme: str, width: int
) -> None:
    documented = documented_by(house)
    watched = signed_in(browser, house, "maja", theme, width)
    page = watched.open("/#/home", ".plate")
    opened(page)
    expect(page.locator(".palette .hit", has_text="Home")).to_have_count(1)
    watched.settle()
    assert watched.axe() == []
    # A record, by a word of it; accents don't matter to the server's search.
    page.locator(".palette input").press_sequentially("brulee")
    expect(page.locator(CHOSEN)).to_contain_text("Crème brûlée for Sunday")
    watched.settle()
    assert watched.axe() == []
    page.keyboard.press("Enter")
    expect(page.locator(".palette")).to_have_count(0)
    expect(page.locator(".drawer")).to_contain_text("Crème brûlée")
    # A page, chosen with the arrows, and back round the end of the list.
    opened(page)
    page.locator(".palette input").press_sequentially("auto")
    expect(page.locator(CHOSEN)).to_contain_text("Automations")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Automations")
    # A command; what was used last comes first from then on.
    opened(page)
    page.locator(".palette input").press_sequentially("theme dark")
    expect(page.locator(CHOSEN)).to_contain_text("Dark theme")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    opened(page)
    expect(page.locator(CHOSEN)).to_contain_text("Dark theme")
    page.locator(".palette input").press_sequentially("<img src=x> nowhere")
    expect(page.locator(".palette .none")).to_have_text("Nothing is called “<img src=x> nowhere”.")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".palette")).to_have_count(0)
    watched.check(documented)
    watched.close()


def test_keys_go_to_pages_and_add_records_but_not_while_somebody_types(browser: Browser, house: RunningServer) -> None:
    watched = signed_in(browser, house, "maja")
    page = watched.open("/#/home", ".plate")
    page.keyboard.press("?")
    expect(page.locator(".keys")).to_contain_text("Search or run a command")
    watched.settle()
    assert watched.axe() == []
    page.keyboard.press("Escape")
    expect(page.locator(".keys")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.locator(".grid").wait_for()
    page.keyboard.press("n")
    page.locator(".drawer [name=title]").press_sequentially("going? no")
    expect(page.locator(".drawer [name=title]")).to_have_value("going? no")
    expect(page.locator(".keys")).to_have_count(0)
    # A question stays in front.
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator(".palette")).to_have_count(0)
    watched.check()
    watched.close()


def test_a_member_finds_only_what_is_theirs(browser: Browser, house: RunningServer) -> None:
    watched = signed_in(browser, house, "otto")
    page = watched.open("/#/home", ".plate")
    opened(page)
    expect(page.locator(CHOSEN)).to_be_visible()
    for words in ("plugins", "backups", "brulee", "MCP server", "audit"):
        page.locator(".palette input").fill(words)
        watched.settle()
        for hidden in ("Plugins", "Backups", "Crème", "Add an MCP server", "Audit log"):
            expect(page.locator(".palette .hit", has_text=hidden)).to_have_count(0)
    watched.check()
    watched.close()


def test_records_that_are_found_late_move_nothing_from_under_enter(browser: Browser, house: RunningServer) -> None:
    with sign_in(house.url, "maja", PASSWORD) as client:
        assert client.post("/api/v1/notes", json={"title": "Theme of the party"}).status_code == 201
    watched = signed_in(browser, house, "maja")
    page = watched.open("/#/home", ".plate")
    held: list[Route] = []
    late = True
    watched.context.route("**/api/v1/*?q=theme*", lambda route: held.append(route) if late else route.continue_())
    opened(page)
    page.locator(".palette input").press_sequentially("theme")
    page.keyboard.press("ArrowDown")
    chosen = page.locator(CHOSEN).inner_text()
    while not held:
        page.evaluate("0")
    late = False
    for route in held:
        route.continue_()
    page.locator(".palette .hit", has_text="Theme of the party").wait_for()
    expect(page.locator(CHOSEN)).to_have_text(chosen)
    watched.close()
