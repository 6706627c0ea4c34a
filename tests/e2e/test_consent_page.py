"""An app asks for access in a real browser: it is named, may be refused, and goes nowhere before that."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx2
import pytest
from people import PASSWORD
from playwright.sync_api import Browser
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


def asking(server: RunningServer, **changes: str) -> str:
    """The address that an app opens in the browser."""
    metadata = {"client_name": "A bear’s editor", "redirect_uris": ["http://127.0.0.1:9/callback"]}
    registered = httpx2.post(f"{server.url}/oauth/register", json=metadata).json()
    query = {
        "client_id": registered["client_id"],
        "redirect_uri": "http://127.0.0.1:9/callback",
        "response_type": "code",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        "scope": "mcp api:read",
        "state": "7",
        **changes,
    }
    return f"/oauth/authorize?{urlencode(query)}"


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_whoever_signs_in_is_asked_by_name_and_the_answer_goes_to_the_app(
    browser: Browser, lived_in: RunningServer, documented: Documented, theme: str, width: int
) -> None:
    watched = Watched(browser, lived_in.url, theme, width)
    page = watched.open(asking(lived_in), "#username")
    page.fill("#username", "maja")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.locator("text=Nobody vouches").wait_for()
    assert "A bear’s editor" in page.locator("h1").inner_text()
    assert "127.0.0.1:9" in page.locator("dl code").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    watched.settle()
    assert watched.axe() == []
    watched.check(documented, allowed=("401",))
    # The app's side: without an answer the browser would still be on its way to an error page when it is sent on.
    page.route("http://127.0.0.1:9/**", lambda route: route.fulfill(body="The app has it."))
    for button, told in (("Deny", "error=access_denied"), ("Allow", "code=")):
        with page.expect_request("http://127.0.0.1:9/**") as back:
            page.click(f"button >> text={button}")
        assert told in back.value.url and "state=7" in back.value.url and "iss=" in back.value.url
        page.locator("text=The app has it.").wait_for()
        page.goto(lived_in.url + asking(lived_in))
        page.locator("text=Nobody vouches").wait_for()
    watched.close()


def test_a_wrong_request_says_so_and_sends_nobody_away(at_desk: Watched, lived_in: RunningServer) -> None:
    page = at_desk.open(asking(lived_in, redirect_uri="https://evil.example/"), "h1")
    page.locator("text=can’t be answered").wait_for()
    assert page.url.startswith(lived_in.url) and page.locator("a[href*=evil]").count() == 0
    page = at_desk.open(asking(lived_in, scope="root"), "text=Back to 127.0.0.1:9")
    assert page.url.startswith(lived_in.url)
    at_desk.close()
