"""A hundred thousand rows in the grid: as few in the page as in any other, and nothing that holds the browser up."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
ROWS = 100_000
LONGEST_MS = 1_000
"""No piece of work in the page takes longer. A quiet computer stays far below; a busy one gets its time."""
WATCH_WORK = """
window.__work = [];
new PerformanceObserver((list) => window.__work.push(...list.getEntries().map((one) => one.duration)))
  .observe({type: "longtask", buffered: true});
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("large")
    rows = folder / "rows.jsonl"
    lines = ({"title": f"Note {number:06}", "priority": number % 7, "done": number % 2 == 0} for number in range(ROWS))
    rows.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    with RunningServer(folder / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        done = server.cli(["import", "notes", str(rows)])
        assert done.returncode == 0, done.stderr
        yield server


@pytest.mark.parametrize("width", [1280, 390])
def test_a_hundred_thousand_rows_are_paged_sorted_filtered_and_scrolled(
    browser: Browser, library: RunningServer, width: int
) -> None:
    watched = signed_in(browser, library, "maja", "light", width)
    watched.page.add_init_script(WATCH_WORK)
    row = ".grid tbody tr" if width > 720 else ".card-rows li"
    page = watched.open("/#/data/notes", row)
    expect(page.locator(".grid-foot")).to_contain_text("of 100,000")
    few_and_light(page, row)
    scroll(page)
    page.goto(f"{library.url}/#/data/notes?sort=id&offset=99950")
    expect(page.locator(row).last).to_contain_text("Note 099999")
    few_and_light(page, row)
    page.goto(f"{library.url}/#/data/notes?sort=-title")
    expect(page.locator(row).first).to_contain_text("Note 099999")
    page.locator(".filter input").fill("priority=6")
    page.keyboard.press("Enter")
    expect(page.locator(".grid-foot")).to_contain_text("of 14,285")
    scroll(page)
    few_and_light(page, row)
    watched.check()
    watched.close()


def scroll(page: Page) -> None:
    """Through the page and back, as fast as a wheel turns."""
    page.locator(".grid, .card-rows").locator("visible=true").first.hover()
    for distance in (400, 400, 400, -1200):
        page.mouse.wheel(0, distance)


def few_and_light(page: Page, row: str) -> None:
    assert 0 < page.locator(row).count() <= 100
    assert page.evaluate("document.querySelectorAll('*').length") < 5_000
    assert max(page.evaluate("window.__work"), default=0) < LONGEST_MS
