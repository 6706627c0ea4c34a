"""What is drawn stays where it is while parts are loaded, and an address that no page has says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Route, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]

# How much of the window moved, and how far, after it was first seen: good pages stay below a tenth. On a slow machine
# nothing counts as slow, so that it shows what a fast one does.
WATCH_SHIFTS = """
const later = window.setTimeout;
window.setTimeout = (work, wait, ...rest) => later(work, wait === 150 ? 30_000 : wait, ...rest);
window.__shift = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => { window.__shift += one.value; }))
  .observe({type: "layout-shift", buffered: true});
"""
STILL = 0.05
PAGES = [
    ("/", ".recent"), ("/account", "#account-kinds"), ("/activity", ".log-lines"), ("/people/groups", ".empty"),
    ("/settings/storage", "#place-title"), ("/tools/clients", ".client"),
]  # fmt: skip


@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_does_not_jump_while_its_parts_come_in(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str], width: int
) -> None:
    moved = {}
    for path, ready in PAGES:
        watched = Watched(browser, lived_in.url, "light", width, cookies)
        watched.context.add_init_script(WATCH_SHIFTS)
        page = watched.open(f"/#{path}", ready)
        moved[path] = page.evaluate("window.__shift")
        watched.check()
        watched.close()
    assert {path: shift for path, shift in moved.items() if shift > STILL} == {}


def test_on_a_slow_line_the_profile_keeps_its_place_free(at_desk: Watched) -> None:
    held: list[Route] = []
    at_desk.page.route(re.compile(r"/api/v1/users/\d+$"), lambda route: held.append(route))
    page = at_desk.page
    page.goto(f"{at_desk.base}/#/account")
    page.locator("#account-look").wait_for()
    expect(page.locator("#my-name")).to_be_disabled()
    before = page.locator("#account-look").bounding_box()
    assert held
    held.pop().continue_()
    expect(page.locator("#my-name")).to_be_enabled()
    assert page.locator("#account-look").bounding_box() == before
    at_desk.check()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_an_address_that_no_page_has_says_so(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str], documented: Documented, theme: str, width: int
) -> None:
    watched = Watched(browser, lived_in.url, theme, width, cookies)
    page = watched.open("/#/no-such-page/2", "h1 >> text=There is no such page")
    expect(page.locator("main")).to_contain_text("/no-such-page/2")
    expect(page.locator(".rail [aria-current]")).to_have_count(0)
    assert watched.axe() == []
    page.get_by_role("link", name="Go to the start page").click()
    page.locator(".plate").wait_for()
    watched.settle()
    watched.check(documented)
    watched.close()


@pytest.fixture
def member(browser: Browser, lived_in: RunningServer) -> Iterator[Watched]:
    lived_in.create_user("otto", PASSWORD)
    watched = signed_in(browser, lived_in, "otto")
    yield watched
    watched.close()


def test_a_page_of_admins_is_none_for_a_member(member: Watched) -> None:
    member.open("/#/people", "h1 >> text=There is no such page")
    member.check()


def test_a_person_has_one_colour_wherever_they_are_shown(at_desk: Watched) -> None:
    page = at_desk.open("/#/people", ".rows .avatar")
    ground = "(one) => getComputedStyle(one).backgroundColor"
    own = page.locator(".rows tr, .rows li", has_text="maja").locator(".avatar").first.evaluate(ground)
    assert page.locator(".topbar .avatar").evaluate(ground) == own
