"""The tray icon: what it shows and offers (TrayModel, no GUI), and the view that pystray draws.

Those of a panel of Linux itself and of Qt are `tray_status_item` and `tray_qt`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from gridbear_desktop import activation
from gridbear_desktop.supervisor import LINES_TOLD, State
from server.this_computer import resource_dir

log = logging.getLogger(__name__)

MENU_CHARACTERS = 100
APP_NAME = "GridBear Desktop"
PROGRAM = "gridbear-desktop"
"""What the desktop knows the program by, such as its entry in the menu."""
SHARING_PAGE = "/settings/sharing"
"""Where the address for others and its QR code are."""
BACKUPS_PAGE = "/settings/backups"
ABOUT_PAGE = "/settings/about"
STATE_WORDS: dict[State, str] = {
    "starting": "Starting…",
    "running": "Running",
    "stopped": "Stopped",
    "error": "Not running",
}


class Actions(Protocol):
    """What the launcher does for the tray."""

    @property
    def state(self) -> State: ...
    @property
    def address(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def upgrade(self) -> str: ...
    @property
    def last_lines(self) -> list[str]: ...
    @property
    def adopted(self) -> bool: ...
    @property
    def safe_mode(self) -> bool: ...
    @property
    def can_copy(self) -> bool: ...
    @property
    def starts_at_login(self) -> bool: ...

    def activated_with(self, token: str) -> None: ...
    def show_window(self, page: str = "") -> None: ...
    def open_browser(self) -> None: ...
    def copy_address(self) -> None: ...
    def restart_server(self) -> None: ...
    def open_data_folder(self) -> None: ...
    def view_logs(self) -> None: ...
    def switch_start_at_login(self) -> None: ...
    def back_up(self) -> None: ...
    def quit(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu. Without an action it is only read."""

    key: str
    text: str
    action: Callable[[], None] | None = None
    enabled: bool = True
    default: bool = False
    visible: bool = True
    checked: bool | None = None
    """None for what can't be switched on and off."""


class TrayModel:
    """The menu, title and icon for the launcher's present state."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions

    def entries(self) -> list[Entry]:
        act = self._actions
        running = act.state == "running"
        return [
            Entry("open", "Open GridBear", act.show_window, enabled=running, default=True),
            Entry("browser", "Open in browser", act.open_browser, enabled=running),
            Entry("copy", "Copy address", act.copy_address, enabled=running, visible=act.can_copy),
            Entry("status", self.status(), enabled=False),
            *self._lines(),
            Entry("lan", "LAN access…", partial(act.show_window, SHARING_PAGE), enabled=running),
            Entry("login", "Start at login", act.switch_start_at_login, checked=act.starts_at_login),
            Entry("restart", self._restart_text(), act.restart_server, enabled=self._may_restart()),
            Entry("folder", "Open data folder", act.open_data_folder),
            Entry("logs", "View logs", act.view_logs),
            Entry("backup", "Back up now", act.back_up, enabled=running),
            Entry("move", "Move to another computer…", partial(act.show_window, BACKUPS_PAGE), enabled=running),
            Entry("about", "About", partial(act.show_window, ABOUT_PAGE), enabled=running),
            Entry("quit", "Quit; the server goes on" if act.adopted else "Quit", act.quit),
        ]

    def _lines(self) -> list[Entry]:
        """The end of the log of a server that is not tried again. The menu is built once: there are always as many."""
        lines = [*self._actions.last_lines, "", "", ""][:LINES_TOLD]
        return [
            Entry(f"line{number}", line[:MENU_CHARACTERS], enabled=False, visible=bool(line))
            for number, line in enumerate(lines)
        ]

    def _may_restart(self) -> bool:
        return self._actions.state != "starting" and not self._actions.adopted

    def _restart_text(self) -> str:
        act = self._actions
        if act.state == "running" and act.safe_mode:
            return "Leave safe mode"
        return "Start server" if act.state == "stopped" else "Restart server"

    def status(self) -> str:
        """The line that says how the server is."""
        act = self._actions
        word = STATE_WORDS[act.state]
        if act.state == "running":
            return f"{word} in safe mode at {act.address}" if act.safe_mode else f"{word} at {act.address}"
        if act.upgrade:
            return act.upgrade
        return f"{word}: {act.problem[:MENU_CHARACTERS]}" if act.state != "starting" and act.problem else word

    def title(self) -> str:
        return f"{APP_NAME}: {self.status()}"[:120]

    def icon_path(self, variant: str = "") -> Path:
        """The icon's file; `variant` for who knows the panel better than `icon_variant`."""
        return resource_dir("assets") / "icons" / "tray" / f"{self._actions.state}-{variant or icon_variant()}.png"

    def entry(self, key: str) -> Entry:
        return next(entry for entry in self.entries() if entry.key == key)

    def click(self, key: str) -> None:
        """Do what the entry `key` does, away from the GUI's thread: an action may wait for the server."""
        action = self.entry(key).action
        if action is not None:
            threading.Thread(target=action, name=f"tray-{key}").start()

    def activated_with(self, token: str) -> None:
        """The desktop's leave to come to the front, for the click that comes next. Anything else is passed over."""
        if activation.is_token(token):
            self._actions.activated_with(token)

    def open_page(self, page: str) -> None:
        """Show the window, with a `page` (`/settings/about`) that one, away from the GUI's thread too."""
        threading.Thread(target=self._actions.show_window, args=(page,), name="tray-page").start()


def icon_variant() -> str:
    """Which drawing suits the panel: `template` on macOS, for a `light` or `dark` panel, or for `any`."""
    if sys.platform == "darwin":
        return "template"
    if sys.platform == "win32":
        return _windows_variant()
    # `panel_colour` may know better.
    return "any"


def _windows_variant() -> str:
    import winreg  # Windows only

    # The module has no attributes for the type checker on other systems.
    registry: Any = winreg
    try:
        with registry.OpenKey(
            registry.HKEY_CURRENT_USER, r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        ) as key:
            return "light" if registry.QueryValueEx(key, "SystemUsesLightTheme")[0] else "dark"
    except OSError:
        return "dark"


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
