"""The server goes away and comes back while a page is open: it says so, goes on by itself, and keeps what was typed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_data import fill, sign_in
from every_page import EVERY_PAGE, PLUGIN, furnish, further, place_plugin
from people import PASSWORD
from playwright.sync_api import Browser, Error, Locator, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
LIVE = "/data/notes"
# All pages of an area are open at the same time: each round costs one start of the server.
ROUNDS = {
    "data": ("/", "/more", "/data"),
    "tools and automations": ("/tools", "/automations", "/plugins"),
    "people": ("/people", "/account"),
    "activity and settings": ("/activity", "/settings", f"/{PLUGIN}"),
}
GONE = ("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
TYPED = "17"
WRITABLE = ":not([readonly]):not([disabled])"
FIELDS = ", ".join(
    f"{kind}{WRITABLE}"
    for kind in ("textarea", "input[type=text]", "input[type=search]", "input.input:not([type])", "input[type=url]")
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("restart") / "data"
    place_plugin(folder)
    # All these pages are open for one person at the same time.
    plenty = {"GRIDBEAR_REST_RATE_PER_SECOND": "1000", "GRIDBEAR_REST_RATE_BURST": "10000"}
    with RunningServer(folder, plenty) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            fill(client)
            furnish(client)
            cookies = dict(client.cookies)
        server.port = int(server.url.rpartition(":")[2])
        yield server, cookies


def field_of(page: Page) -> Locator:
    """What one types into: the form of a record if one is open, else what the page has."""
    place = page.locator(".drawer" if "record=" in page.url else "main")
    return place.locator(FIELDS).locator("visible=true")


def pages_of(areas: tuple[str, ...]) -> list[str]:
    below = tuple(f"{area}/" for area in areas if area != "/")
    return [path for path in EVERY_PAGE if path in areas or path.startswith(below)]


def test_every_page_is_in_a_round() -> None:
    assert sorted(path for areas in ROUNDS.values() for path in pages_of(areas)) == sorted(EVERY_PAGE)


@pytest.mark.parametrize("paths", [pages_of(areas) for areas in ROUNDS.values()], ids=list(ROUNDS))
def test_a_page_says_that_the_server_is_away_goes_on_by_itself_and_keeps_what_was_typed(
    browser: Browser, house: tuple[RunningServer, dict[str, str]], paths: list[str]
) -> None:
    server, cookies = house
    opened: dict[str, Watched] = {}
    typed: set[str] = set()
    for path in paths:
        watched = opened[path] = Watched(browser, server.url, cookies=cookies)
        page = watched.open(f"/#{path}", "main h1")
        further(page, path)
        # There the rows are looked at, which a search would take away.
        if path != LIVE and field_of(page).count():
            typed.add(path)
            field_of(page).first.fill(TYPED)
    server.kill()
    for watched in opened.values():
        watched.page.locator("main .banner").first.wait_for()
        watched.requests.clear()
    server.start()
    wrong: list[str] = []
    for path, watched in opened.items():
        page = watched.page
        expect(page.locator("main .banner")).to_have_count(0, timeout=60_000)
        watched.settle()
        try:
            assert any(asked.startswith("/api/v1/") for _verb, asked in watched.requests)
            expect(page.locator("main h1").first).to_be_attached()
            expect(page.locator("main .skeleton, main .trouble")).to_have_count(0)
            if path in typed:
                expect(field_of(page).first).to_have_value(TYPED)
            watched.check(allowed=GONE)
        except (AssertionError, Error) as problem:
            wrong.append(f"{path}: {problem}")
    assert wrong == [], "\n".join(wrong)
    if LIVE in opened:
        with sign_in(server.url, "maja", PASSWORD) as client:
            assert client.patch("/api/v1/notes/3", json={"title": "Heard again"}).is_success
        opened[LIVE].page.locator(".grid", has_text="Heard again").wait_for()
    for watched in opened.values():
        watched.close()
