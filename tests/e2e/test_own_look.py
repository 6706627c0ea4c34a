"""The look as a person's choice: accent and spacing, readable with every colour, there before the first paint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
LOOK = "/#/account?part=look"
COLOURS = [
    *("#ff0000", "#ff8800", "#ffff00", "#88ff00", "#00ff00", "#00ff88", "#00ffff", "#0088ff"),
    *("#0000ff", "#8800ff", "#ff00ff", "#ff0088", "#000000", "#ffffff", "#10243a", "#777777"),
]
# Pairs of tokens, and the contrast that they need: WCAG 1.4.3 for text, 1.4.11 for the ring.
NEEDED = [
    *(("on-accent", ground, 4.5) for ground in ("accent", "accent-hover", "accent-press")),
    *(("selected-ink", ground, 4.5) for ground in ("selected", "selected-strong")),
    *(("ink", ground, 4.5) for ground in ("selected", "selected-strong")),
    *(("ring", ground, 3.0) for ground in ("surface", "raised")),
]
# The colours as the screen gets them, whatever the browser does with those that it can't show.
MEASURE = """(tokens) => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(tokens.map((name) => {
    context.fillStyle = style.getPropertyValue(`--${name}`);
    context.fillRect(0, 0, 1, 1);
    return [name, [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)];
  }));
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("look") / "data") as server:
        for name in ("maja", "otto", "ines"):
            server.create_user(name, PASSWORD, admin=name == "maja")
        yield server


def _luminance(colour: list[int]) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def too_weak(page: Page) -> list[str]:
    colours = page.evaluate(MEASURE, sorted({name for one in NEEDED for name in one[:2]}))
    found = []
    for ink, ground, least in NEEDED:
        high, low = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
        contrast = (high + 0.05) / (low + 0.05)
        if contrast < least:
            found.append(f"{ink} on {ground}: {contrast:.2f}")
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stays_readable_with_every_accent(browser: Browser, house: RunningServer, theme: str) -> None:
    watched = signed_in(browser, house, "otto", theme)
    page = watched.open(LOOK, ".swatch")
    swatches = page.locator(".swatch")
    weak = {}
    for at in range(swatches.count()):
        swatches.nth(at).click()
        expect(swatches.nth(at)).to_have_attribute("aria-pressed", "true")
        weak[str(swatches.nth(at).get_attribute("aria-label"))] = too_weak(page)
    for colour in COLOURS:
        page.fill("#look-own", colour)
        weak[colour] = too_weak(page)
    assert {name: found for name, found in weak.items() if found} == {}
    page.fill("#look-own", "#0000ff")
    watched.settle()
    assert watched.axe() == []
    watched.check()
    watched.close()


def test_accent_and_spacing_follow_the_person_and_stand_before_the_scripts_run(
    browser: Browser, house: RunningServer
) -> None:
    watched = signed_in(browser, house, "maja")
    page = watched.open(LOOK, ".swatch")
    height = "getComputedStyle(document.querySelector('.segmented button')).blockSize"
    roomy = page.evaluate(height)
    with page.expect_response(lambda answer: "/api/v1/preferences?upsert" in answer.url):
        page.click("[aria-label=Sky]")
    page.keyboard.press("Control+k")
    page.fill("[role=combobox]", "compact spac")
    with page.expect_response(lambda answer: "/api/v1/preferences?upsert" in answer.url):
        page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    assert page.evaluate(height) < roomy
    hue = "getComputedStyle(document.documentElement).getPropertyValue('--accent-hue')"
    chosen = page.evaluate(hue)
    assert chosen != "78"
    watched.check()

    # With the page's own scripts held back, the look is there already.
    page.route("**/ui/main.js", lambda route: route.abort())
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    assert page.evaluate(hue) == chosen
    watched.close()

    elsewhere = signed_in(browser, house, "maja", width=390)
    page = elsewhere.open(LOOK, ".swatch")
    expect(page.locator("[aria-label=Sky]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    # Fingers keep their room.
    assert page.evaluate("document.querySelector('.swatch').getBoundingClientRect().height") >= 44
    elsewhere.check()
    elsewhere.close()

    other = signed_in(browser, house, "ines")
    page = other.open(LOOK, ".swatch")
    expect(page.locator("[aria-label=Honey]")).to_have_attribute("aria-pressed", "true")
    other.close()


def test_what_is_no_accent_changes_nothing(browser: Browser, house: RunningServer) -> None:
    with sign_in(house.url, "ines", PASSWORD) as client:
        for key, value in (("ui.accent", "red; } body { display: none"), ("ui.density", "huge")):
            assert client.post("/api/v1/preferences?upsert=key", json={"key": key, "value": value}).is_success
    watched = signed_in(browser, house, "ines")
    page = watched.open(LOOK, ".swatch")
    expect(page.locator("[aria-label=Honey]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).not_to_have_attribute("data-density", "compact")
    page.reload()
    page.locator(".swatch").first.wait_for()
    watched.check()
    watched.close()


@pytest.mark.parametrize(
    ("place", "ready", "steps", "title"),
    [
        ("/#/settings/storage", ".settings-column h1", ["Settings", "Storage"], "Storage · Settings · GridBear"),
        ("/#/people/invites", "[role=tabpanel]", ["People", "Links"], "Links · People · GridBear"),
        ("/#/activity", "[role=tabpanel]", ["Activity", "Requests"], "Requests · Activity · GridBear"),
        ("/#/tools/add", "[role=tabpanel]", ["Tools", "Add a server"], "Add a server · Tools · GridBear"),
        ("/#/data/notes", "h1", ["Data", "Notes"], "Notes · GridBear"),
        ("/#/plugins", ".plugin", ["Plugins"], "Plugins · GridBear"),
    ],
)
def test_the_breadcrumb_and_the_title_say_where_one_is(
    browser: Browser, house: RunningServer, place: str, ready: str, steps: list[str], title: str
) -> None:
    watched = signed_in(browser, house, "maja")
    page = watched.open(place, ready)
    expect(page.locator(".crumbs li")).to_have_text(steps)
    expect(page).to_have_title(title)
    page.click(".rail [title=Home]")
    expect(page.locator(".crumbs li")).to_have_text(["Home"])
    watched.check()
    watched.close()


def test_a_page_whose_server_is_busy_says_so_and_asks_again_by_itself(browser: Browser, house: RunningServer) -> None:
    watched = signed_in(browser, house, "maja")
    busy = {"ok": False, "error": "The server is starting.", "code": "starting", "request_id": "abc123"}
    watched.page.route("**/api/v1/plugins?**", lambda route: route.fulfill(status=503, json=busy), times=1)
    page = watched.open("/#/plugins", ".trouble")
    expect(page.locator(".trouble")).to_contain_text("abc123")
    page.locator(".plugin").first.wait_for()
    expect(page.locator(".trouble")).to_have_count(0)
    watched.check(allowed=("503",))
    watched.close()
