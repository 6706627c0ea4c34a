"""The launcher's one window: opened, told how far the server is, brought to the front, and ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from gridbear_desktop.log_files import last_lines
from gridbear_desktop.supervisor import Supervisor
from gridbear_desktop.window_child import WindowChild
from server.this_computer import EVERY_ADDRESS, is_loopback_host

LOG_AFTER_SECONDS = 10.0
"""A start that takes longer shows the end of the log."""
LINES_SHOWN = 12

log = logging.getLogger(__name__)


class WindowKeeper:
    """At most one window at a time. May be used from any thread.

    `login_url` gives an address that signs in, None where there is none. `nothing_shown` is called, in a thread, when
    a window shows nothing and nobody else has opened GridBear in its place.
    """

    def __init__(
        self, data_dir: Path, server: Supervisor, login_url: Callable[[], str | None], nothing_shown: Callable[[], None]
    ) -> None:
        self._data_dir = data_dir
        self._server = server
        self._login_url = login_url
        self._nothing_shown = nothing_shown
        self._child: WindowChild | None = None
        self._waiting_text: tuple[str, str, list[str]] | None = None
        self._waits_since = 0.0
        self._page = ""
        self._lock = threading.Lock()

    @property
    def is_there(self) -> bool:
        """Whether there is a window, or one whose end is not yet taken note of."""
        return self._child is not None

    def show(self, page: str = "", token: str = "") -> None:
        """Open the window, or bring the open one to the front. Until the server runs it says how far that is.

        With a `page` (`/settings/about`) it shows that one. `token` is the desktop's leave (see `activation`).
        """
        with self._lock:
            self._page = page
            if self._child is not None and self._child.ended_with() is None:
                self._child.to_the_front(page, token)
                return
            self._child = self._new_child(token)
            self._waiting_text, self._waits_since = None, time.monotonic()
        self.tend()

    def show_again(self) -> None:
        """Open another window in place of one that has ended, at the page that was wanted last."""
        self.show(self._page)

    def tend(self) -> None:
        """Give a window that has no address yet what there is: the address, or the news of the start."""
        child = self._child
        if child is None or child.opened or child.ended_with() is not None:
            return
        info = self._server.info
        url = None if info is None else self._login_url()
        with self._lock:
            if child is not self._child or child.opened:
                # Another thread was quicker while the login was waited for.
                return
            if url is None or info is None:
                self._tell_stage(child)
            elif self._waiting_text is None or is_loopback_host(info.host) or info.host in EVERY_ADDRESS:
                child.open(self.at_page(url))
            else:
                # It was opened for addresses of this computer alone.
                child.end()
                self._child = self._new_child()
                self._child.open(self.at_page(url))

    def ended(self) -> WindowChild | None:
        """The window that has ended since the last call, if one has."""
        with self._lock:
            child = self._child
            if child is None or child.ended_with() is None:
                return None
            child.let_go()
            self._child = None
            return child

    def end(self) -> None:
        """Close the window; returns when it is gone."""
        with self._lock:
            child = self._child
        if child is not None:
            child.end()

    def at_page(self, url: str) -> str:
        """`url` with the page that was wanted last."""
        # A browser keeps the fragment of an address over the redirection that signs in.
        return f"{url}#{self._page}" if self._page else url

    def _new_child(self, token: str = "") -> WindowChild:
        def nothing_shown() -> None:
            if child.take_its_place():
                self._nothing_shown()

        child = WindowChild(self._data_dir, nothing_shown, lambda line: log.info("the window says: %s", line), token)
        return child

    def _tell_stage(self, child: WindowChild) -> None:
        log_too = self._server.gave_up or time.monotonic() - self._waits_since > LOG_AFTER_SECONDS
        lines = last_lines(self._server.log_path, LINES_SHOWN) if log_too else []
        text = (*self._stage(), lines)
        if text != self._waiting_text:
            self._waiting_text = text
            child.wait(*text)

    def _stage(self) -> tuple[str, str]:
        server = self._server
        if server.gave_up:
            how = "Restart the server in the tray's menu, or close this window and start GridBear anew."
            return "GridBear could not start", f"{server.problem}. {how}"
        if server.upgrade:
            return "GridBear is starting", server.upgrade
        if server.problem:
            return "GridBear is starting again", f"The start before this one failed: {server.problem}"
        return "GridBear is starting", "The server is being started; this takes a moment."
