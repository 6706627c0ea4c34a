"""Files, imports, tools and the sign-in over a network that is slow, ends midway, or loses an answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from cut_wire import CutWire
from demo_data import fill, sign_in
from people import PASSWORD
from playwright.sync_api import Browser, CDPSession, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
CUT = {**SLOW, "offline": True}
WHOLE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
LARGE = b"one line of it\n" * 60_000
"""900 kB: at 50 kB a second there is time to do something else."""
LOST = ("ERR_INTERNET_DISCONNECTED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION", "ERR_FAILED", "Failed to load resource")
SHOP = Path(__file__).with_name("shop_server.py")
ALBUMS = {
    "name": "albums",
    "label": "Album",
    "label_plural": "Albums",
    "fields": [{"name": "title", "type": "text", "required": True}, {"name": "booklet", "type": "file"}],
}


@pytest.fixture(scope="module")
def between() -> Iterator[CutWire]:
    with CutWire() as wire:
        yield wire


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, between: CutWire) -> Iterator[tuple[RunningServer, httpx2.Client]]:
    """A server with the admin maja, a model with a file, and a server of tools; and a client of hers."""
    env = {"GRIDBEAR_ALLOWED_HOSTS": between.host}
    with RunningServer(tmp_path_factory.mktemp("slow") / "data", env) as server:
        between.to = urlsplit(server.url).port or 0
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            fill(client)
            shop = {"name": "shop", "transport": "stdio", "command": sys.executable, "args": [str(SHOP)]}
            for path, row in (("models", ALBUMS), ("mcp_servers", shop)):
                assert client.post(f"/api/v1/{path}", json=row).status_code == 201
            yield server, client


@pytest.fixture
def watched(browser: Browser, house: tuple[RunningServer, httpx2.Client], between: CutWire) -> Iterator[Watched]:
    """A page of maja's that comes over the wire."""
    one = Watched(browser, between.url, cookies=dict(house[1].cookies))
    yield one
    one.close()
    between.mend()


def wire(page: Page) -> CDPSession:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    return session


def set_wire(session: CDPSession, how: dict[str, Any]) -> None:
    session.send("Network.emulateNetworkConditions", how)


def try_again(page: Page, session: CDPSession, between: CutWire) -> None:
    """The wire is whole again, the page has noticed, and what did not arrive is sent once more."""
    between.mend()
    set_wire(session, WHOLE)
    page.locator(".banner").wait_for(state="detached", timeout=60_000)
    page.click(".drawer button:has-text('Try again')")


def on_its_way(page: Page) -> None:
    page.locator(".file-box progress:not([value='0'])").wait_for()


def text_file(name: str, data: bytes) -> Any:
    return {"name": name, "mimeType": "text/plain", "buffer": data}


def count(client: httpx2.Client, path: str, **wanted: str) -> int:
    return int(client.get(f"/api/v1/{path}", params=wanted).json()["count"])


def test_a_file_that_is_cut_off_midway_is_kept_sent_again_and_the_record_waits_for_it(
    watched: Watched, between: CutWire, house: tuple[RunningServer, httpx2.Client]
) -> None:
    page = watched.open("/#/data/albums?record=new", "#field-title")
    session = wire(page)
    set_wire(session, SLOW)
    page.fill("#field-title", "With a booklet")
    page.set_input_files("#field-booklet", text_file("booklet.txt", LARGE))
    on_its_way(page)
    # Saving now would make a record without it.
    page.click(".drawer button[type=submit]")
    page.locator(".drawer .error", has_text="still on its way").wait_for()
    assert ("POST", "/api/v1/albums") not in watched.requests
    between.cut()
    page.locator(".drawer .error", has_text="booklet.txt did not arrive").wait_for()
    try_again(page, session, between)
    page.locator(".drawer .file-box a", has_text="booklet.txt").wait_for()
    expect(page.locator(".drawer .error")).to_have_count(0)
    page.click(".drawer button[type=submit]")
    expect(page.locator(".drawer")).to_have_count(0)
    [album] = house[1].get("/api/v1/albums").json()["data"]
    assert album["title"] == "With a booklet" and album["booklet"]
    assert count(house[1], "files", name="booklet.txt") == 1
    watched.check(allowed=LOST)


