"""What people do in any browser works in the window: downloads, uploads, links to elsewhere, zoom, reload."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from gridbear_process import Gridbear, wait_for
from screens import MISSING, TITLE, ask_to_close, click_at, found
from window_site import SAVED, Site, opened_pages, window_on

PAGE = """<!doctype html><title>GridBear Desktop</title><style>body { margin: 0 } a, input { position: absolute }
a, input { left: 0; width: 300px; height: 100px; background: #ddd; display: block }</style>
<a style="top: 0" href="/backup" download>save</a>
<a style="top: 100px" href="http://elsewhere.invalid/help" target="_blank" rel="noopener">help</a>
<textarea style="position: absolute; top: 300px; left: 0; width: 300px; height: 100px"></textarea>
<input style="top: 200px" type="file" onchange="fetch('/upload', {method: 'POST', body: this.files[0]})">
<script>
const text = document.querySelector("textarea");
text.addEventListener("input", () => fetch("/typed/" + text.value));
addEventListener("beforeunload", (event) => text.value && event.preventDefault());
new MutationObserver(() => fetch("/zoom/" + (document.documentElement.style.zoom || "1")))
  .observe(document.documentElement, {attributes: true});
</script>"""
DIALOG = "Save|Open|File"


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"window tests need {', '.join(MISSING)}"),
]


@pytest.fixture(params=["gtk", "qt"])
def window(request: pytest.FixtureRequest, screen: Gridbear, site: Site, tmp_path: Path) -> str:
    """The id of a real window on the site, once that is painted."""
    site.page = PAGE
    return window_on(site, request.param, screen, tmp_path)


def keys(screen: Gridbear, *names: str) -> None:
    subprocess.run(["xdotool", "key", "--clearmodifiers", *names], env=screen.env, check=True)


def focused(screen: Gridbear, window: str) -> None:
    """No window manager is there to do it."""
    subprocess.run(["xdotool", "windowfocus", "--sync", window], env=screen.env, check=True)


def dialog(screen: Gridbear, window: str) -> str:
    """The id of the dialog that is open beside the window, once it is there."""

    def another() -> list[str]:
        names = found(screen, "--name", DIALOG)
        return [one for one in names if one != window]

    ids: list[str] = wait_for(another, "a dialog", 30)
    return ids[-1]


def test_a_download_is_saved_where_the_person_says(screen: Gridbear, window: str, tmp_path: Path) -> None:
    click_at(screen, window, 50, 50)
    focused(screen, dialog(screen, window))
    keys(screen, "Return")
    target = tmp_path / "home" / "Downloads" / "bears.zip"
    wait_for(lambda: target.exists() and target.read_bytes() == SAVED, "the saved file", 30)


def test_a_link_to_elsewhere_opens_in_the_browser(screen: Gridbear, window: str, site: Site, tmp_path: Path) -> None:
    click_at(screen, window, 50, 150)
    wait_for(lambda: opened_pages(tmp_path), "a page in the browser", 30)
    assert opened_pages(tmp_path) == ["http://elsewhere.invalid/help"]
    assert found(screen, "--name", TITLE) == [window]


def test_a_file_is_chosen_and_sent(screen: Gridbear, window: str, site: Site, tmp_path: Path) -> None:
    (tmp_path / "honey.txt").write_bytes(b"golden")
    opened, asked, gone_since = "", count(), 0.0

    def sent() -> bool:
        nonlocal opened, asked, gone_since
        if opened and opened in found(screen, "--name", DIALOG):
            gone_since = time.monotonic()
            # GTK looks the path up beside, and takes no answer until it has. Keys that come too early are lost.
            if next(asked) % 20 == 0:
                # What came too late before is replaced. GTK's dialog has no field for a path until a slash is typed;
                # Ctrl+L would open one as well, and close it when it is open.
                keys(screen, "ctrl+a")
                subprocess.run(["xdotool", "type", str(tmp_path / "honey.txt")], env=screen.env, check=True)
            keys(screen, "Return")
        elif time.monotonic() - gone_since > 3:
            # A Return between two of GTK's looks closes the dialog with nothing chosen: so do people, who try again.
            click_at(screen, window, 50, 250)
            opened, asked = dialog(screen, window), count()
            focused(screen, opened)
        return site.uploads[:1] == [b"golden"]

    wait_for(sent, "the upload")


def test_keys_reload_and_zoom(screen: Gridbear, window: str, site: Site) -> None:
    def after(key: str, wanted: Callable[[], bool]) -> None:
        keys(screen, key)
        wait_for(wanted, f"what {key} does", 30)

    focused(screen, window)
    after("ctrl+plus", lambda: "/zoom/1.1" in site.asked)
    after("ctrl+minus", lambda: "/zoom/1" in site.asked)
    after("ctrl+minus", lambda: "/zoom/0.9" in site.asked)
    after("F5", lambda: site.asked.count("/") == 2)


def question(screen: Gridbear, window: str) -> str:
    """The id of the question that the program asks beside the window: it has no name that all engines agree upon."""

    def another() -> list[str]:
        return [one for one in found(screen, "--class", ".") if one != window]

    return str(wait_for(another, "a question", 30)[-1])


def test_a_window_with_nothing_typed_closes_at_once(screen: Gridbear, window: str) -> None:
    ask_to_close(screen, window)
    wait_for(lambda: not found(screen, "--name", TITLE), "the end of the window", 30)


def test_closing_asks_about_what_is_typed(
    request: pytest.FixtureRequest, screen: Gridbear, window: str, site: Site
) -> None:
    click_at(screen, window, 50, 350)
    focused(screen, window)
    keys(screen, "h")
    wait_for(lambda: "/typed/h" in site.asked, "a letter", 30)
    ask_to_close(screen, window)
    focused(screen, question(screen, window))
    keys(screen, "Escape")
    wait_for(lambda: found(screen, "--class", ".") == [window], "the end of the question", 30)
    assert found(screen, "--name", TITLE) == [window]
    ask_to_close(screen, window)
    focused(screen, question(screen, window))
    # Qt gives the letter of its button no meaning, and GTK no button to Return.
    keys(screen, "alt+o" if request.node.callspec.params["window"] == "gtk" else "Return")
    wait_for(lambda: not found(screen, "--name", TITLE), "the end of the window", 30)
