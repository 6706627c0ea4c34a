"""What the page says while the disk is nearly full."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, cookies_of
from playwright.sync_api import Browser
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
MORE_THAN_ANY_DISK = str(1 << 60)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_while_logs_are_stopped_a_banner_says_so_and_deleting_asks_first(
    browser: Browser, tmp_path: Path, theme: str
) -> None:
    env = {"GRIDBEAR_STORAGE_LOGS_STOP_BYTES": MORE_THAN_ANY_DISK}
    with RunningServer(tmp_path / "data", env) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            assert client.post("/api/v1/notes", json={"title": "Free some space"}).status_code == 201
            watched = Watched(browser, server.url, theme, cookies=dict(client.cookies))
        page = watched.open("/#/data/notes?record=1", "#field-title")
        page.locator(".banner >> text=The disk is getting full").wait_for()
        assert watched.axe() == []
        page.click(".drawer >> text=Delete note")
        page.locator("dialog >> text=This cannot be undone").wait_for()
        page.click("dialog button.danger")
        page.locator(".empty").wait_for()
        assert page.locator(".toast >> text=Undo").count() == 0
        watched.check()
        watched.close()


def test_while_the_server_only_reads_the_page_says_why(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        cookies = cookies_of(server, "maja")
    with RunningServer(folder, {"GRIDBEAR_STORAGE_READ_ONLY_BYTES": MORE_THAN_ANY_DISK}) as server:
        watched = Watched(browser, server.url, width=390, cookies=cookies)
        page = watched.open("/#/data/notes?record=new", "#field-title")
        page.locator(".banner.bad >> text=nothing new is written").wait_for()
        assert watched.axe() == []
        page.fill("#field-title", "Kept in the form")
        page.click(".drawer button[type=submit]")
        page.locator(".drawer .note.bad").wait_for()
        assert page.input_value("#field-title") == "Kept in the form"
        watched.check(allowed=("507 (Insufficient",))
        watched.close()


def test_a_limit_reads_on_the_page_of_storage_as_where_it_is_set(at_desk: Watched) -> None:
    page = at_desk.open("/#/settings/storage", "text=Tasks >> nth=0")
    row = page.get_by_role("row", name="Requests")
    shown = row.locator("td.num").last.inner_text()
    page = at_desk.open("/#/settings/kept", "#setting-requests_max_bytes")
    field, unit = (
        page.locator("#setting-requests_max_bytes"),
        page.locator("form:has(#setting-requests_max_bytes) .setting-unit select"),
    )
    assert shown == f"{field.input_value()} {unit.input_value()}"
    at_desk.check()
