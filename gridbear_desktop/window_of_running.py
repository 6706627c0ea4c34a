"""`gridbear window`, as a person starts it: a window, or a browser page, on the server that runs now."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

from gridbear_desktop import control, runfile, window
from gridbear_desktop.streams import tell
from gridbear_desktop.window_child import WindowChild
from server.data_folder import DataFolder
from server.data_place import chosen
from server.errors import StartupError

EXIT_NO_SERVER = 1


def open_running(data_dir: Path | None) -> int:
    """Return an exit code once the window is closed, or the browser is opened because there can be no window.

    The web engine is in a process of its own: one that crashes must not take with it who could still help.
    """
    try:
        folder = DataFolder(chosen(data_dir))
        info = runfile.read(folder.run)
        if info is None:
            raise StartupError(f"No server runs on the data folder {folder.path}: start one with `gridbear`.")
        url = control.login_url(info)
        child = WindowChild(folder.path, lambda: tell("The window shows nothing yet."))
        try:
            child.open(url)
            child.wait_for_end()
        finally:
            child.end()
        trouble = child.trouble()
        if not trouble:
            return 0
        tell(f"{trouble} Opening the system's browser.")
        return 0 if webbrowser.open(control.login_url(info)) else window.EXIT_NO_ENGINE
    except StartupError as error:
        print(f"gridbear: {error.message}", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"gridbear: the server does not answer ({error})", file=sys.stderr)
    return EXIT_NO_SERVER
