"""Where the data folder lies: the platform's place, beside the program, or where it was moved to.

A folder that was moved leaves a note in its former place, so whatever names that place (a service, an AI client, the
start at login) goes on to the new one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

import platformdirs

from server.this_computer import is_bundle

MOVED_TO = "moved-to.json"
COMING = "moving-here.json"
"""In the new place while files come: what lies beside it is not whole."""
PORTABLE = "gridbear-data"


class Note(NamedTuple):
    """What a former place says: where the folder is, and since when (seconds since 1970)."""

    to: Path
    moved_at: float


def default_data_dir() -> Path:
    """`gridbear-data` beside the program when there is one, else the platform's folder.

    On Linux that is `~/.local/share/gridbear-desktop`.
    """
    portable = portable_data_dir()
    return portable if portable.is_dir() else platform_data_dir()


def platform_data_dir() -> Path:
    """The platform's folder for this program's data."""
    return Path(platformdirs.user_data_dir("gridbear-desktop", appauthor=False))


def portable_data_dir() -> Path:
    """The folder beside the program that is used when it is there, so that both travel together."""
    return program_folder() / PORTABLE


def program_folder() -> Path:
    """The folder that the program lies in: of its executable or, on macOS, of its `.app`; from source the checkout."""
    if not is_bundle():
        return Path(__file__).resolve().parent.parent
    executable = Path(sys.executable).resolve()
    app = next((parent for parent in executable.parents if parent.suffix == ".app"), None)
    return (app or executable).parent


def is_portable(data_dir: Path) -> bool:
    """Whether this is the folder beside the program."""
    return data_dir.absolute() == portable_data_dir()


def followed(data_dir: Path) -> Path:
    """Where the data of `data_dir` are now: there, or where notes lead from there."""
    place = data_dir.expanduser().absolute()
    seen: dict[Path, Note] = {}
    while (note := note_in(place)) is not None:
        if place in seen:
            # A move back was cut off between its two notes: the later one counts.
            return max(seen.values(), key=lambda one: one.moved_at).to
        seen[place] = note
        place = note.to
    return place


def note_in(place: Path) -> Note | None:
    """What a folder says of where it was moved to; None when it was not, or the note is not whole."""
    try:
        found = json.loads((place / MOVED_TO).read_text("utf-8"))
        return Note(Path(found["to"]), float(found["moved_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
