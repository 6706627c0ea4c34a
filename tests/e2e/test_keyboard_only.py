"""Ten main jobs with the keyboard alone: no click, no script that moves the focus."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, documented_by
from playwright.sync_api import Browser, Locator, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
SHOP = Path(__file__).with_name("shop_server.py")
FAR = 120
"""How many times Tab is pressed before something counts as out of reach."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("keys") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        with sign_in(server.url, "maja", PASSWORD) as client:
            shop = {"name": "shop", "transport": "stdio", "command": sys.executable, "args": [str(SHOP)]}
            assert client.post("/api/v1/mcp_servers", json=shop).status_code == 201
            assert client.post("/api/v1/notes", json={"title": "Weekly shop"}).status_code == 201
            phrase = client.post("/api/v1/backups/recovery-phrase").json()["data"]["phrase"]
            assert client.post("/api/v1/backups/recovery-phrase/confirm", json={"phrase": phrase}).is_success
        yield server


class Keyboard:
    """A person without a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, goal: Locator) -> None:
        """Tab until `goal` has the focus, which must be seen."""
        goal.wait_for()
        for _ in range(FAR):
            if goal.evaluate("element => element === document.activeElement"):
                assert goal.evaluate("element => element.matches(':focus-visible')")
                return
            self.press("Tab")
        raise AssertionError(f"{goal} is out of reach of the keyboard")

    def fill(self, goal: Locator, text: str) -> None:
        self.reach(goal)
        self.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def use(self, goal: Locator) -> None:
        self.reach(goal)
        self.press("Enter")

    def palette(self, words: str, hit: str) -> None:
        """Go somewhere by its name."""
        self.press("ControlOrMeta+k")
        self.page.locator(".palette input").wait_for()
        self.page.keyboard.type(words)
        self.page.locator(".hit[aria-selected=true]", has_text=hit).wait_for()
        self.press("Enter")


def test_ten_main_jobs_are_done_with_the_keyboard_alone(browser: Browser, house: RunningServer) -> None:
    documented = documented_by(house)
    watched = Watched(browser, house.url)
    page = watched.open("/auth/login", "#username")
    keys = Keyboard(page)

    # 1. Sign in.
    keys.fill(page.locator("#username"), "maja")
    keys.fill(page.locator("#password"), PASSWORD)
    keys.press("Enter")
    page.locator(".plate").wait_for()

    # 2. Add a record.
    keys.press("g", "d")
    page.locator(".grid", has_text="Weekly shop").wait_for()
    keys.press("n")
    keys.fill(page.locator("#field-title"), "Order water filters")
    keys.press("Enter")
    page.locator(".grid", has_text="Order water filters").wait_for()

    # 3. Change it.
    keys.use(page.locator(".grid .open", has_text="Order water filters"))
    keys.fill(page.locator("#field-title"), "Order two water filters")
    keys.press("ControlOrMeta+s")
    page.locator(".grid", has_text="Order two water filters").wait_for()
    keys.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)

    # 4. Find a record.
    keys.press("/")
    page.keyboard.type("weekly")
    keys.press("Enter")
    expect(page.locator(".grid tbody tr")).to_have_count(1)

    # 5. Delete it, and take that back.
    keys.use(page.locator(".grid .open", has_text="Weekly shop"))
    keys.use(page.locator(".drawer .btn", has_text="Delete note"))
    expect(page.locator(".grid tbody tr")).to_have_count(0)
    keys.use(page.locator(".toast", has_text="eleted").locator(".btn", has_text="Undo"))
    page.locator(".grid", has_text="Weekly shop").wait_for()

    # 6. Run a tool.
    keys.palette("tools", "Tools")
    keys.fill(page.locator("#argument-0"), "rye")
    keys.press("ControlOrMeta+Enter")
    page.locator(".reply-side pre", has_text="rye").wait_for()

    # 7. Make a token for a script.
    keys.palette("my account", "My account")
    keys.use(page.locator(".btn", has_text="New token"))
    keys.fill(page.locator("#token-name"), "backup script")
    keys.use(page.locator("dialog .primary"))
    page.locator("dialog .copyable code").first.wait_for()
    keys.use(page.locator("dialog .primary"))
    expect(page.locator("dialog[open]")).to_have_count(0)

    # 8. Invite somebody.
    keys.palette("invite some", "Invite somebody")
    keys.fill(page.locator("#invite-name"), "gwen")
    keys.press("Enter")
    page.locator("dialog .copyable code").wait_for()
    keys.use(page.locator("dialog .primary"))
    page.locator(".schedule", has_text="gwen").wait_for()

    # 9. Give members a right.
    keys.reach(page.locator("[role=tab][aria-selected=true]"))
    keys.press("ArrowRight", "ArrowRight")
    keys.reach(page.locator("[data-cell='role:member/notes/list']"))
    keys.press("ArrowRight", "Enter")
    keys.use(page.locator(".why .segmented button", has_text="All"))
    page.locator("[data-cell='role:member/notes/read'][data-changed]").wait_for()

    # 10. Make a backup.
    keys.palette("backups", "Backups")
    keys.use(page.locator(".btn.primary", has_text=re.compile("Back up now|first backup")))
    page.locator(".backups > li").first.wait_for()

    with sign_in(house.url, "otto", PASSWORD) as otto:
        assert otto.get("/api/v1/notes/1").status_code == 200
        assert otto.delete("/api/v1/notes/1").status_code in (403, 404)
    watched.settle()
    watched.check(documented)
    watched.close()
