"""The page by a plain http name, where browsers withhold the clipboard: the token that is shown once can be had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from playwright.sync_api import Browser, Page, expect, sync_playwright
from server_process import RunningServer
from watched_page import CHROMIUM, CHROMIUM_ARGS, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
PASSWORD = "a calm bear in a den"
NAME = "bear.home.arpa"
SELECTED = "() => String(getSelection())"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One that finds the name on this computer, which is no secure context as 127.0.0.1 is."""
    with sync_playwright() as playwright:
        args = [*CHROMIUM_ARGS, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield browser
        browser.close()


def test_every_copy_button_copies_or_marks_the_text_and_says_so(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        port = server.url.rpartition(":")[2]
        with sign_in(server.url, "maja", PASSWORD) as client:
            setting = {"name": "allowed_hosts", "value": f"{NAME}:{port}"}
            assert client.post("/api/v1/settings", json=setting).is_success
            cookies = dict(client.cookies)
        watched = Watched(browser, f"http://{NAME}:{port}", cookies=cookies)
        page = watched.open("/#/account", "text=New token")
        assert page.evaluate("isSecureContext") is False

        token = new_token(page)
        page.locator("dialog .copyable button").first.click()
        page.locator("dialog [role=status]", has_text="Copied").first.wait_for(state="attached")
        page.click("dialog .primary")
        paste_into(page, token)

        page.evaluate("document.execCommand = () => false")
        token = new_token(page)
        page.locator("dialog .copyable button").first.click()
        said = page.locator("dialog [role=status]", has_text="The text is selected").first
        expect(said).to_be_visible()
        assert page.evaluate(SELECTED) == token
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        watched.settle()
        assert watched.axe() == []
        page.click("dialog .primary")
        watched.check(allowed=("Cross-Origin-Opener-Policy",))
        watched.close()


def new_token(page: Page) -> str:
    page.click("text=New token")
    page.fill("#token-name", "a script")
    page.click("text=Make the token")
    shown = page.locator("dialog .copyable code").first.inner_text()
    assert shown.startswith("gb_")
    return shown


def paste_into(page: Page, wanted: str) -> None:
    """What was copied really is in the clipboard."""
    page.click("text=New token")
    page.focus("#token-name")
    page.keyboard.press("Control+V")
    expect(page.locator("#token-name")).to_have_value(wanted)
    page.keyboard.press("Escape")
