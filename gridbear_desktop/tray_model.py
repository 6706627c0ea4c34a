"""What the tray shows and offers, whatever draws it: a menu, a title and an icon for the launcher's present state."""

from __future__ import annotations

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
