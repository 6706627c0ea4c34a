"""Settings, Storage: where the data lie, and moving them while the page waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
AWAY = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_SOCKET", "503 (Serv")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_the_data_move_after_a_look_and_the_page_goes_on(
    browser: Browser, tmp_path: Path, theme: str, width: int
) -> None:
    new = tmp_path / "other disk" / "bear"
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        documented = documented_by(server)
        watched = signed_in(browser, server, "maja", theme, width)
        page = watched.open("/#/settings/storage", "#place-title")
        place = page.locator("section", has=page.locator("#place-title"))
        expect(place).to_contain_text(str(server.data_dir))
        place.locator("text=Move…").click()
        page.fill("#place-to", str(server.data_dir / "inside"))
        page.keyboard.press("Enter")
        expect(place.locator(".error")).to_contain_text("lie inside each other")
        expect(page.locator("#place-to")).to_have_value(str(server.data_dir / "inside"))
        assert watched.axe() == []
        page.fill("#place-to", str(new))
        page.keyboard.press("Enter")
        expect(place).to_contain_text("are free there")
        assert not new.exists()
        watched.settle()
        assert watched.axe() == []
        place.locator("text=Move the data").click()
        page.locator(".toast", has_text="The server has started again").wait_for(timeout=60_000)
        expect(place.locator("code").first).to_have_text(str(new))
        assert (new / "gridbear.db").exists()
        watched.check(documented, allowed=(*AWAY, "422 (Unprocessable"))
        watched.close()
