"""Values that no form would have made, and ways of typing that not everybody has: shown and kept as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
HUGE = 9_007_199_254_740_993
PARTS: dict[str, Any] = {
    "name": "parts", "label": "Part", "label_plural": "Parts", "members": "own",
    "fields": [
        {"name": "title", "type": "text", "required": True},
        {"name": "weight", "type": "number"},
        {"name": "serial", "type": "integer", "maximum": HUGE},
    ],
}  # fmt: skip
COMPOSING = """it => it.dispatchEvent(new KeyboardEvent("keydown",
    {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("odd") / "data") as server:
        for name in ("maja", "otto"):
            server.create_user(name, PASSWORD, admin=True)
        yield server


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx2.Client]:
    with sign_in(server.url, "maja", PASSWORD) as client:
        assert client.post("/api/v1/models", json=PARTS).status_code == 201
        yield client


@pytest.fixture
def watched(browser: Browser, server: RunningServer, client: httpx2.Client) -> Iterator[Watched]:
    watched = Watched(browser, server.url, cookies=dict(client.cookies))
    yield watched
    watched.check()
    watched.close()


def part(client: httpx2.Client, **values: Any) -> int:
    reply = client.post("/api/v1/parts", json={"title": "Axle", **values})
    assert reply.status_code == 201, reply.text
    return int(reply.json()["data"]["id"])


def test_lines_that_a_program_wrote_into_a_text_stay_lines(watched: Watched, client: httpx2.Client) -> None:
    one = part(client, title="Front axle\nwith bearings")
    page = watched.open(f"/#/data/parts?record={one}", "#field-title")
    page.locator("#field-title").press("Control+End")
    page.keyboard.type(", two")
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    assert client.get(f"/api/v1/parts/{one}").json()["data"]["title"] == "Front axle\nwith bearings, two"


def test_thousands_are_read_as_whoever_types_them_means_them(watched: Watched, client: httpx2.Client) -> None:
    one = part(client, weight=2.5)
    page = watched.open(f"/#/data/parts?record={one}", "#field-weight")
    page.fill("#field-weight", "1,234")
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    assert client.get(f"/api/v1/parts/{one}").json()["data"]["weight"] == 1234


def test_a_model_with_a_limit_beyond_what_a_browser_counts_is_designed_on(
    watched: Watched, client: httpx2.Client
) -> None:
    page = watched.open("/#/data/parts/design", "#design-plural")
    page.fill("#design-description", "Of the workshop")
    page.locator("main footer .btn.primary").click()
    page.wait_for_url("**/#/data/parts")
    definition = client.get("/api/v1/models/parts/definition").json()["data"]
    assert [one["maximum"] for one in definition["fields"] if one["name"] == "serial"] == [HUGE]
    assert definition["description"] == "Of the workshop"


def test_enter_that_ends_a_composition_chooses_nothing(watched: Watched) -> None:
    page = watched.open("/#/data/group_members?record=new", "#field-user_id")
    page.click("#field-user_id")
    page.locator("#field-user_id-list li", has_text="otto").wait_for()
    page.locator("#field-user_id").evaluate(COMPOSING)
    expect(page.locator("#field-user_id")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#field-user_id")).to_have_value("")
