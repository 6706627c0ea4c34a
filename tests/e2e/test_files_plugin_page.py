"""The page of the files plugin: an admin chooses folders, lets clients write, and takes both back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
FITS = "[...document.querySelectorAll('.card, .card *')].every((it) => it.getBoundingClientRect().right <= innerWidth)"
PERMISSIONS = ["files", "mcp_tools", "pages"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("files") / "data") as running:
        running.create_user("ada", PASSWORD, admin=True)
        running.create_user("max", PASSWORD)
        with sign_in(running.url, "ada", PASSWORD) as client:
            assert client.post("/api/v1/groups", json={"name": "Team"}).status_code == 201
            answer = client.post("/api/v1/plugins/files/enable", json={"permissions": PERMISSIONS})
            assert answer.status_code == 200, answer.text
        yield running


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_folders_are_added_made_writable_and_taken_away_again(
    browser: Browser, server: RunningServer, tmp_path: Path, theme: str, width: int
) -> None:
    (tmp_path / "My Notes").mkdir()
    with sign_in(server.url, "ada", PASSWORD) as client:
        assert client.put("/api/v1/plugins/files/settings", json={"max_file_bytes": 5000}).status_code == 200
        cookies = dict(client.cookies)
        watched = Watched(browser, server.url, theme=theme, width=width, cookies=cookies)
        page = watched.open("/#/files", "#files-path")
        expect(page.locator("main, body").first).to_contain_text("None yet")
        add = page.locator("button[type=submit]")
        expect(add).to_be_disabled()
        page.fill("#files-path", str(tmp_path / "nothing"))
        add.click()
        expect(page.locator("[role=alert]")).to_contain_text("there is no folder")
        expect(page.locator("#files-path")).to_have_value(str(tmp_path / "nothing"))
        watched.settle()
        assert watched.axe() == []
        page.fill("#files-path", str(tmp_path / "My Notes"))
        page.select_option("#files-who", "group")
        expect(add).to_be_disabled()
        page.select_option("#files-group", "Team")
        add.click()
        row = page.locator(".plain-list li", has_text="my-notes")
        expect(row).to_contain_text("group:Team")
        expect(page.locator("#files-path")).to_have_value("")

        def kept() -> dict[str, object]:
            values: dict[str, object] = client.get("/api/v1/plugins/files/settings").json()["data"]["values"]
            return values

        folder = {"name": "my-notes", "path": str(tmp_path / "My Notes"), "who": ["group:Team"]}
        assert kept() == {"folders": [folder], "max_file_bytes": 5000}
        row.get_by_role("switch").click()
        page.get_by_role("button", name="Let them write").click()
        expect(row.get_by_role("switch")).to_be_checked()
        assert kept()["folders"] == [{**folder, "writable": True}]
        watched.settle()
        assert watched.axe() == []
        # A group that goes is told at once; it comes back with its name.
        [team] = client.get("/api/v1/groups?name=Team").json()["data"]
        assert client.delete(f"/api/v1/groups/{team['id']}").status_code == 200
        expect(row).to_contain_text("There is no group Team any more.")
        expect(page.locator("#files-group")).to_contain_text("Choose one")
        expect(page.locator("#files-group option")).to_have_count(1)
        expect(page.get_by_role("link", name="make one under People")).to_be_visible()
        assert client.post("/api/v1/groups", json={"name": "Team"}).status_code == 201
        expect(row).not_to_contain_text("There is no group")
        row.get_by_role("button", name="Remove my-notes").click()
        expect(row).to_have_count(0)
        page.locator(".toasts").get_by_role("button", name="Undo").last.click()
        expect(row).to_have_count(1)
        assert kept()["folders"] == [{**folder, "writable": True}]
        assert page.evaluate(FITS)
        watched.check(allowed=("422",))
        watched.close()


def test_the_page_is_for_admins_alone(browser: Browser, server: RunningServer) -> None:
    watched = signed_in(browser, server, "max")
    page = watched.open("/#/files", "h1, h2")
    expect(page.locator("#files-path")).to_have_count(0)
    expect(page.locator(".rail >> text=Files")).to_have_count(0)
    watched.check()
    watched.close()
