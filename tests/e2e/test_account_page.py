"""My account: profile, picture, sessions, tokens and the way to password and second factor, for everybody."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from people import PASSWORD, cookies_of, documented_by, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
looks = pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("account") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        yield server


@looks
@pytest.mark.parametrize("name", ["otto", "maja"])
def test_what_is_ones_own_is_changed_on_one_page(
    browser: Browser, house: RunningServer, tmp_path: Path, name: str, theme: str, width: int
) -> None:
    documented = documented_by(house)
    elsewhere = cookies_of(house, name)
    watched = signed_in(browser, house, name, theme, width)
    page = watched.open("/", ".plate")
    page.click("[popovertarget=person-menu]")
    page.click("text=My account")
    page.locator("text=This one").wait_for()
    watched.settle()
    assert watched.axe() == []

    page.fill("#my-name", f"{name} {theme} {width}")
    page.fill("#my-email", "no address")
    page.click("text=Save")
    expect(page.locator("#my-email")).to_have_attribute("aria-invalid", "true")
    page.fill("#my-email", f"{name}-{theme}-{width}@example.com")
    page.click("text=Save")
    page.locator(".toast", has_text="Saved.").first.wait_for()
    page.set_input_files("#my-picture", {"name": "me.png", "mimeType": "image/png", "buffer": PIXEL})
    page.locator("img.portrait").wait_for()
    page.click("text=Remove it")
    expect(page.locator("img.portrait")).to_have_count(0)
    page.locator(".toast", has_text="Your picture is gone").get_by_text("Undo").click()
    page.locator("img.portrait").wait_for()
    page.click("text=Remove it")
    expect(page.locator("img.portrait")).to_have_count(0)

    page.click("text=New token")
    page.fill("#token-name", "backup script")
    page.click("text=Read your data")
    watched.settle()
    assert watched.axe() == []
    page.click("text=Make the token")
    token = page.locator("dialog .copyable code").first.inner_text()
    page.click("dialog .primary")
    with httpx2.Client(base_url=house.url, headers={"authorization": f"Bearer {token}"}) as script:
        assert script.get("/api/v1/notes").status_code == 200
        assert script.post("/api/v1/notes", json={"title": "no"}).status_code == 403
        page.click("[aria-label='End backup script']")
        page.click("dialog .danger")
        page.locator("text=Scripts and AI clients use a token").wait_for()
        assert script.get("/api/v1/notes").status_code == 401

    page.click("text=Sign out everywhere else")
    page.click("dialog .danger")
    page.locator(".toast", has_text="Signed out at").wait_for()
    assert httpx2.get(f"{house.url}/auth/me", cookies=elsewhere).status_code == 401
    page.click(".account [aria-pressed] >> text=Dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    watched.settle()
    assert watched.axe() == []
    watched.check(documented, allowed=("422",))
    watched.close()
