"""What is first drawn while the server is away has its icons, says what to do, and goes when the server is back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Locator, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
GONE = ("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
DRAWN = "(icon) => icon.getBBox().width > 0"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("away") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            assert client.post("/api/v1/notes", json={"title": "Renew the passport"}).is_success
        server.port = int(server.url.rpartition(":")[2])
        yield server


@pytest.fixture
def at_desk(browser: Browser, house: RunningServer) -> Iterator[Watched]:
    watched = signed_in(browser, house, "maja")
    yield watched
    watched.close()


def icons_of(place: Locator) -> list[bool]:
    return [bool(icon.evaluate(DRAWN)) for icon in place.locator("svg:visible:has(use)").all()]


def test_a_page_that_cannot_be_fetched_says_so_in_plain_words_and_with_its_icons(
    at_desk: Watched, house: RunningServer
) -> None:
    page = at_desk.open("/", ".plate")
    house.kill()
    page.locator(".rail a", has_text="Automations").click()
    trouble = page.locator("main .trouble")
    expect(trouble).to_contain_text("The server does not answer")
    expect(trouble).not_to_contain_text("fetch dynamically")
    page.locator("main .banner").wait_for()
    assert icons_of(page.locator("main")) == [True] * 4
    assert all(icons_of(page.locator("body")))
    house.start()
    page.locator("h1", has_text="Automations").wait_for()
    at_desk.check(allowed=GONE)


def test_a_change_that_found_nobody_is_kept_and_can_be_saved_when_the_server_is_back(
    at_desk: Watched, house: RunningServer
) -> None:
    page = at_desk.open("/#/data/notes?record=1", "#field-title")
    page.fill("#field-title", "Renew both passports")
    house.kill()
    page.click("text=Save 1 change")
    told = page.locator(".drawer .note.bad")
    expect(told).to_contain_text("what you typed stays here")
    house.start()
    expect(told).to_have_count(0, timeout=60_000)
    expect(page.locator("main .banner")).to_have_count(0)
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Renew both passports").wait_for()
    at_desk.check(allowed=GONE)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_api_docs_follow_the_theme(browser: Browser, house: RunningServer, theme: str) -> None:
    watched = signed_in(browser, house, "maja", theme)
    page = watched.open("/api/docs", ".swagger-ui .opblock-tag")
    light = page.locator("body").evaluate("(one) => getComputedStyle(one).backgroundColor === 'rgb(255, 255, 255)'")
    assert light == (theme == "light")
    page.evaluate("localStorage.setItem('gridbear.theme', 'dark')")
    page.reload()
    page.locator("html.dark-mode .swagger-ui .opblock-tag").first.wait_for()
    watched.check()
    watched.close()
