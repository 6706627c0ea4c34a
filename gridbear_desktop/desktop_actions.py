"""Small things the tray does through the system: clipboard, file manager, browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import webbrowser
from pathlib import Path

from server.this_computer import is_bundle

CLIPBOARD_COMMANDS = (
    ("pbcopy",),
    ("clip",),
    ("wl-copy",),
    ("xclip", "-selection", "clipboard"),
    ("xsel", "--clipboard", "--input"),
)
TIMEOUT_SECONDS = 5.0


def system_environment() -> dict[str, str]:
    """The environment for other programs: without the library path of a frozen bundle."""
    env = dict(os.environ)
    if is_bundle():
        original = env.pop("LD_LIBRARY_PATH_ORIG", None)
        env.pop("LD_LIBRARY_PATH", None)
        if original is not None:
            env["LD_LIBRARY_PATH"] = original
    return env


def clipboard_command() -> list[str] | None:
    """The system's command that copies its stdin, or None where there is none."""
    for name, *arguments in CLIPBOARD_COMMANDS:
        found = shutil.which(name)
        if found and (name != "wl-copy" or os.environ.get("WAYLAND_DISPLAY")):
            return [found, *arguments]
    return None


def copy(text: str) -> bool:
    """Put `text` on the clipboard. False when that did not work."""
    command = clipboard_command()
    if command is None:
        return False
    try:
        # Its output is dropped, not piped: xclip stays behind to serve the text and would hold the pipe open.
        done = subprocess.run(
            command,
            input=text.encode(),
            env=system_environment(),
            timeout=TIMEOUT_SECONDS,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def open_path(path: Path) -> None:
    """Show a folder or file in the system's own program."""
    webbrowser.open(path.resolve().as_uri())
