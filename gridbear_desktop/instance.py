"""One tray per data folder: a second launch asks the first to show its window."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


class Instance:
    """The right to be the tray of a data folder. The lock file is never deleted; a crash frees it."""

    def __init__(self, run: Path) -> None:
        self._lock = FileLock(run / "launcher.lock")
        self._request = run / "show"

    def acquire(self) -> bool:
        """Become the tray. False when another process already is."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        self._request.unlink(missing_ok=True)
        return True

    def release(self) -> None:
        self._lock.release()

    def ask_to_show(self) -> None:
        """Ask the process that is the tray to show its window."""
        self._request.touch()

    def take_request(self) -> bool:
        """Whether somebody asked since the last call."""
        try:
            self._request.unlink()
        except FileNotFoundError:
            return False
        return True
