"""What draws the tray: pystray in `tray`, a panel of Linux itself in `tray_status_item`, Qt in `tray_qt`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gridbear_desktop.tray_model import APP_NAME


class TrayLost(Exception):
    """Nobody can see the icon any more, for no fault of the program."""


class View(Protocol):
    """The icon on the screen. `run` owns the main thread until `stop`; the others may be called from any thread."""

    def run(self, quit_asked: Callable[[], None]) -> None:
        """Show the icon until `stop`. `quit_asked` is called on Ctrl+C and SIGTERM. Raises TrayLost, where it knows."""

    def stop(self) -> None: ...
    def refresh(self) -> None:
        """Draw the model's present state."""

    def tell(self, text: str, title: str = APP_NAME, page: str = "") -> None:
        """Show a notice of the desktop, where it has a place for such. A click on it, where one is heard, opens `page`,
        without one the window as it is.
        """
