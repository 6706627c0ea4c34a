"""The tray icon that a panel of Linux draws itself, told over D-Bus (StatusNotifierItem): without any toolkit."""

from __future__ import annotations

import logging
import selectors
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from gridbear_desktop.bus_notices import BusNotices, as_markup
from gridbear_desktop.errands import Errands
from gridbear_desktop.panel_colour import PanelColour
from gridbear_desktop.pixmap import Pixmap, read_pixmap
from gridbear_desktop.session_bus import Answer, Body, NoBus, SessionBus, call, get_property, plain
from gridbear_desktop.status_menu import PATH as MENU_PATH
from gridbear_desktop.status_menu import StatusMenu
from gridbear_desktop.tray_model import APP_NAME, PROGRAM, TrayModel
from gridbear_desktop.tray_view import TrayLost
from server.this_computer import resource_dir

WATCHER = "org.kde.StatusNotifierWatcher"
"""Name and interface of who knows the icons and the panels that show them."""
WATCHER_PATH = "/StatusNotifierWatcher"
HAS_PANEL = "IsStatusNotifierHostRegistered"
PATH = "/StatusNotifierItem"
INTERFACE = "org.kde.StatusNotifierItem"
PATIENCE_SECONDS = 10.0
"""A panel that starts anew is back by then."""

log = logging.getLogger(__name__)


def has_panel() -> bool:
    """Whether a panel shows such icons now. Raises NoBus where there is no session bus."""
    bus = SessionBus()
    try:
        # Asking must not start one.
        asked = call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                     "NameHasOwner", "s", (WATCHER,))  # fmt: skip
        wanted = get_property(WATCHER, WATCHER_PATH, WATCHER, HAS_PANEL)
        return bus.answer_to(asked, "b") == (True,) and _is_true(bus.answer_to(wanted, "v"))
    finally:
        bus.close()


def _nothing(*_given: Any) -> Answer:
    return "", ()


def _is_true(answer: Body | None) -> bool:
    return answer is not None and answer[0] == ("b", True)


