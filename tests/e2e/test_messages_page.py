"""Tools, Messages: an admin watches what passes between GridBear and a server, finds, reads, saves and repeats it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from shop_house import shop_house
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with the admin maja, the member otto, and an MCP server that works."""
    with shop_house(tmp_path) as server:
        yield server


def search(client: httpx2.Client, words: str) -> None:
    asked = {"tool": "notes__search_notes", "arguments": {"query": words, "limit": 3}}
    assert client.post("/api/v1/gateway/call", json=asked).status_code == 200


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_what_passes_is_watched_found_read_beside_its_answer_and_run_again(
    browser: Browser, house: RunningServer, theme: str, width: int
) -> None:
    with sign_in(house.url, "maja", PASSWORD) as client:
        documented = Documented(client.get("/api/openapi.json").json())
        watched = Watched(browser, house.url, theme, width, dict(client.cookies))
        page = watched.open("/#/tools/1?view=messages", ".empty")
        expect(page.locator(".empty code")).to_contain_text("/api/v1/gateway/1/messages/watch")
        watched.settle()
        assert watched.axe() == []
        page.click("text=Watch and restart")
        rows = page.locator(".message-row")
        expect(rows.filter(has_text="notifications/initialized")).to_have_count(1)
        # What anybody does appears by itself.
        search(client, "rye bread")
        search(client, "sk-abcdefghijklmnopqrst")
        calls = rows.filter(has_text="search_notes")
        expect(calls).to_have_count(4)
        if width > 719:
            expect(page.locator(".servers").get_by_label("Its messages are watched")).to_have_count(1)
        assert "sk-abc" not in page.content()
        watched.settle()
        assert watched.axe() == []
        page.fill(".messages-bar input", "rye BREAD")
        expect(rows).to_have_count(2)
        page.click(".messages-bar button:has-text('Requests')")
        expect(rows).to_have_count(1)
        rows.click()
        pair = page.locator(".message-pair .one")
        expect(pair).to_have_count(2)
        expect(pair.first.locator("pre")).to_contain_text('"query": "rye bread"')
        expect(pair.last.locator("h4")).to_have_text("Answer")
        watched.settle()
        assert watched.axe() == []
        watched.check(documented)
        page.click(".message-pair >> text=Run again")
        expect(page.locator("#argument-0")).to_have_value("rye bread")
        expect(page.locator("#argument-1")).to_have_value("3")
        page.click(".bench button:has-text('Run')")
        expect(page.locator(".reply-side")).to_contain_text("rye bread")
        # Back leads to the message that it came from.
        page.go_back()
        expect(pair).to_have_count(2)
        page.reload()
        expect(pair).to_have_count(2)
        watched.check(documented)
        watched.close()


def test_by_keyboard_paused_cleared_saved_and_stopped(browser: Browser, house: RunningServer) -> None:
    with sign_in(house.url, "maja", PASSWORD) as client:
        watched = Watched(browser, house.url, "light", 1280, dict(client.cookies))
        page = watched.open("/#/tools/1?view=messages", ".empty")
        page.locator("text=Watch messages").focus()
        page.keyboard.press("Enter")
        page.locator(".messages-none").wait_for()
        search(client, "first")
        rows = page.locator(".message-row")
        calls = rows.filter(has_text="search_notes")
        expect(calls).to_have_count(2)
        calls.first.focus()
        page.keyboard.press("ArrowDown")
        expect(calls.last).to_be_focused()
        page.keyboard.press("Enter")
        page.locator(".message-pair").get_by_label("Close this message").focus()
        page.keyboard.press("Escape")
        expect(page.locator(".message-pair")).to_have_count(0)
        expect(calls.last).to_be_focused()
        page.click(".messages-bar button:has-text('Pause')")
        search(client, "second")
        expect(page.locator(".messages-bar")).to_contain_text("Paused")
        expect(calls).to_have_count(2)
        page.click(".messages-bar button:has-text('Go on')")
        expect(calls).to_have_count(4)
        page.fill(".messages-bar input", "second")
        expect(calls).to_have_count(2)
        with page.expect_download() as saved:
            page.get_by_label("Save these as a .jsonl file").click()
        assert saved.value.suggested_filename == "notes-messages.jsonl"
        lines = [json.loads(line) for line in Path(saved.value.path()).read_text("utf-8").splitlines()]
        assert [line["kind"] for line in lines] == ["request", "answer"]
        assert lines[0]["message"]["params"]["arguments"]["query"] == "second"
        page.fill(".messages-bar input", "nothing has this")
        page.click("text=Clear the filter")
        expect(calls).to_have_count(4)
        page.click(".messages-bar button:has-text('Clear')")
        expect(rows).to_have_count(0)
        page.click("text=cleared ones")
        expect(calls).to_have_count(4)
        # Who stops may read on what is there; the server keeps none of it.
        page.get_by_label("Stop watching").click()
        expect(page.locator(".messages-bar")).to_contain_text("Not watched any more")
        expect(calls).to_have_count(4)
        assert client.get("/api/v1/gateway/1/messages").json()["data"]["messages"] == []
        page.click("text=Watch again")
        expect(rows).to_have_count(0)
        watched.check()
        watched.close()


def test_prompts_and_resources_are_asked_for_again_from_their_forms(browser: Browser, house: RunningServer) -> None:
    with sign_in(house.url, "maja", PASSWORD) as client:
        assert client.put("/api/v1/gateway/1/messages/watch").status_code == 200
        at = "/api/v1/gateway/1"
        assert client.post(f"{at}/prompts/get", json={"name": "letter", "arguments": {"to": "Ines"}}).status_code == 200
        for uri in ("shop://bread/rye", "shop://hours"):
            assert client.post(f"{at}/resources/read", json={"uri": uri}).status_code == 200
        watched = Watched(browser, house.url, "light", 1280, dict(client.cookies))
        page = watched.open("/#/tools/1?view=messages", ".message-row")
        page.locator(".message-row", has_text="prompts/get").first.click()
        page.click("text=Run again")
        expect(page.locator("#offer-0")).to_have_value("Ines")
        page.click("button:has-text('Fill it in')")
        expect(page.locator(".reply-side pre")).to_contain_text("Write to Ines.")
        page.go_back()
        page.locator(".message-row", has_text="shop://bread/rye").first.click()
        page.click("text=Run again")
        expect(page.locator("#offer-0")).to_have_value("rye")
        page.go_back()
        page.locator(".message-row", has_text="shop://hours").first.click()
        page.click("text=Run again")
        expect(page.locator(".chooser [aria-selected=true]")).to_contain_text("Opening hours")
        watched.check()
        watched.close()


def test_a_member_finds_no_messages(browser: Browser, house: RunningServer) -> None:
    watched = signed_in(browser, house, "otto")
    page = watched.open("/#/tools/1?view=messages", ".bench")
    watched.settle()
    assert page.locator("button:has-text('Messages')").count() == 0
    assert not any(path.endswith("/messages") for _method, path in watched.requests)
    watched.check()
    watched.close()
