"""Notices of the desktop over D-Bus (`org.freedesktop.Notifications`): shown, and heard when they are clicked."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from gridbear_desktop.session_bus import Body, SessionBus, call, plain

NAME = INTERFACE = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
DEFAULT_ACTION = "default"
"""What a click on a notice itself is called."""
MOST_REMEMBERED = 100
"""Pages of the latest notices; a click on an older one does nothing."""

log = logging.getLogger(__name__)


def as_markup(text: str) -> str:
    """`text` for a place where `<b>` is bold."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Clicks(Protocol):
    """Who is told what was clicked."""

    def activated_with(self, token: str) -> None: ...
    def open_page(self, page: str) -> None: ...


class BusNotices:
    """For the thread of `bus`. `clicks` hears of the clicked notice's page."""

    def __init__(self, bus: SessionBus, program: str, app_name: str, icon: Path, clicks: Clicks) -> None:
        self._bus = bus
        self._program = program
        self._app_name = app_name
        self._icon = icon.as_uri()
        self._clicks = clicks
        self._pages: dict[int, str] = {}
        bus.listen(NAME, INTERFACE, "ActivationToken", "us", self._activated_with)
        bus.listen(NAME, INTERFACE, "ActionInvoked", "us", self._invoked)

    def show(self, text: str, title: str, page: str) -> None:
        """Show a notice where the desktop has a place for such, else log it."""
        # Asked each time: another service may have come.
        capabilities = call(NAME, PATH, INTERFACE, "GetCapabilities")
        self._bus.ask(capabilities, "as", lambda able: self._show(able, text, title, page))

    def _show(self, able: Body | None, text: str, title: str, page: str) -> None:
        can = able[0] if able else []
        actions = [DEFAULT_ACTION, "Open"] if "actions" in can else []
        body = as_markup(text) if "body-markup" in can else text
        hints = {"desktop-entry": ("s", self._program)}
        given = (self._app_name, 0, self._icon, plain(title), plain(body), actions, hints, -1)
        message = call(NAME, PATH, INTERFACE, "Notify", "susssasa{sv}i", given)
        self._bus.ask(message, "u", lambda answer: self._shown(answer, text, page))

    def _shown(self, answer: Body | None, text: str, page: str) -> None:
        if answer is None:
            log.warning("the desktop shows no notices; it would have been: %s", text)
            return
        self._pages[answer[0]] = page
        while len(self._pages) > MOST_REMEMBERED:
            del self._pages[next(iter(self._pages))]

    def _activated_with(self, number: int, token: str) -> None:
        if number in self._pages:
            self._clicks.activated_with(token)

    def _invoked(self, number: int, action: str) -> None:
        page = self._pages.pop(number, None)
        if page is not None and action == DEFAULT_ACTION:
            self._clicks.open_page(page)
