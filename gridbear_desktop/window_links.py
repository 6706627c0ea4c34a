"""What leads out of GridBear opens in the system's browser: the window is signed in, and shows no address."""

from __future__ import annotations

import threading
import time
import webbrowser
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

USUAL_PORTS = {"http": 80, "https": 443}
OF_OTHER_PROGRAMS = frozenset(("mailto", "tel"))
WITHOUT_ADDRESS = frozenset(("about", "blob"))
"""What a page makes itself, such as a download, and GTK's page while the server starts."""
MOST_OPENED = 10
SECONDS = 10.0
"""A page opens at most MOST_OPENED others in so long: a script in a loop is not to fill the screen."""

SCRIPT = """
(() => {
  if (window.gridbearLinks) return;
  window.gridbearLinks = true;
  addEventListener("click", (event) => {
    const link = event.composedPath().find((one) => one.localName === "a" && one.href);
    if (!link || link.target || link.hasAttribute("download")) return;
    if (/^https?:$/.test(link.protocol) && link.host !== location.host) {
      link.target = "_blank";
      link.rel = "noopener noreferrer";
    }
  }, true);
})()
"""
"""Run in each loaded page of ours: for Windows and macOS, whose engines do not ask `Links`, and so that no engine asks
first whether to leave a page in which something is typed.
"""


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower()


def _place(url: str) -> tuple[str, int] | None:
    """Host and port of an address of the web, None for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in USUAL_PORTS or not parts.hostname:
        return None
    return parts.hostname, port or USUAL_PORTS[scheme]


class Links:
    """Knows which places are GridBear's, and opens others. `opens` gets an address, in a thread of its own."""

    def __init__(
        self, opens: Callable[[str], Any] = webbrowser.open, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._opens = opens
        self._clock = clock
        self._ours: set[tuple[str, int]] = set()
        self._opened: deque[float] = deque(maxlen=MOST_OPENED)

    def belongs(self, url: str) -> None:
        """`url` is one that the launcher gave. Its host and port are ours with and without encryption: a server that
        is shared changes that.
        """
        place = _place(url)
        if place is not None:
            self._ours.add(place)

    def stays(self, url: str, is_form: bool = False) -> bool:
        """Whether the window may go to `url`. What belongs elsewhere is opened there, a form that is sent there isn't:
        the browser would get no more than its address.
        """
        if _scheme(url) in WITHOUT_ADDRESS or _place(url) in self._ours:
            return True
        if not is_form:
            self.open_elsewhere(url)
        return False

    def open_elsewhere(self, url: str) -> None:
        """Open `url` in the system's browser, or in its program for letters; nothing where it is neither."""
        if _place(url) is None and _scheme(url) not in OF_OTHER_PROGRAMS:
            return
        now = self._clock()
        if len(self._opened) == MOST_OPENED and now - self._opened[0] < SECONDS:
            return
        self._opened.append(now)
        # A browser may be waited for, which the window's own thread must not do.
        threading.Thread(target=self._opens, args=(url,), name="browser", daemon=True).start()


def mend(platform: Any, links: Links) -> None:
    """Let windows of `platform`, pywebview's module for Qt or GTK, ask `links` before they go anywhere."""
    view = platform.BrowserView
    if platform.__name__.endswith(".qt"):
        view.WebPage.acceptNavigationRequest = _asking_of_qt(links)
        view.NavigationHandler.acceptNavigationRequest = _elsewhere_of_qt(links)
    elif platform.__name__.endswith(".gtk"):
        view.on_navigation = _asking_of_gtk(platform.webkit, links)
        view.__init__ = _opening_elsewhere(view.__init__, links)


def _asking_of_qt(links: Links) -> Any:
    def asked(page: Any, url: Any, kind: Any, is_main_frame: bool) -> bool:
        is_form = kind == page.NavigationType.NavigationTypeFormSubmitted
        # The page while the server starts is one of `data:`; Chromium lets no page go to such a one.
        return not is_main_frame or url.scheme() == "data" or links.stays(url.toString(), is_form)

    return asked


def _elsewhere_of_qt(links: Links) -> Any:
    def asked(_page: Any, url: Any, _kind: Any, _is_main_frame: bool) -> bool:
        links.open_elsewhere(url.toString())
        return False

    return asked


def _asking_of_gtk(webkit: Any, links: Links) -> Any:
    def asked(_view: Any, _webview: Any, decision: Any, kind: Any) -> bool:
        if kind == webkit.PolicyDecisionType.RESPONSE:
            if decision.is_mime_type_supported():
                decision.use()
            else:
                decision.download()
            return True
        action = decision.get_navigation_action()
        url = action.get_request().get_uri()
        is_form = action.get_navigation_type() == webkit.NavigationType.FORM_SUBMITTED and not action.is_redirect()
        if kind == webkit.PolicyDecisionType.NEW_WINDOW_ACTION:
            links.open_elsewhere(url)
            decision.ignore()
        elif links.stays(url, is_form):
            decision.use()
        else:
            decision.ignore()
        return True

    return asked


def _opening_elsewhere(begin: Any, links: Links) -> Any:
    def create(_webview: Any, action: Any) -> None:
        # What `window.open` asks for, which is no navigation yet. Without an answer no window comes of it.
        links.open_elsewhere(action.get_request().get_uri())

    def begun(view: Any, window: Any) -> None:
        begin(view, window)
        view.webview.connect("create", create)

    return begun
