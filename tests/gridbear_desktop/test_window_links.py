"""What leads out of GridBear: it opens in the browser, and the window stays where it is."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from gridbear_process import Gridbear, wait_for
from screens import MISSING, TITLE, click_at, found
from window_site import Site, opened_pages, serving, window_on

from gridbear_desktop.window_links import MOST_OPENED, SECONDS, Links

PAGE = """<!doctype html><title>GridBear Desktop</title><style>body {{ margin: 0 }}
a, button {{ display: block; width: 300px; height: 40px; margin: 0; padding: 0; border: 0; background: #ddd }}
form {{ margin: 0 }}</style>
<a href="{away}plain">plain</a>
<button onclick="location.href = '{away}script'">script</button>
<button onclick="const a = document.createElement('a'); a.href = '{away}unseen'; a.click()">unseen</button>
<button onclick="window.open('{away}new')">new</button>
<a href="{away}blank" target="_blank" rel="noopener">blank</a>
<a href="/leave">redirect</a>
<form action="{away}form" method="post"><button name="secret" value="honey">form</button></form>
<button onclick="location.href = 'file:///etc/hostname'">file</button>
<button onclick="location.href = 'data:text/html,gone'">data</button>
<button onclick="window.open('strange:program')">strange</button>
<a href="mailto:bear@example.org">letter</a>
<a href="#here">here</a>
<button onclick="fetch('/still' + location.hash.slice(1))">still</button>
"""
LINES = ["plain", "script", "unseen", "new", "blank", "redirect", "form", "file", "data", "strange", "letter", "here",
         "still"]  # fmt: skip
LEAD_AWAY = ["plain", "script", "unseen", "new", "blank", "redirect"]


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"window tests need {', '.join(MISSING)}")
@pytest.mark.parametrize("engine", ["gtk", "qt"])
def test_what_leads_away_opens_in_the_browser_and_the_window_stays(
    screen: Gridbear, site: Site, tmp_path: Path, engine: str
) -> None:
    with serving() as other:
        site.page, site.leads_to = PAGE.format(away=other.url), f"{other.url}redirect"
        window = window_on(site, engine, screen, tmp_path)

        def click(line: str) -> None:
            click_at(screen, window, 50, 40 * LINES.index(line) + 20)

        wanted = []
        for line in LEAD_AWAY:
            click(line)
            wanted.append(other.url + line)
            wait_for(lambda: len(opened_pages(tmp_path)) >= len(wanted), f"{line} in the browser", 20)
        # These lead nowhere: the browser would get no more than the address, or something that is none.
        for line in ("form", "file", "data", "strange"):
            click(line)
        click("letter")
        wanted.append("mailto:bear@example.org")
        wait_for(lambda: len(opened_pages(tmp_path)) >= len(wanted), "the letter", 20)
        click("here")
        click("still")
        wait_for(lambda: "/stillhere" in site.asked, "the page that is still there", 20)
        assert opened_pages(tmp_path) == wanted
        assert [path for path in other.asked if path != "/favicon.ico"] == [] and other.uploads == []
        assert site.asked.count("/") == 1 and found(screen, "--name", TITLE) == [window]


class Browser:
    def __init__(self) -> None:
        self.opened: list[str] = []
        self.time = 100.0
        self.links = Links(self._open, lambda: self.time)

    def _open(self, url: str) -> None:
        self.opened.append(url)

    def has(self) -> list[str]:
        """What has been opened so far."""
        for thread in threading.enumerate():
            if thread.name == "browser":
                thread.join()
        return self.opened


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8088/", "https://127.0.0.1:8088/#/settings/sharing", "HTTP://127.0.0.1:8088", "about:blank",
     "blob:http://127.0.0.1:8088/4711"],
)  # fmt: skip
def test_the_window_stays_with_its_server_encrypted_or_not(url: str) -> None:
    browser = Browser()
    browser.links.belongs("http://127.0.0.1:8088/_desktop/login?t=ticket")
    assert browser.links.stays(url) and browser.has() == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8089/", "http://localhost:8088/", "http://127.0.0.1/", "http://127.0.0.1:8088@bear.example/",
     "https://bear.example/127.0.0.1:8088", "mailto:bear@example.org", "tel:+4912"],
)  # fmt: skip
def test_what_is_of_others_is_opened_elsewhere(url: str) -> None:
    browser = Browser()
    browser.links.belongs("http://127.0.0.1:8088/")
    assert not browser.links.stays(url) and browser.has() == [url]


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "ftp://bear.example/", "http://", "http://[",
     "http://a:99999999/", "", "smb://bear.example/share", "-flag", "ms-settings:"],
)  # fmt: skip
def test_what_is_no_page_and_no_letter_leads_nowhere(url: str) -> None:
    browser = Browser()
    browser.links.belongs("")
    browser.links.open_elsewhere(url)
    assert not browser.links.stays(url) and browser.has() == []


def test_a_form_is_not_sent_elsewhere() -> None:
    browser = Browser()
    browser.links.belongs("http://127.0.0.1:8088/")
    assert browser.links.stays("http://127.0.0.1:8088/save", is_form=True)
    assert not browser.links.stays("http://bear.example/", is_form=True) and browser.has() == []


def test_a_script_in_a_loop_does_not_fill_the_screen() -> None:
    browser = Browser()
    for _ in range(100):
        browser.links.open_elsewhere("http://bear.example/")
    assert len(browser.has()) == MOST_OPENED
    browser.time += SECONDS
    browser.links.open_elsewhere("http://bear.example/later")
    assert browser.has()[MOST_OPENED:] == ["http://bear.example/later"]
