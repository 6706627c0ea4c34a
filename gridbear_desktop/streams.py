"""Standard streams that may be closed: started by a service manager, by nohup, or in a windowed bundle."""

from __future__ import annotations

import os
import sys


def open_missing() -> None:
    """Put the null device where stdin, stdout or stderr is closed.

    Else the next file or socket that is opened gets number 0, 1 or 2, and prints end up in it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process


def tell(text: str) -> None:
    """Print a line now: the reader may be a pipe, and may be gone."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        # Nobody reads any more. What was said is no reason to end.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - lives as long as the process


def leave_stdout() -> None:
    """Let go of what could not be written there: it would be tried once more at the exit, and fail aloud."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
