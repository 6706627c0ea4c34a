"""A window that shows nothing, says that it has, and notes what it gets; it ends with its stdin."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridbear_process import Gridbear

PROGRAM = """
import json, os, sys
def note(**what):
    with open({notes!r}, "a") as file:
        file.write(json.dumps(what) + "\\n")
names = ("XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID")
note(started_with=[os.environ.get(name) for name in names])
for line in sys.stdin:
    order = json.loads(line)
    note(**order)
    print("shown" if "show" in order else "painted", flush=True)
os._exit(0)
"""
Notes = Callable[[], list[dict[str, Any]]]


def program(folder: Path) -> str:
    """Its source; the notes are in `folder`. See `notes_in`."""
    return PROGRAM.format(notes=str(folder / "notes"))


def notes_in(folder: Path) -> Notes:
    """Gives all that windows have noted so far."""

    def notes() -> list[dict[str, Any]]:
        kept = folder / "notes"
        # The last line may be half written.
        lines = kept.read_text("utf-8").split("\n")[:-1] if kept.exists() else []
        return [json.loads(line) for line in lines]

    return notes


def noting(gridbear: Gridbear, folder: Path) -> Notes:
    """Let the windows of `gridbear` be such ones: they find it where pywebview would be."""
    (folder / "modules").mkdir()
    (folder / "modules" / "webview.py").write_text(program(folder), "utf-8")
    gridbear.env.update(PYTHONPATH=str(folder / "modules"), DISPLAY=":4711")
    return notes_in(folder)
