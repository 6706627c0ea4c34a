"""The time zone in My account: kept for its person alone, and what the memo page reads sentences with."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


def test_a_zone_is_chosen_and_sentences_are_read_with_it(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("ada", PASSWORD, admin=True)
        server.create_user("bo", PASSWORD)
        with sign_in(server.url, "ada", PASSWORD) as ada, sign_in(server.url, "bo", PASSWORD) as bo:
            asked = {"permissions": ["mcp_tools", "notifications", "pages"]}
            assert ada.post("/api/v1/plugins/memo/enable", json=asked).status_code == 200
            # What an admin may list of others is not taken for theirs.
            for key, value in (("time_zone", "America/Lima"), ("ui.theme", "dark")):
                assert bo.post("/api/v1/preferences", json={"key": key, "value": value}).status_code == 201
            watched = Watched(browser, server.url, cookies=dict(ada.cookies))
            with watched.page.expect_response(lambda answer: "/api/v1/preferences" in answer.url):
                page = watched.open("/#/account", "#account-zone")
            zone = page.locator("#account-zone")
            watched.settle()
            expect(zone).to_have_value("")
            expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
            zone.select_option("Pacific/Chatham")
            expect(page.locator(".toasts")).to_contain_text("Kept")
            kept = ada.get("/api/v1/preferences?key=time_zone&sort=id").json()["data"]
            assert [row["value"] for row in kept] == ["America/Lima", "Pacific/Chatham"]
            assert watched.axe() == []
            page.reload()
            expect(page.locator("#account-zone")).to_have_value("Pacific/Chatham")
            page.goto(f"{server.url}/#/memo")
            with page.expect_request(lambda sent: sent.url.endswith("/api/memo/understand")) as understood:
                page.locator("#memo-sentence").fill("tea tomorrow at 9")
            assert understood.value.post_data_json["time_zone"] == "Pacific/Chatham"
            watched.open("/#/account", "#account-zone")
            page.locator("#account-zone").select_option("")
            expect(page.locator(".toasts")).to_contain_text("Kept")
            watched.check()
            watched.close()
