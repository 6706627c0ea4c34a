"""Closing a window in which something is typed and not saved: asked about, as a browser asks."""

from __future__ import annotations

import sys
import threading
from typing import Any

HOLDS = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"
"""Whether the page would have a browser ask before it leaves. No engine asks by itself where its window is closed."""
TITLE = "Close the window?"
WORDS = "What you typed here has not been saved."
ANSWER_SECONDS = 2.0


class Closing:
    """The end of one `window`, of pywebview. A person may be asked; whoever calls `now` is not."""

    def __init__(self, window: Any) -> None:
        self._window = window
        self._may = threading.Event()
        self._asking = threading.Lock()
        # A Mac asks the same before it ends the session, and takes a no for its end.
        if sys.platform != "darwin":
            window.events.closing += self._asked

    def now(self) -> None:
        """Close it whatever is in it."""
        self._may.set()
        self._window.destroy()

    def _asked(self) -> bool:
        may = self._may.is_set()
        # The page is asked by the thread that is here: it answers once this has returned.
        if not may:
            threading.Thread(target=self._ask, daemon=True, name="window-closing").start()
        return may

    def _ask(self) -> None:
        # A second click at the cross while the question is there asks no second one.
        if not self._asking.acquire(blocking=False):
            return
        try:
            if not self._holds() or self._window.create_confirmation_dialog(TITLE, WORDS):
                self.now()
        finally:
            self._asking.release()

    def _holds(self) -> bool:
        """A page that does not answer in time keeps nobody."""
        answers: list[Any] = []
        asked = threading.Thread(target=lambda: answers.append(self._window.run_js(HOLDS)), daemon=True)
        asked.start()
        asked.join(ANSWER_SECONDS)
        return answers in ([True], ["true"])