class StatusItemView:
    """See `tray.View`. The bus is for the thread of `run` alone: others leave errands."""

    def __init__(self, model: TrayModel, patience: float = PATIENCE_SECONDS) -> None:
        """Raises NoBus. `patience` is in seconds: for so long no panel may be there."""
        self._model = model
        self._patience = patience
        self._bus = SessionBus()
        self._errands = Errands()
        self._menu = StatusMenu(self._bus, model)
        icon = resource_dir("assets") / "icons" / "window.png"
        self._notices = BusNotices(self._bus, PROGRAM, APP_NAME, icon, model)
        self._colour = PanelColour(self._bus, self._draw)
        self._pixmaps: dict[str, Pixmap] = {}
        self._ended = False
        self._alone_since: float | None = time.monotonic()
        """When the last panel went, or we began to look for one; None while one shows the icon."""
        self._shown = self._properties()

    def run(self, quit_asked: Callable[[], None]) -> None:
        """Show the icon until `stop`. Raises TrayLost when no panel shows it any more."""
        handlers: dict[signal.Signals, Any] = {}
        if threading.current_thread() is threading.main_thread():
            # They interrupt the waiting below.
            for number in (signal.SIGINT, signal.SIGTERM):
                handlers[number] = signal.signal(number, lambda *_: quit_asked())
        try:
            self._appear()
            self._follow()
        except NoBus as error:
            raise TrayLost(str(error)) from error
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._bus.close()
            self._errands.close()

    @property
    def is_shown(self) -> bool:
        """Whether a panel shows the icon now."""
        return self._alone_since is None

    def stop(self) -> None:
        self._errands.want(self._end)

    def refresh(self) -> None:
        self._errands.want(self._draw)

    def tell(self, text: str, title: str = APP_NAME, page: str = "") -> None:
        self._errands.want(lambda: self._notices.show(text, title, page))

    def _follow(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._bus, selectors.EVENT_READ, self._bus.work)
            selector.register(self._errands, selectors.EVENT_READ, self._errands.do)
            while not self._ended:
                for key, _ in selector.select(self._seconds_left()):
                    key.data()

    def _seconds_left(self) -> float | None:
        if self._alone_since is None:
            return None
        left = self._alone_since + self._patience - time.monotonic()
        if left <= 0:
            raise TrayLost("no panel shows the icon any more")
        return left

    def _appear(self) -> None:
        methods = {
            "Activate": ("ii", self._activated),
            # The panel shows the menu itself; the others have no meaning here.
            "ContextMenu": ("ii", _nothing),
            "SecondaryActivate": ("ii", _nothing),
            "Scroll": ("is", _nothing),
            "ProvideXdgActivationToken": ("s", self._activated_with),
        }
        self._bus.export(PATH, INTERFACE, methods, self._properties)
        self._bus.listen(
            "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", self._owned, WATCHER
        )
        for change in ("StatusNotifierHostRegistered", "StatusNotifierHostUnregistered"):
            self._bus.listen(WATCHER, WATCHER, change, None, self._look_for_panel)
        self._register()

    def _owned(self, _name: str, _before: str, now: str) -> None:
        """The watcher has gone, or another one has come, who knows nothing of us."""
        if now:
            self._register()
        else:
            self._alone("the program that keeps the icons of panels has gone")

    def _register(self) -> None:
        message = call(WATCHER, WATCHER_PATH, WATCHER, "RegisterStatusNotifierItem", "s", (self._bus.name,))
        self._bus.ask(
            message, None, lambda answer: self._look_for_panel() if answer is not None else self._alone("it is refused")
        )

    def _look_for_panel(self) -> None:
        self._bus.ask(get_property(WATCHER, WATCHER_PATH, WATCHER, HAS_PANEL), "v", self._panel_is)

    def _panel_is(self, answer: Body | None) -> None:
        if not _is_true(answer):
            self._alone("there is no panel")
        elif self._alone_since is not None:
            self._alone_since = None
            log.info("a panel shows the icon")

    def _alone(self, why: str) -> None:
        if self._alone_since is None:
            self._alone_since = time.monotonic()
            log.warning("the icon is not shown: %s", why)

    def _end(self) -> None:
        self._ended = True

    def _activated(self, _x: int, _y: int) -> Answer:
        for entry in self._model.entries():
            if entry.default:
                self._model.click(entry.key)
        return "", ()

    def _activated_with(self, token: str) -> Answer:
        self._model.activated_with(token)
        return "", ()

    def _draw(self) -> None:
        before, self._shown = self._shown, self._properties()
        for name, change in (("IconPixmap", "NewIcon"), ("ToolTip", "NewToolTip")):
            if before[name] != self._shown[name]:
                self._bus.tell(PATH, INTERFACE, change)
        self._menu.refresh()

    def _properties(self) -> dict[str, tuple[str, Any]]:
        return {
            "Category": ("s", "ApplicationStatus"),
            "Id": ("s", PROGRAM),
            "Title": ("s", APP_NAME),
            "Status": ("s", "Active"),
            "WindowId": ("i", 0),
            "IconName": ("s", ""),
            "IconThemePath": ("s", ""),
            "IconPixmap": ("a(iiay)", [self._pixmap()]),
            "OverlayIconName": ("s", ""),
            "AttentionIconName": ("s", ""),
            "ToolTip": ("(sa(iiay)ss)", ("", [], as_markup(plain(self._model.title())), "")),
            "ItemIsMenu": ("b", False),
            "Menu": ("o", MENU_PATH),
        }

    def _pixmap(self) -> Pixmap:
        file = self._model.icon_path(self._colour.variant)
        if file.name not in self._pixmaps:
            self._pixmaps[file.name] = read_pixmap(file)
        return self._pixmaps[file.name]
