"""The tray's side of the window process: starts it, gives it orders on stdin, and hears whether it shows anything."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridbear_desktop import activation, engine_words, window
from gridbear_desktop.open_window import PAINTED, SHOWN
from gridbear_desktop.supervisor import quiet_child
from server.this_computer import program

log = logging.getLogger(__name__)

ENDED_BY_SOMEBODY = {-signal.SIGINT, -signal.SIGTERM, *([-signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])}
FIRST_WINDOWS_ERROR = 0x80000000
"""Windows has no signals: a process that crashes there ends with such a code."""
PAINT_SECONDS = 5.0
END_SECONDS = 3.0
LAST_WORDS_SECONDS = 1.0


class WindowChild:
    """One window. `nothing_shown` is called, in a thread, when nothing can be seen PAINT_SECONDS after `open`.

    `engine_said` gets what its process says on stderr, a line at a time; without it that goes where ours does.
    `token` is its leave to come to the front (see `activation`).
    """

    def __init__(
        self,
        data_dir: Path,
        nothing_shown: Callable[[], None],
        engine_said: Callable[[str], None] | None = None,
        token: str = "",
    ) -> None:
        self.opened = False
        """Whether it was given an address."""
        self._nothing_shown = nothing_shown
        self.painted = threading.Event()
        """Set once something of GridBear can be seen."""
        self._opened_at = 0.0
        self._to_show = 0
        self._shown = 0
        self._replaced = False
        self._replacing = threading.Lock()
        self._process = subprocess.Popen(
            [*program(), "window", "--orders-from-stdin", "--data-dir", str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if engine_said is None else subprocess.PIPE,
            env={**os.environ, **activation.variables(token)},
            **quiet_child(),
        )
        self.heard = threading.Thread(target=self._listen, name="window-words", daemon=True)
        """Ends when all that it has reported is taken note of."""
        self.heard.start()
        if engine_said is not None:
            assert self._process.stderr is not None
            engine_words.follow(self._process.stderr, engine_said)

    def ended_with(self) -> int | None:
        """Its exit code, None while it is there."""
        return self._process.poll()

    def trouble(self) -> str:
        """Why it has ended without having been closed, as a sentence; "" when it was closed, or is there."""
        code = self.ended_with()
        if code is None or code == 0 or code in ENDED_BY_SOMEBODY:
            return ""
        if code == window.EXIT_NO_ENGINE:
            return "There is no web engine for a window of our own here."
        if code < 0:
            return f"The window crashed: it was ended by signal {-code}."
        if code >= FIRST_WINDOWS_ERROR:
            return f"The window crashed with code {code:#x}."
        return "" if self.painted.is_set() else f"The window ended with exit code {code} before it showed anything."

    def take_its_place(self) -> bool:
        """Whether to show GridBear elsewhere, now that this window does not. Only one of those who ask is to do it,
        and again one once something could be seen in between.
        """
        with self._replacing:
            first, self._replaced = not self._replaced, True
            return first

    def wait_for_end(self) -> None:
        """Return once it has ended."""
        self._process.wait()

    def open(self, url: str) -> None:
        """Show GridBear at `url`, which signs in."""
        self.opened, self._opened_at = True, time.monotonic()
        self._order(open=url)
        threading.Thread(target=self._await_paint, name="first-paint", daemon=True).start()

    def wait(self, title: str, stage: str, lines: list[str]) -> None:
        """Show that there is nothing to show yet, and why."""
        self._order(wait={"title": title, "stage": stage, "lines": lines})

    def to_the_front(self, page: str = "", token: str = "") -> None:
        """Show it; with a `page` (`/settings/about`) that page of GridBear. `token` is its leave for that."""
        self._to_show += 1
        self._order(show=True, page=page, token=token)

    def was_asked_for(self) -> bool:
        """Whether it was to come to the front and has ended instead: on a busy computer dying takes seconds."""
        self.heard.join(LAST_WORDS_SECONDS)
        return self._to_show > self._shown

    def end(self) -> None:
        """Close it; returns when it is gone."""
        self.let_go()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def let_go(self) -> None:
        """Close its stdin, which ends it if it still runs."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _order(self, **order: Any) -> None:
        assert self._process.stdin is not None
        # It may have been closed this moment; whoever watches it sees that.
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(f"{json.dumps(order)}\n".encode())
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as words:
            for line in words:
                if line.strip() == SHOWN.encode():
                    self._shown += 1
                if line.strip() == PAINTED.encode():
                    if not self.painted.is_set():
                        seconds = time.monotonic() - self._opened_at
                        log.info("first paint %.2f s after the window got its address", seconds)
                    self.painted.set()
                    with self._replacing:
                        self._replaced = False

    def _await_paint(self) -> None:
        if not self.painted.wait(PAINT_SECONDS) and self.ended_with() is None:
            self._nothing_shown()
