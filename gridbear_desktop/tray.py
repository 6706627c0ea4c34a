"""The tray icon: the view for this desktop, and that which pystray draws."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from typing import Any

from gridbear_desktop.tray_model import APP_NAME, PROGRAM, TrayModel
from gridbear_desktop.tray_view import View

log = logging.getLogger(__name__)


def view_of(model: TrayModel, backend: str) -> View:
    """The view of what `display.tray_backend` found. Raises NoBus when the session bus has gone since."""
    if backend == "status-item":
        from gridbear_desktop.tray_status_item import StatusItemView  # D-Bus, which is not everywhere

        return StatusItemView(model)
    if backend == "qt":
        from gridbear_desktop.tray_qt import QtTrayView  # Qt, which is not everywhere

        return QtTrayView(model)
    return TrayView(model, backend)


class TrayView:
    """The view that pystray draws."""

    def __init__(self, model: TrayModel, backend: str) -> None:
        os.environ["PYSTRAY_BACKEND"] = backend
        import pystray  # chooses its backend, and opens the display, when imported

        self._model = model
        self._backend = backend
        options: dict[str, Any] = {}
        if backend == "darwin":
            from AppKit import NSApplication  # macOS only

            options["darwin_nsapplication"] = NSApplication.sharedApplication()
        menu = pystray.Menu(*(self._item(pystray, entry.key) for entry in model.entries()))
        self._icon = pystray.Icon(PROGRAM, self._image(), model.title(), menu, **options)

    def run(self, quit_asked: Callable[[], None]) -> None:
        if self._backend in ("appindicator", "gtk"):
            _catch_signals_in_glib(quit_asked)
        self._icon.run()

    def stop(self) -> None:
        self._icon.stop()

    def refresh(self) -> None:
        def draw() -> None:
            self._icon.icon = self._image()
            self._icon.title = self._model.title()
            self._icon.update_menu()

        if self._backend == "darwin":
            # pystray touches AppKit directly, which is only allowed on the main thread.
            from PyObjCTools import AppHelper  # macOS only

            AppHelper.callAfter(draw)
        else:
            draw()

    def tell(self, text: str, title: str = APP_NAME, page: str = "") -> None:
        # pystray hears no clicks on notices: `page` is of no use.
        try:
            self._icon.notify(text or " ", title)
        except Exception:
            # Every backend has errors of its own for a desktop without notices.
            log.warning("the desktop shows no notices; it would have been: %s", text)

    def _item(self, pystray: Any, key: str) -> Any:
        entry = self._model.entry
        return pystray.MenuItem(
            lambda _item: entry(key).text,
            lambda _icon, _item: self._model.click(key),
            enabled=lambda _item: entry(key).enabled,
            visible=lambda _item: entry(key).visible,
            default=entry(key).default,
            checked=None if entry(key).checked is None else lambda _item: bool(entry(key).checked),
        )

    def _image(self) -> Any:
        from PIL import Image  # only the tray needs it

        with Image.open(self._model.icon_path()) as image:
            return image.copy()


def _catch_signals_in_glib(quit_asked: Callable[[], None]) -> None:
    """pystray resets SIGINT when its loop starts, so the handlers are installed from inside the loop."""
    from gi.repository import GLib  # of the system; there whenever this backend is

    def asked() -> bool:
        quit_asked()
        return True

    def install() -> bool:
        for number in (signal.SIGINT, signal.SIGTERM):
            GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, asked)
        return False

    GLib.idle_add(install)
