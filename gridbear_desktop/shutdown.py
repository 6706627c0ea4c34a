"""Ending the server: by signal, by the tray closing stdin, and for certain."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

log = logging.getLogger(__name__)

CLOSED_SECONDS = 1.7
"""After everything is closed nothing is lost by ending at once; a thread in a long query may still run."""
LAST_RESORT_SECONDS = 10.0


class Shutdown:
    """Collects the reasons to end. `request` may be called from any thread or signal handler, more than once."""

    def __init__(self) -> None:
        self.requested = False
        self.forced = False
        self.follows_stdin = False
        self.closed = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._callback: Callable[[], None] | None = None

    def attach(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        """Call `callback` on `loop` when the end is asked for; at once if it already was."""
        self._loop, self._callback = loop, callback
        if self.requested:
            loop.call_soon(callback)

    def request(self) -> None:
        if self.requested:
            self.forced = True
        self.requested = True
        threading.Thread(target=self._end_for_certain, daemon=True, name="shutdown-watchdog").start()
        if self._loop is not None and self._callback is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._callback)

    def catch_signals(self) -> None:
        """Ctrl+C, SIGTERM and on Windows Ctrl+Break end the server. Main thread only."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.request()

        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), handle)

    def watch_stdin(self) -> None:
        """End when stdin does: whoever held its other end, the tray, is gone."""
        self.follows_stdin = True

        def watch() -> None:
            # Not sys.stdin: its lock, held by a daemon thread, aborts the interpreter's own end.
            try:
                while os.read(0, 4096):
                    pass
            except OSError:
                log.info("stdin can't be read; taking it as its end")
            self.request()

        threading.Thread(target=watch, daemon=True, name="watch-stdin").start()

    def _end_for_certain(self) -> None:
        if self.closed.wait(LAST_RESORT_SECONDS):
            threading.Event().wait(CLOSED_SECONDS)
            os._exit(0)
        log.error("the server did not end within %s s; ending it hard", LAST_RESORT_SECONDS)
        sys.stderr.flush()
        os._exit(1)
