"""The page by a plain http name, where browsers withhold the clipboard: the token that is shown once can be had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from demo_data import fill, sign_in
from playwright.sync_api import Browser, Page, expect, sync_playwright
from server_process import RunningServer
from watched_page import CHROMIUM, CHROMIUM_ARGS, Documented, Watched

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


EVERY_PAGE = [
    "/", "/data", "/data/notes", "/data/notes?record=2", "/data/notes?record=new", "/data/users",
    "/tools", "/tools/approvals", "/tools/calls", "/tools/clients",
    "/automations", "/automations/schedules", "/automations/webhooks", "/plugins",
    "/people", "/people/invites", "/people/groups", "/people/access", "/people/why", "/people/log", "/people/tokens",
    "/people/sessions",
    "/people/apps", "/account", "/activity", "/activity/calls", "/activity/audit", "/activity/signins", "/activity/log",
    "/settings", "/settings/sharing", "/settings/certificate", "/settings/network", "/settings/people",
    "/settings/limits", "/settings/backups", "/settings/storage", "/settings/kept", "/settings/tools",
    "/settings/automations", "/settings/about",
]  # fmt: skip


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)], ids=["light-1280", "dark-390"])
def test_every_page_works_by_a_plain_name_and_asks_for_nothing_undocumented(
    browser: Browser, tmp_path: Path, theme: str, width: int
) -> None:
    with RunningServer(tmp_path / "data", {"INTERNAL_API_SECRET": "page-tests"}) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            fill(client, "page-tests")
            cookies, base = by_name(client, server.url)
            documented = Documented(client.get("/api/openapi.json").json())
        watched = Watched(browser, base, theme, width, cookies)
        for path in EVERY_PAGE:
            page = watched.open(f"/#{path}", "main h1")
            assert page.evaluate("isSecureContext") is False
            assert page.locator(".skeleton, .trouble").count() == 0, path
            assert watched.axe() == [], path
            watched.check(documented, allowed=("Cross-Origin-Opener-Policy",))
        watched.close()


def by_name(client: httpx2.Client, url: str) -> tuple[dict[str, str], str]:
    """Let the server answer by NAME; the cookies of who is signed in, and the address by that name."""
    address = f"{NAME}:{url.rpartition(':')[2]}"
    assert client.post("/api/v1/settings", json={"name": "allowed_hosts", "value": address}).is_success
    return dict(client.cookies), f"http://{address}"


def test_every_copy_button_copies_or_marks_the_text_and_says_so(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            cookies, base = by_name(client, server.url)
        watched = Watched(browser, base, cookies=cookies)
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
