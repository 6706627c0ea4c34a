"""One tray per data folder and login: a second launch asks the first to show its window."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from filelock import FileLock, Timeout

from gridbear_desktop import activation

ANSWER_SECONDS = 20.0
"""A tray that is quitting has ended by then."""
LOOK_SECONDS = 0.1


class Instance:
    """The right to be the tray of a data folder. Lock files are never deleted; a crash frees them.

    `session` names the login of this person, where they can have several at once. The first of them keeps the server;
    the tray of another is a guest there.
    """

    def __init__(self, run: Path, session: str = "") -> None:
        self._run = run
        self._session = session
        self._first = FileLock(run / "launcher.lock", thread_local=False)
        self._lock = self._first
        self._request = run / "show"
        self._is_guest = False

    def acquire(self) -> bool:
        """Become the tray of this login. False when another process already is."""
        if _taken(self._first):
            self._sign()
        elif self._is_at_first():
            return False
        else:
            name = f"launcher-{hashlib.sha256(self._session.encode()).hexdigest()[:12]}"
            self._lock = FileLock(self._run / f"{name}.lock", thread_local=False)
            self._request = self._run / f"{name}.show"
            if not _taken(self._lock):
                return False
            self._is_guest = True
        self._request.unlink(missing_ok=True)
        return True

    def release(self) -> None:
        self._lock.release()
        self._first.release()

    def is_guest(self) -> bool:
        """Whether the tray of another login keeps the server. Once that has ended, this one is the first."""
        if self._is_guest and _taken(self._first):
            self._sign()
            self._is_guest = False
        return self._is_guest

    def ask_to_show(self, token: str = "") -> None:
        """Ask the process that is the tray to show its window. `token` is the desktop's leave (see `activation`)."""
        new = self._request.with_name(f"{self._request.name}.{os.getpid()}")
        new.write_text(token, "utf-8")
        new.replace(self._request)

    def takes_its_place(self, seconds: float = ANSWER_SECONDS) -> bool:
        """Wait until the tray that was asked has taken note; True when it has ended instead, and this one is the tray.

        One that has not answered in so many seconds is busy, and will find the request.
        """
        end = time.monotonic() + seconds
        while self._request.exists() and time.monotonic() < end:
            if self.acquire():
                return True
            time.sleep(LOOK_SECONDS)
        return False

    def take_request(self) -> str | None:
        """The token of whoever asked since the last call, None where nobody did."""
        try:
            with self._request.open(encoding="utf-8", errors="replace") as file:
                token = file.read(activation.LONGEST + 1)
            self._request.unlink()
        except OSError:
            # Nobody asked; or, on Windows, whoever asks holds it in this moment: it is there at the next look.
            return None
        return token if activation.is_token(token) else ""

    @property
    def _signature(self) -> Path:
        return self._run / "launcher.session"

    def _sign(self) -> None:
        # On a full disk the tray starts all the same; another login takes it for one of its own then.
        with contextlib.suppress(OSError):
            if self._session:
                self._signature.write_text(self._session, "utf-8")
            else:
                self._signature.unlink(missing_ok=True)

    def _is_at_first(self) -> bool:
        """Whether the first tray is one of this login, as far as both are known."""
        first = ""
        with contextlib.suppress(OSError):
            first = self._signature.read_text("utf-8", "replace")
        return not self._session or first in ("", self._session)


def is_any(run: Path) -> bool:
    """Whether a tray of this data folder runs, whatever login it is of."""
    for path in run.glob("launcher*.lock"):
        lock = FileLock(path, thread_local=False)
        if not _taken(lock):
            return True
        lock.release()
    return False


def _taken(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True
