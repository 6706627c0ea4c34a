"""What the page says in safe mode, and the button that leaves it."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import PASSWORD, signed_in
from playwright.sync_api import Browser
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


def test_the_banner_says_what_failed_and_its_button_starts_everything_again(browser: Browser, tmp_path: Path) -> None:
    env = {"GRIDBEAR_SAFE_MODE": "1", "GRIDBEAR_SAFE_MODE_REASON": "Fatal Python error: Segmentation fault"}
    with RunningServer(tmp_path / "data", env) as server:
        server.create_user("maja", PASSWORD, admin=True)
        watched = signed_in(browser, server, "maja")
        page = watched.open("/#/home", ".banner")
        page.locator(".banner >> text=Fatal Python error: Segmentation fault").wait_for()
        assert watched.axe() == []
        page.click(".banner >> text=Start normally")
        page.locator(".banner >> text=GridBear runs in safe mode").wait_for(state="detached", timeout=60_000)
        watched.close()
