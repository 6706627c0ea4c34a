"""`gridbear window`: the UI in a window of its own. Closing it frees the web engine's memory."""

from __future__ import annotations

import logging
import os
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gridbear_desktop import control, runfile
from gridbear_desktop.streams import tell
from server.config import Settings, is_loopback_host, resource_dir
from server.data_folder import DataFolder
from server.errors import StartupError

TITLE = "GridBear Desktop"
SIZE = (1280, 860)
SMALLEST = (390, 500)
EXIT_NO_SERVER = 1
EXIT_NO_ENGINE = 3
SHOW = "show"


def open_running(data_dir: Path | None) -> int:
    """Open a window, or a browser page where there is no web engine, on the server that runs now."""
    try:
        folder = DataFolder(Settings.load({"data_dir": data_dir}).data_dir)
        info = runfile.read(folder.run)
        if info is None:
            raise StartupError(f"No server runs on the data folder {folder.path}: start one with `gridbear`.")
        url = control.login_url(info)
    except StartupError as error:
        print(f"gridbear: {error.message}", file=sys.stderr)
        return EXIT_NO_SERVER
    except (OSError, ValueError) as error:
        print(f"gridbear: the server does not answer ({error})", file=sys.stderr)
        return EXIT_NO_SERVER
    engine = load_engine()
    if engine is None:
        tell("There is no web engine for a window of our own here: opening the system's browser.")
        return 0 if webbrowser.open(url) else EXIT_NO_ENGINE
    show(engine, url, follow_stdin=False)
    return 0


def open_window() -> int:
    """The tray's child: the address comes as the first line of stdin, because a command line is public."""
    engine = load_engine()
    if engine is None:
        return EXIT_NO_ENGINE
    url = sys.stdin.readline().strip()
    if url:
        show(engine, url, follow_stdin=True)
    # A web engine's helper threads must not keep a closed window's process alive.
    sys.stdout.flush()
    os._exit(0)


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
    # Without WebView2, Windows would show Internet Explorer's engine, which draws a blank page.
    return None if getattr(gui, "renderer", "") == "mshtml" else webview


def show(webview: Any, url: str, follow_stdin: bool) -> None:
    """Show `url` until the window is closed. With `follow_stdin`, "show" raises it and the end of stdin closes it."""
    # Backups are downloads; nothing of ours is a file: address.
    webview.settings["ALLOW_DOWNLOADS"] = True
    webview.settings["ALLOW_FILE_URLS"] = False
    parts = urlsplit(url)
    # No engine can be told to trust one certificate alone. To this computer nobody stands in between, and the window
    # goes nowhere else.
    webview.settings["IGNORE_SSL_ERRORS"] = parts.scheme == "https" and is_loopback_host(parts.hostname or "")
    window = webview.create_window(TITLE, url, width=SIZE[0], height=SIZE[1], min_size=SMALLEST)

    def obey() -> None:
        for line in sys.stdin:
            if line.strip() == SHOW:
                window.restore()
                window.show()
        window.destroy()

    def begin() -> None:
        if follow_stdin:
            threading.Thread(target=obey, daemon=True, name="window-commands").start()

    icon = resource_dir("assets") / "icons" / "window.png"
    webview.start(begin, private_mode=True, icon=str(icon) if icon.exists() else None)
