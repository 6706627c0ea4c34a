"""The page by a plain http name, where browsers withhold the clipboard: the token that is shown once can be had."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from demo_data import fill, sign_in
from every_page import EVERY_PAGE, PLUGIN, furnish, further, place_plugin
from people import PASSWORD
from playwright.sync_api import Browser, Page, expect, sync_playwright
from server_process import RunningServer
from watched_page import CHROMIUM, CHROMIUM_ARGS, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
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


MISSING_HERE = ("Cross-Origin-Opener-Policy",)
"""What a browser says about every page by such a name."""


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_works_by_a_plain_name_and_asks_for_nothing_undocumented(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    place_plugin(tmp_path / "data")
    with RunningServer(tmp_path / "data", {"INTERNAL_API_SECRET": "page-tests"}) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            fill(client, "page-tests")
            furnish(client)
            cookies, base = by_name(client, server.url)
            documented = Documented(client.get("/api/openapi.json").json())
        watched = Watched(browser, base, "light", width, cookies)
        for path in EVERY_PAGE:
            page = watched.open(f"/#{path}", "main h1")
            further(page, path)
            watched.settle()
            assert page.evaluate("isSecureContext") is False
            expect(page.locator(".skeleton, .trouble"), path).to_have_count(0)
            in_both_themes(watched, path)
            # A plugin's page also asks the routes of its plugin, which it documents itself.
            watched.requests = [one for one in watched.requests if not one[1].startswith(f"/api/{PLUGIN}/")]
            watched.check(documented, allowed=MISSING_HERE)
        # The doors, which nobody has gone through yet.
        watched.context.clear_cookies()
        watched.open("/auth/login", "#username")
        in_both_themes(watched, "sign in")
        watched.check(documented, allowed=MISSING_HERE)
        watched.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_pages_work_by_a_plain_name(browser: Browser, tmp_path: Path, width: int) -> None:
    port = free_port()
    address = f"{NAME}:{port}"
    with RunningServer(tmp_path / "data", {"GRIDBEAR_ALLOWED_HOSTS": address}, port=port) as server:
        base = f"http://{address}"
        watched = Watched(browser, base, "light", width)
        page = watched.open("/", "text=gridbear setup-link")
        in_both_themes(watched, "before set-up")
        page.locator(".copyable button").first.click()
        page.locator("[role=status]", has_text="Copied").first.wait_for(state="attached")
        page = watched.open(server.setup_link.removeprefix(server.url), "#username")
        in_both_themes(watched, "set-up")
        page.fill("#username", "maja")
        page.fill("#password", PASSWORD)
        page.fill("#confirm", PASSWORD)
        page.keyboard.press("Enter")
        page.locator(".plate").wait_for()
        watched.settle()
        watched.check(allowed=MISSING_HERE)
        watched.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def in_both_themes(watched: Watched, where: str) -> None:
    for theme in ("dark", "light"):
        watched.page.emulate_media(color_scheme=theme)
        watched.settle()
        assert watched.axe() == [], f"{where}, {theme}"


WITH_COPY_BUTTONS = ["/", "/data/notes", "/data/api_tokens", "/tools/clients", "/settings/about"]
COPY = "main button:has(use[href$='#copy'])"
BESIDE = "xpath=following-sibling::span[@role='status'][1]"


def test_copy_buttons_of_the_pages_copy_or_mark_the_text_and_say_so(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            fill(client)
            cookies, base = by_name(client, server.url)
        watched = Watched(browser, base, cookies=cookies)
        for path in WITH_COPY_BUTTONS:
            page = watched.open(f"/#{path}", "main h1")
            buttons = page.locator(COPY).locator("visible=true")
            buttons.first.wait_for()
            page.evaluate("document.execCommand = () => false")
            for number in range(buttons.count()):
                buttons.nth(number).click()
                expect(buttons.nth(number).locator(BESIDE), path).to_contain_text("The text is selected")
                # Where it stands, or in a field of its own.
                assert page.evaluate("getSelection().toString() || document.activeElement.value"), path
            page.reload()
            buttons.first.wait_for()
            buttons.first.click()
            page.locator("main [role=status]", has_text="Copied").first.wait_for(state="attached")
        watched.check(allowed=MISSING_HERE)
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
    page.get_by_role("button", name="Discard").click()
