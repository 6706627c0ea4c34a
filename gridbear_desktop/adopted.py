"""A server that runs already, as a service or started by hand: it is used and watched, and never ended from here."""

from __future__ import annotations

from pathlib import Path

from gridbear_desktop import control, runfile
from gridbear_desktop.runfile import RunInfo

LOOK_SECONDS = 1.0
GONE_SECONDS = 15.0
"""A server that is started anew, by itself or by its service, is back within this time."""
ORPHAN_SECONDS = 10.0
"""A server whose tray was killed has ended within this time."""


def found(run: Path, *, of_tray: bool, known: RunInfo | None = None) -> RunInfo | None:
    """The server of this data folder that somebody else started; `of_tray`: also the tray of another login.

    `known` is what was found before.
    """
    info = runfile.read(run)
    if info is None or (info.of_tray and not of_tray):
        return None
    there = control.answers(info) if info == known else control.is_of(info)
    return info if there else None


def is_orphan(run: Path) -> bool:
    """Where no other tray is: whether a server still answers whose tray was killed. It is about to end."""
    info = runfile.read(run)
    return info is not None and info.of_tray and control.answers(info)
