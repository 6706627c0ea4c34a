"""One tray per data folder: a second launch asks the first to show its window."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

from gridbear_desktop import activation


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

    def ask_to_show(self, token: str = "") -> None:
        """Ask the process that is the tray to show its window. `token` is the desktop's leave (see `activation`)."""
        new = self._request.with_name(f"{self._request.name}.{os.getpid()}")
        new.write_text(token, "utf-8")
        new.replace(self._request)

    def take_request(self) -> str | None:
        """The token of whoever asked since the last call, None where nobody did."""
        try:
            with self._request.open(encoding="utf-8", errors="replace") as file:
                token = file.read(activation.LONGEST + 1)
            self._request.unlink()
        except FileNotFoundError:
            return None
        return token if activation.is_token(token) else ""
