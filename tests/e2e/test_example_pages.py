"""The pages of plugins in `examples`: they follow what happens elsewhere, and stop listening when they are left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_a_reading_list_shows_what_is_added_elsewhere_and_its_stars_in_the_grid(
    browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(EXAMPLES / "reading-list", folder / "plugins" / "reading-list")
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            asked = client.get("/api/v1/plugins/reading-list/manifest").json()["data"]["manifest"]["permissions"]
            row = client.post("/api/v1/plugins/reading-list/enable", json={"permissions": asked}).json()["data"]
            assert (row["state"], row["error"]) == ("on", None)
            watched = Watched(browser, server.url, cookies=dict(client.cookies))
            page = watched.open("/#/home", ".rail")
            with page.expect_request(lambda asked: "/events?models=reading_list_books" in asked.url):
                page.locator(".rail >> text=Reading list").click()
            page.get_by_label("Title of a book").fill("Emma")
            page.click("text=Add")
            expect(page.locator(".plain-list")).to_contain_text("Emma")
            expect(page.get_by_label("Title of a book")).to_have_value("")
            # Nobody touches the page for this one.
            book = client.post("/api/v1/reading_list_books", json={"title": "Dracula", "stars": 4}).json()["data"]
            expect(page.locator(".plain-list")).to_contain_text("Dracula")
            page.locator("li:has-text('Emma') button").click()
            expect(page.locator(".plain-list")).not_to_contain_text("Emma")
            expect(page.locator("main")).to_contain_text("1 of 12 books this year")
            page.get_by_label("Title of a book").fill("x" * 301)
            page.click("text=Add")
            expect(page.locator(".toasts")).to_contain_text("300")
            expect(page.get_by_label("Title of a book")).to_have_value("x" * 301)
            assert watched.axe() == []
            with page.expect_event("requestfailed", lambda ended: "/events?models=reading_list_books" in ended.url):
                page.locator(".rail >> text=Home").click()
            page.goto(f"{server.url}/#/data/reading_list_books")
            stars = page.locator("tbody tr:has-text('Dracula') [role=img]")
            expect(stars).to_have_attribute("aria-label", "4 of 5 stars")
            page.click("tbody >> text=Dracula")
            page.locator("#field-stars[type=range]").fill("5")
            page.keyboard.press("Control+s")
            expect(stars).to_have_attribute("aria-label", "5 of 5 stars")
            assert client.get(f"/api/v1/reading_list_books/{book['id']}").json()["data"]["stars"] == 5
            watched.check(allowed=("422",))
            watched.close()


def test_states_of_watched_sites_change_on_the_page_by_themselves(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    place = shutil.copytree(EXAMPLES / "uptime-watch", folder / "plugins" / "uptime-watch")
    # Its library is the business of another test.
    manifest = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps({**manifest, "requirements": []}))
    tasks = (place / "tasks.py").read_text()
    (place / "tasks.py").write_text(tasks.replace("import humanize", "").replace("humanize.naturaldelta", "str"))
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        with sign_in(server.url, "maja", PASSWORD) as client, sign_in(server.url, "otto", PASSWORD) as member:
            enabled = client.post("/api/v1/plugins/uptime-watch/enable", json={"permissions": manifest["permissions"]})
            assert enabled.json()["data"]["error"] is None, enabled.text
            watched = Watched(browser, server.url, cookies=dict(member.cookies))
            page = watched.open("/#/uptime", "h1")
            expect(page.locator("main")).to_contain_text("Add a site under Data")
            expect(page.get_by_role("button", name="Look now")).to_have_count(0)
            for name, url in (("honey", f"{server.url}/"), ("gone", "http://127.0.0.1:9/")):
                assert client.post("/api/v1/uptime_watch_sites", json={"name": name, "url": url}).status_code == 201
            expect(page.locator("main")).to_contain_text("honey is up")
            expect(page.locator(".state.bad")).to_contain_text("gone is down")
            watched.settle()
            assert watched.axe() == []
            watched.check()
            watched.close()