def test_leaving_while_a_file_is_on_its_way_is_asked_about(watched: Watched) -> None:
    page = watched.open("/#/data/albums?record=new", "#field-title")
    session = wire(page)
    set_wire(session, SLOW)
    page.set_input_files("#field-booklet", text_file("asked.txt", LARGE))
    on_its_way(page)
    page.keyboard.press("Escape")
    page.click("dialog >> text=Keep editing")
    on_its_way(page)
    page.click(".file-box >> text=Cancel")
    page.locator(".drawer >> text=Choose a file").wait_for()
    # Nothing is left that could be lost.
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)
    watched.check(allowed=LOST)


def test_of_many_files_those_that_arrived_are_not_sent_again(
    watched: Watched, between: CutWire, house: tuple[RunningServer, httpx2.Client]
) -> None:
    page = watched.open("/#/data/files?record=new", "label[for=new-files]")
    session = wire(page)
    set_wire(session, SLOW)
    sizes = {"first of many.txt": b"small", "second of many.txt": LARGE, "third of many.txt": b"small"}
    page.set_input_files("#new-files", [text_file(name, data) for name, data in sizes.items()])
    page.locator(".file-box", has_text="second of many.txt").wait_for()
    on_its_way(page)
    between.cut()
    page.locator(".error", has_text="second of many.txt did not arrive").wait_for()
    try_again(page, session, between)
    page.locator(".toast", has_text="3 files").wait_for()
    assert [count(house[1], "files", name=name) for name in sizes] == [1, 1, 1]
    watched.check(allowed=LOST)


def test_a_file_whose_answer_is_lost_is_one_file(
    watched: Watched, between: CutWire, house: tuple[RunningServer, httpx2.Client]
) -> None:
    page = watched.open("/#/data/albums?record=new", "#field-title")
    between.lose_answers()
    page.set_input_files("#field-booklet", text_file("unheard.txt", b"small"))
    page.locator(".drawer .error", has_text="unheard.txt did not arrive").wait_for()
    try_again(page, wire(page), between)
    page.locator(".drawer .file-box a", has_text="unheard.txt").wait_for()
    assert count(house[1], "files", name="unheard.txt") == 1
    watched.check(allowed=LOST)


def test_an_upload_that_stands_still_is_given_up_after_a_minute_and_said(watched: Watched) -> None:
    page = watched.page
    page.clock.install()
    watched.open("/#/data/albums?record=new", "#field-title")
    page.context.route("**/api/v1/files?*", lambda route: None)
    with page.expect_request(lambda asked: asked.method == "POST"):
        page.set_input_files("#field-booklet", text_file("still.txt", b"small"))
    page.clock.fast_forward(61_000)
    page.locator(".drawer .error", has_text="still.txt did not arrive").wait_for()
    page.context.unroute_all()
    page.click(".drawer button:has-text('Try again')")
    page.locator(".drawer .file-box a", has_text="still.txt").wait_for()
    watched.check(allowed=LOST)


def test_an_import_whose_answer_is_lost_says_so_and_takes_nothing_twice(
    watched: Watched, between: CutWire, house: tuple[RunningServer, httpx2.Client]
) -> None:
    page = watched.open("/#/data/albums/import", "#import-file")
    page.set_input_files("#import-file", text_file("rows.csv", b"title\nLost answer\n"))
    page.locator(".mapping li").first.wait_for()
    between.lose_answers()
    page.locator("button", has_text="Import the rows").dblclick()
    said = page.locator("[role=alert]", has_text="they may have been taken over")
    said.wait_for()
    between.mend()
    page.locator(".banner").wait_for(state="detached", timeout=60_000)
    # The mapping is still there, and what the words say is true.
    expect(page.locator(".mapping li")).to_have_count(1)
    assert "no row was taken" not in page.locator("main").inner_text()
    expect(said.locator("a")).to_have_attribute("href", "#/data/albums?sort=-id")
    # The browser has sent it again by itself, perhaps many times.
    assert count(house[1], "albums", title="Lost answer") == 1
    page.locator("button", has_text="Import the rows").click()
    page.locator(".toast", has_text="1 album").wait_for()
    assert count(house[1], "albums", title="Lost answer") == 1
    watched.check(allowed=LOST)


