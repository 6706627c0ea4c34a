"""Sharing with other computers, as an admin does it, and the page at an address that is not this computer's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import PASSWORD, cookies_of
from playwright.sync_api import Browser
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

from server.this_computer import lan_addresses

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_an_admin_shares_copies_the_address_from_elsewhere_and_takes_it_back(
    browser: Browser, tmp_path: Path, theme: str, width: int
) -> None:
    addresses = lan_addresses("0.0.0.0")
    if not addresses:
        pytest.skip("needs an address that other computers could use, and this one has only loopback")
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        cookies = cookies_of(server, "maja")
        here = Watched(browser, server.url, theme, width, cookies)
        page = here.open("/#/settings/sharing", "form")
        assert here.axe() == []
        page.click("text=Not encrypted")
        page.click("text=Let other computers in")
        page.click("dialog button.danger")
        page.locator("svg.qr").wait_for()
        shown = f"http://{addresses[0]}:{server.url.rpartition(':')[2]}"
        elsewhere = Watched(browser, shown, theme, width, cookies)
        other = elsewhere.open("/#/settings/sharing", "svg.qr")
        assert other.evaluate("isSecureContext") is False
        other.click(f".copyable:has-text('{shown}') button")
        other.locator(".copyable [role=status]", has_text="Copied").wait_for(state="attached")
        other.click("text=It can't be reached")
        elsewhere.settle()
        assert elsewhere.axe() == []
        assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")
        elsewhere.check(allowed=("Cross-Origin-Opener-Policy",))
        elsewhere.close()
        page.click("text=Turn off")
        page.locator("form >> text=Encrypted, with a certificate made here").wait_for()
        here.close()
