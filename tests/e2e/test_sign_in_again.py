"""A sign-in that ends while a page is open: the page waits, unseen, and nothing that was typed is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
AGAIN = "dialog.again"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("again") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD, admin=True)
        yield server


def begun(browser: Browser, server: RunningServer, theme: str = "light", width: int = 1280) -> Watched:
    """A page on which a note is being written, and its sign-in gone."""
    with sign_in(server.url, "maja", PASSWORD) as client:
        watched = Watched(browser, server.url, theme, width, dict(client.cookies))
        page = watched.open("/#/data/notes?record=new", "#field-title")
        page.fill("#field-title", "Half a thought")
        assert client.post("/auth/logout").is_success
    page.get_by_role("button", name="Add", exact=False).last.click()
    page.locator(AGAIN).wait_for()
    return watched


def come_in(page: Page, username: str, password: str = PASSWORD) -> None:
    page.fill("#again-username", username)
    page.fill("#again-password", password)
    page.locator(AGAIN).get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_whoever_signs_in_again_goes_on_where_they_were(
    browser: Browser, server: RunningServer, theme: str, width: int
) -> None:
    watched = begun(browser, server, theme, width)
    page = watched.page
    expect(page.locator("#again-username")).to_have_value("maja")
    expect(page.locator("#again-password")).to_be_focused()
    assert watched.axe() == []
    page.keyboard.press("Escape")
    expect(page.locator(AGAIN)).to_be_visible()
    come_in(page, "maja", "not the password")
    expect(page.locator(AGAIN)).to_contain_text("wrong")
    mark = page.locator(f"{AGAIN} .error svg").bounding_box()
    assert mark is not None and mark["width"] <= 16, "it stands beside the words"
    come_in(page, "maja")
    expect(page.locator(AGAIN)).to_have_count(0)
    expect(page.locator("#field-title")).to_have_value("Half a thought")
    page.get_by_role("button", name="Add", exact=False).last.click()
    page.get_by_role("status").get_by_text("added", exact=False).first.wait_for()
    watched.close()


def test_somebody_else_finds_nothing_of_it(browser: Browser, server: RunningServer) -> None:
    watched = begun(browser, server)
    page = watched.page
    come_in(page, "otto")
    page.locator(".topbar .avatar").get_by_text("O").wait_for()
    expect(page.locator(AGAIN)).to_have_count(0)
    expect(page.locator("#field-title")).to_have_value("")
    watched.close()


def test_whoever_leaves_it_comes_to_the_sign_in_page(browser: Browser, server: RunningServer) -> None:
    watched = begun(browser, server)
    page = watched.page
    page.get_by_role("button", name="Leave without it").click()
    page.locator(".door h1").wait_for()
    expect(page.locator("#field-title")).to_have_count(0)
    expect(page.locator("#username")).to_have_value("")
    watched.close()
