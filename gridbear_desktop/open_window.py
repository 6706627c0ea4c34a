"""A window that is open: it keeps its place, tells when it can be seen, and carries out the orders that still come."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import replace
from typing import Any

from gridbear_desktop import activation, window_keys, window_links
from gridbear_desktop.waiting_page import page
from gridbear_desktop.window_closing import Closing
from gridbear_desktop.window_place import Place

PAINTED = "painted"
"""What the window says on stdout once something of its first page of GridBear can be seen."""
SHOWN = "shown"
"""What it says each time it was to come to the front, and is there to do so."""
HAS_PAINTED = "performance.getEntriesByType('paint').some((one) => one.name === 'first-contentful-paint')"
LOOK_SECONDS = 0.05
CLOSING_SECONDS = 0.2
"""A window that closes in this very moment is closed after so long."""


class OpenWindow:
    """A `window` of pywebview whose engine is about to start. `ordered`: more orders come on stdin.

    `opened`: an address is what it was made with, and no page that says to wait.
    """

    def __init__(self, window: Any, links: window_links.Links, place: Place, *, opened: bool, ordered: bool) -> None:
        self.place = place
        """Where it is now."""
        self._window = window
        self._links = links
        self._opened = opened
        self._ordered = ordered
        self._closing = Closing(window)
        window.events.resized += self._resized
        window.events.moved += self._moved
        window.events.loaded += self._loaded

    def begin(self) -> None:
        """For the engine, once it runs."""
        if self._ordered:
            threading.Thread(target=self._obey, daemon=True, name="window-commands").start()

    def _resized(self, width: int, height: int) -> None:
        self.place = replace(self.place, width=int(width), height=int(height))

    def _moved(self, x: int, y: int) -> None:
        self.place = replace(self.place, x=int(x), y=int(y))

    @property
    def _here(self) -> str:
        """The address that it shows; empty on a page that has none."""
        address = str(self._window.get_current_url())
        return address if address.startswith("http") else ""

    def _loaded(self) -> None:
        if not self._here:
            return
        self._window.run_js(window_keys.SCRIPT)
        self._window.run_js(window_links.SCRIPT)
        if self._ordered and self._opened:
            threading.Thread(target=self._await_paint, daemon=True, name="first-paint").start()

    def _await_paint(self) -> None:
        # Loaded is not yet seen: the page's own code draws it. An engine that tells nothing is believed.
        while self._window.run_js(HAS_PAINTED) in (False, "false"):
            time.sleep(LOOK_SECONDS)
        print(PAINTED, flush=True)

    def _obey(self) -> None:
        for line in sys.stdin:
            order = order_in(line)
            if "open" in order:
                self._opened = True
                self._links.belongs(order["open"])
                self._window.load_url(order["open"])
            elif "wait" in order:
                self._window.load_html(page(**order["wait"]))
            elif "show" in order:
                self._show(order.get("page"), str(order.get("token", "")))
                if not self._window.events.closed.wait(CLOSING_SECONDS):
                    print(SHOWN, flush=True)
        self._closing.now()

    def _show(self, wanted: str | None, token: str) -> None:
        activation.hand_over(self._window, token, os.environ)
        self._window.restore()
        self._window.show()
        if wanted and (here := self._here):
            # Within the loaded page: nothing that somebody is typing is lost.
            self._window.load_url(f"{here.partition('#')[0]}#{wanted}")


def order_in(line: str) -> dict[str, Any]:
    """The order of a line of stdin; empty for a line that has none."""
    order = json.loads(line) if line.strip() else {}
    return order if isinstance(order, dict) else {}
