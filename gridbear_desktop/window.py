"""`gridbear window`: the UI in a window of its own. Closing it frees the web engine's memory."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gridbear_desktop import activation, window_downloads, window_keys, window_links, window_place
from gridbear_desktop.waiting_page import page
from gridbear_desktop.window_closing import Closing
from server.data_folder import DataFolder
from server.data_place import chosen
from server.this_computer import is_loopback_host, resource_dir

TITLE = "GridBear Desktop"
EXIT_NO_ENGINE = 3
PAINTED = "painted"
"""What the window says on stdout once something of its first page of GridBear can be seen."""
HAS_PAINTED = "performance.getEntriesByType('paint').some((one) => one.name === 'first-contentful-paint')"
LOOK_SECONDS = 0.05

links = window_links.Links()


def open_window(data_dir: Path | None) -> int:
    """The tray's child: its orders are lines of stdin, because a command line is public. See `show`."""
    engine = load_engine()
    if engine is None:
        return EXIT_NO_ENGINE
    order = _order(sys.stdin.readline())
    if order:
        show(engine, order, DataFolder(chosen(data_dir)).run, follow_stdin=True)
    # A web engine's helper threads must not keep a closed window's process alive.
    sys.stdout.flush()
    os._exit(0)


def has_engine() -> bool:
    """Whether windows can be shown. Ask in a process of its own: where a library is missing, Qt ends the process."""
    engine = load_engine()
    return engine is not None and bool(engine.screens)


def load_engine() -> Any:
    """The `webview` module with its platform's engine loaded, or None where there is none that works."""
    if sys.platform == "linux" and hasattr(os, "geteuid") and os.geteuid() == 0:
        # Both engines refuse to start their sandbox as root, and with it the whole window.
        os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
        os.environ.setdefault("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
    try:
        import webview  # absent in a headless installation
        from webview.errors import WebViewException
        from webview.guilib import initialize
    except ImportError:
        return None
    # It logs each engine that is absent with a traceback.
    logging.getLogger("pywebview").setLevel(logging.CRITICAL)
    try:
        gui = initialize()
    except (WebViewException, ImportError, ValueError):
        return None
    window_downloads.mend(gui)
    window_links.mend(gui, links)
    # Without WebView2, Windows would show Internet Explorer's engine, which draws a blank page.
    return None if getattr(gui, "renderer", "") == "mshtml" else webview


def show(webview: Any, order: Mapping[str, Any], run: Path, follow_stdin: bool) -> None:
    """Carry out `order` in a window until that is closed. With `follow_stdin` more orders come, and its end closes it.

    Orders are objects in JSON: `open` an address, `wait` with title, stage and lines of a page that says so, `show`
    with the `page` to go to or none.
    """
    # Backups are downloads; nothing of ours is a file: address.
    webview.settings["ALLOW_DOWNLOADS"] = True
    webview.settings["ALLOW_FILE_URLS"] = False
    url = order.get("open")
    links.belongs(url or "")
    parts = urlsplit(url or "")
    # No engine can be told to trust one certificate alone. To this computer nobody stands in between, and the window
    # goes nowhere else. One that waits opens addresses of this computer alone.
    webview.settings["IGNORE_SSL_ERRORS"] = not url or (
        parts.scheme == "https" and is_loopback_host(parts.hostname or "")
    )
    place = window_place.on_a_screen(window_place.read(run), webview.screens)
    window = webview.create_window(
        TITLE,
        url,
        html=None if url else page(**order["wait"]),
        width=place.width,
        height=place.height,
        x=place.x,
        y=place.y,
        min_size=window_place.SMALLEST,
        # As in a browser: what is shown can be marked and copied, and made larger.
        text_select=True,
        zoomable=True,
    )
    closing = Closing(window)
    opened = threading.Event()
    if url:
        opened.set()

    def resized(width: int, height: int) -> None:
        nonlocal place
        place = replace(place, width=int(width), height=int(height))

    def moved(x: int, y: int) -> None:
        nonlocal place
        place = replace(place, x=int(x), y=int(y))

    def loaded() -> None:
        if str(window.get_current_url()).startswith("http"):
            window.run_js(window_keys.SCRIPT)
            window.run_js(window_links.SCRIPT)
        if follow_stdin and opened.is_set() and str(window.get_current_url()).startswith("http"):
            threading.Thread(target=await_paint, daemon=True, name="first-paint").start()

    def await_paint() -> None:
        # Loaded is not yet seen: the page's own code draws it. An engine that tells nothing is believed.
        while window.run_js(HAS_PAINTED) in (False, "false"):
            time.sleep(LOOK_SECONDS)
        print(PAINTED, flush=True)

    window.events.resized += resized
    window.events.moved += moved
    window.events.loaded += loaded

    def obey() -> None:
        for line in sys.stdin:
            more = _order(line)
            if "open" in more:
                opened.set()
                links.belongs(more["open"])
                window.load_url(more["open"])
            elif "wait" in more:
                window.load_html(page(**more["wait"]))
            elif "show" in more:
                activation.hand_over(window, str(more.get("token", "")), os.environ)
                window.restore()
                window.show()
                here = str(window.get_current_url())
                if more.get("page") and here.startswith("http"):
                    # Within the loaded page: nothing that somebody is typing is lost.
                    window.load_url(f"{here.partition('#')[0]}#{more['page']}")
        closing.now()

    def begin() -> None:
        if follow_stdin:
            threading.Thread(target=obey, daemon=True, name="window-commands").start()

    icon = resource_dir("assets") / "icons" / "window.png"
    webview.start(begin, private_mode=True, icon=str(icon) if icon.exists() else None)
    window_place.write(run, place)


def _order(line: str) -> dict[str, Any]:
    order = json.loads(line) if line.strip() else {}
    return order if isinstance(order, dict) else {}