def calls_of_the_shop(client: httpx2.Client) -> int:
    servers = client.get("/api/v1/gateway/metrics").json()["data"]["servers"]
    return int(servers["shop"]["calls"]) if "shop" in servers else 0


def test_a_tool_whose_answer_is_lost_was_run_once(
    watched: Watched, between: CutWire, house: tuple[RunningServer, httpx2.Client]
) -> None:
    page = watched.open("/#/tools", ".servers a")
    page.locator(".servers a", has_text="shop").click()
    page.locator("#argument-0").wait_for()
    page.fill("#argument-0", "barley")
    before = calls_of_the_shop(house[1])
    # Over connections that were used before, a browser sends a request again by itself.
    between.lose_answers()
    page.click(".bench button[type=submit]")
    page.locator(".reply-side [role=alert]", has_text="the tool may have run").wait_for()
    between.mend()
    page.locator(".banner").wait_for(state="detached", timeout=60_000)
    assert calls_of_the_shop(house[1]) == before + 1
    watched.check(allowed=LOST)


def test_a_file_of_rows_that_did_not_arrive_is_sent_again_without_choosing_it_anew(watched: Watched) -> None:
    page = watched.open("/#/data/albums/import", "#import-file")
    watched.context.set_offline(True)
    page.set_input_files("#import-file", text_file("rows.csv", b"title\nOne\n"))
    page.locator("[role=alert]", has_text="The file did not arrive").wait_for()
    watched.context.set_offline(False)
    page.locator(".banner").wait_for(state="detached", timeout=60_000)
    page.locator("[role=alert]").get_by_role("button", name="Try again").click()
    page.locator(".mapping li").first.wait_for()
    watched.check(allowed=LOST)


def test_a_tool_is_run_once_by_a_double_click_and_a_lost_answer_is_no_refusal(watched: Watched) -> None:
    page = watched.open("/#/tools", ".servers a")
    page.locator(".servers a", has_text="shop").click()
    page.locator("#argument-0").wait_for()
    set_wire(wire(page), SLOW)
    page.fill("#argument-0", "rye")
    page.locator(".bench button[type=submit]").dblclick()
    expect(page.locator(".bench button[type=submit]")).to_be_disabled()
    page.locator(".reply-side pre").wait_for()
    assert watched.requests.count(("POST", "/api/v1/gateway/call")) == 1
    page.context.route("**/api/v1/gateway/call", lambda route: route.abort())
    page.click(".bench button[type=submit]")
    page.locator(".reply-side [role=alert]", has_text="the tool may have run").wait_for()
    expect(page.locator("#argument-0")).to_have_value("rye")
    expect(page.locator(".bench button[type=submit]")).to_be_enabled()
    watched.check(allowed=LOST)


def test_signing_in_over_a_slow_wire_asks_once_and_can_be_tried_again(
    browser: Browser, house: tuple[RunningServer, httpx2.Client]
) -> None:
    watched = Watched(browser, house[0].url)
    page = watched.open("/auth/login", "#username")
    session = wire(page)
    set_wire(session, CUT)
    page.fill("#username", "maja")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.locator(".error", has_text="does not answer").wait_for()
    expect(page.locator("#password")).to_have_value(PASSWORD)
    set_wire(session, SLOW)
    before = watched.requests.count(("POST", "/auth/login"))
    page.locator("button[type=submit]").dblclick()
    page.locator(".recent").first.wait_for(timeout=60_000)
    assert watched.requests.count(("POST", "/auth/login")) == before + 1
    watched.check(allowed=LOST)
    watched.close()
