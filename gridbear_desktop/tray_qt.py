"""The tray icon that Qt draws: for a panel that takes icons the old way of X11 alone."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable

from PySide6.QtCore import QSocketNotifier
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from gridbear_desktop.errands import Errands
from gridbear_desktop.tray_model import APP_NAME, PROGRAM, TrayModel

log = logging.getLogger(__name__)


def _application() -> QApplication:
    application = QApplication([PROGRAM])
    application.setApplicationName(APP_NAME)
    application.setDesktopFileName(PROGRAM)
    # A notice that closes is no reason to end.
    application.setQuitOnLastWindowClosed(False)
    return application


def has_tray() -> bool:
    """Whether a panel takes icons from Qt. Ends the process where Qt finds no display that it can use."""
    application = _application()
    try:
        # Named, so that its type is also known where PySide6 is not installed.
        available: bool = QSystemTrayIcon.isSystemTrayAvailable()
        return available
    finally:
        application.shutdown()


class QtTrayView:
    """See `tray.View`. Qt may be touched by the main thread alone: others leave what they want in a queue."""

    def __init__(self, model: TrayModel) -> None:
        self._model = model
        self._application = _application()
        self._errands = Errands()
        self._notifier = QSocketNotifier(self._errands.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._errands.do)
        self._page = ""
        self._menu = QMenu()
        self._lines = {entry.key: self._line(entry.key) for entry in model.entries()}
        self._icon = QSystemTrayIcon()
        self._icon.setContextMenu(self._menu)
        self._icon.activated.connect(self._clicked)
        self._icon.messageClicked.connect(lambda: model.open_page(self._page))
        self._draw()

    def run(self, quit_asked: Callable[[], None]) -> None:
        """Show the icon until `stop`."""
        # Within Qt's loop Python runs no signal handlers: a signal rings the bell, and they run before what was wanted.
        before = signal.set_wakeup_fd(self._errands.bell, warn_on_full_buffer=False)
        handlers = {
            number: signal.signal(number, lambda *_: quit_asked()) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            self._icon.show()
            self._application.exec()
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._icon.hide()
            self._notifier.setEnabled(False)
            self._errands.close()

    def stop(self) -> None:
        self._errands.want(self._application.quit)

    def refresh(self) -> None:
        self._errands.want(self._draw)

    def tell(self, text: str, title: str = APP_NAME, page: str = "") -> None:
        def show() -> None:
            # Qt does not say which notice was clicked; the last one is the likeliest.
            self._page = page
            if self._icon.supportsMessages():
                self._icon.showMessage(title, text or " ", self._icon.icon())
            else:
                log.warning("the desktop shows no notices; it would have been: %s", text)

        self._errands.want(show)

    def _line(self, key: str) -> QAction:
        line = self._menu.addAction("")
        line.triggered.connect(lambda: self._model.click(key))
        return line

    def _clicked(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        # The menu opens by itself.
        if reason == QSystemTrayIcon.ActivationReason.Trigger:
            for entry in self._model.entries():
                if entry.default:
                    self._model.click(entry.key)

    def _draw(self) -> None:
        self._icon.setIcon(QIcon(str(self._model.icon_path())))
        self._icon.setToolTip(self._model.title())
        for entry in self._model.entries():
            line = self._lines[entry.key]
            # Qt takes a single one for the mark of a key.
            line.setText(entry.text.replace("&", "&&"))
            line.setEnabled(entry.enabled)
            line.setVisible(entry.visible)
            line.setCheckable(entry.checked is not None)
            line.setChecked(bool(entry.checked))
