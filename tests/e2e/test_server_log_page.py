"""Activity, Server log: finding an error, reading its traceback, following what is written, and who may not look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, Route, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
TRACE = "Traceback (most recent call last):\n  File \"/cave/plugin.py\", line 31, in on_start\nKeyError: 'honey'\n"


def line(minutes: float, level: str, text: str, request: str = "-") -> str:
    """A line as the server wrote it so many minutes ago."""
    moment = datetime.now() - timedelta(minutes=minutes)
    return f"{moment:%Y-%m-%d %H:%M:%S},000 {level} server.bear [{request}] {text}\n"


def written(server: RunningServer, text: str) -> None:
    with (server.data_dir / "logs" / "server.log").open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with a log of its last half hour, and an admin and a member."""
    with RunningServer(tmp_path / "data", {"GRIDBEAR_LOG_FILE": "server.log"}) as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        written(server, "".join(line(30 - n / 10, "INFO", f"quiet {n}") for n in range(150)))
        written(server, line(12, "ERROR", f"the cave fell in\n{TRACE}") + line(11, "WARNING", "the cave is dark"))
        yield server


@pytest.mark.parametrize(("theme", "width"), LOOKS, ids=[f"{theme}-{width}" for theme, width in LOOKS])
def test_the_log_in_every_look(browser: Browser, busy: RunningServer, theme: str, width: int) -> None:
    documented = documented_by(busy)
    watched = signed_in(browser, busy, "maja", theme, width)
    page = watched.open("/#/activity/log", ".log-line")
    page.locator(".histogram").wait_for()
    watched.settle()
    assert watched.axe() == []
    page.click(".log-line:has-text('the cave fell in')")
    page.locator(".drawer pre").wait_for()
    watched.settle()
    assert watched.axe() == []
    watched.check(documented)
    watched.close()


def test_an_error_is_found_by_keyboard_and_its_traceback_copied(browser: Browser, busy: RunningServer) -> None:
    watched = signed_in(browser, busy, "maja")
    page = watched.open("/#/activity/log", ".log-line")
    page.locator("[aria-label=Level] >> text='Errors'").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".log-line")).to_have_count(1)
    assert "level=ERROR" in page.url
    expect(page.locator(".log-line")).to_contain_text("+3 lines")
    page.locator(".log-line").focus()
    page.keyboard.press("Enter")
    drawer = page.locator(".drawer")
    expect(drawer.locator("h2")).to_be_focused()
    expect(drawer.locator("pre")).to_have_text(f"the cave fell in\n{TRACE}".rstrip())
    drawer.get_by_label("Copy the text").click()
    expect(drawer.get_by_label("Copied")).to_be_visible()
    # The address is the whole state: whoever gets it sees the same.
    page.reload()
    expect(drawer.locator("pre")).to_contain_text("KeyError")
    expect(page.locator("[aria-label=Level] button", has_text="Errors").last).to_have_attribute("aria-pressed", "true")
    page.locator(".drawer h2").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".log-line")).to_be_focused()
    watched.check()
    watched.close()


def test_words_a_stretch_of_time_and_older_pages_lead_through_it(browser: Browser, busy: RunningServer) -> None:
    watched = signed_in(browser, busy, "maja")
    page = watched.open("/#/activity/log", ".log-line")
    expect(page.locator(".log-line")).to_have_count(100)
    page.click("text=Show more lines")
    expect(page.locator(".log-line", has_text="quiet 0")).to_have_count(1)
    page.fill("input[type=search]", "cave")
    page.keyboard.press("Enter")
    expect(page.locator(".log-line")).to_have_count(2)
    expect(page.locator(".histogram [role=status]")).to_contain_text("2 lines; warnings: 1, errors: 1")
    page.fill("input[type=search]", "nobody wrote this")
    page.keyboard.press("Enter")
    page.click("text=Clear the filter")
    page.locator(".log-line").first.wait_for()
    chart = page.locator(".histogram .chart").bounding_box()
    assert chart is not None
    page.mouse.move(chart["x"] + chart["width"] * 0.1, chart["y"] + 40)
    page.mouse.down()
    page.mouse.move(chart["x"] + chart["width"] * 0.3, chart["y"] + 40, steps=4)
    page.mouse.up()
    page.locator("text=No line fits").wait_for()
    assert "from=" in page.url and "to=" in page.url
    expect(page.locator("text=Follow live")).to_be_disabled()
    page.click("[aria-label='Back to the last hour']")
    page.locator(".log-line").first.wait_for()
    watched.check()
    watched.close()


def test_a_line_leads_to_its_request_and_the_request_to_its_lines(browser: Browser, busy: RunningServer) -> None:
    with sign_in(busy.url, "maja", PASSWORD) as client:
        asked = client.get("/api/v1/notes", params={"limit": 1}).headers["x-request-id"]
    written(busy, line(0, "WARNING", "these notes took long", asked))
    watched = signed_in(browser, busy, "maja")
    page = watched.open("/#/activity/log?level=WARNING", ".log-line")
    page.click(".log-line:has-text('these notes took long')")
    page.click(".drawer a:has-text('GET /api/v1/notes')")
    expect(page.locator(".drawer h2")).to_have_text("GET /api/v1/notes")
    page.click(".drawer >> text=Lines of the server’s log")
    expect(page.locator(".log-line")).to_have_count(1)
    expect(page.locator(".log-line")).to_contain_text("these notes took long")
    watched.check()
    watched.close()


def test_what_is_written_is_seen_while_one_follows(browser: Browser, busy: RunningServer) -> None:
    watched = signed_in(browser, busy, "maja")
    page = watched.open("/#/activity/log", ".log-line")
    page.click("text=Follow live")
    assert "live=yes" in page.url
    written(busy, line(0, "WARNING", "somebody ate the honey"))
    page.locator(".log-line", has_text="somebody ate the honey").wait_for()
    watched.check()
    watched.close()


def test_a_slow_answer_is_waited_for_before_the_next_look(browser: Browser, busy: RunningServer) -> None:
    watched = signed_in(browser, busy, "maja")
    watched.page.clock.install()
    page = watched.open("/#/activity/log?live=yes", ".log-line")
    held: list[Route] = []
    page.route("**/api/v1/server/log/histogram*", lambda route: held.append(route))
    with page.expect_request("**/api/v1/server/log/histogram*"):
        page.clock.run_for(2_500)
    page.clock.run_for(30_000)
    assert len(held) == 1
    written(busy, line(0, "WARNING", "it came in the end"))
    with page.expect_response("**/api/v1/server/log/histogram*"):
        held[0].continue_()
    page.unroute("**/api/v1/server/log/histogram*")
    watched.settle()
    page.clock.run_for(2_500)
    page.locator(".log-line", has_text="it came in the end").wait_for()
    watched.check()
    watched.close()


def test_a_log_of_stderr_alone_says_how_to_keep_one(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        watched = signed_in(browser, server, "maja")
        page = watched.open("/#/activity/log", ".empty")
        expect(page.locator(".empty")).to_contain_text("GRIDBEAR_LOG_FILE=server.log")
        assert watched.axe() == []
        watched.check()
        watched.close()


def test_a_member_finds_neither_the_tab_nor_a_line(browser: Browser, busy: RunningServer) -> None:
    watched = signed_in(browser, busy, "otto")
    page = watched.open("/#/activity/log", "[role=tabpanel]")
    page.locator("[role=tab] >> text=Requests").wait_for()
    watched.settle()
    assert "Server log" not in page.content() and "cave" not in page.content()
    assert not any(path.startswith("/api/v1/server/log") for _method, path in watched.requests)
    watched.check()
    watched.close()
