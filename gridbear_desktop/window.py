"""`gridbear window`: the UI in a window of its own. Closing it frees the web engine's memory."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gridbear_desktop import window_downloads, window_links, window_place
from gridbear_desktop.open_window import OpenWindow, order_in
from gridbear_desktop.waiting_page import page
from server.data_folder import DataFolder
from server.data_place import chosen
from server.this_computer import is_loopback_host, resource_dir

TITLE = "GridBear Desktop"
EXIT_NO_ENGINE = 3

links = window_links.Links()


def open_window(data_dir: Path | None) -> int:
    """The tray's child: its orders are lines of stdin, because a command line is public. See `show`."""
    engine = load_engine()
    if engine is None:
        return EXIT_NO_ENGINE
    order = order_in(sys.stdin.readline())
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
    shown = OpenWindow(window, links, place, opened=bool(url), ordered=follow_stdin)
    icon = resource_dir("assets") / "icons" / "window.png"
    webview.start(shown.begin, private_mode=True, icon=str(icon) if icon.exists() else None)
    window_place.write(run, shown.place)
