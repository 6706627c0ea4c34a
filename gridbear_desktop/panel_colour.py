"""Whether the desktop is light or dark, as its portal tells over D-Bus: the panel mostly is as well."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from gridbear_desktop.session_bus import Body, SessionBus, call

NAME = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
INTERFACE = "org.freedesktop.portal.Settings"
NAMESPACE, KEY = "org.freedesktop.appearance", "color-scheme"
PREFERS_LIGHT = 2


class PanelColour:
    """`variant` is the drawing for the panel (see `tray.icon_variant`); `changed` is called when it is another."""

    def __init__(self, bus: SessionBus, changed: Callable[[], None], env: Mapping[str, str] = os.environ) -> None:
        self.variant = "dark"
        self._changed = changed
        # GNOME's panel is dark whatever its windows are.
        if "GNOME" not in env.get("XDG_CURRENT_DESKTOP", "").split(":"):
            bus.listen(NAME, INTERFACE, "SettingChanged", "ssv", self._told, NAMESPACE)
            bus.ask(call(NAME, PATH, INTERFACE, "Read", "ss", (NAMESPACE, KEY)), "v", self._answered)

    def _answered(self, answer: Body | None) -> None:
        if answer is not None:
            self._told(NAMESPACE, KEY, answer[0])

    def _told(self, _namespace: str, key: str, value: tuple[str, Any]) -> None:
        if key != KEY:
            return
        # `Read` wraps it once more than others do.
        while value[0] == "v":
            value = value[1]
        variant = "light" if value == ("u", PREFERS_LIGHT) else "dark"
        if variant != self.variant:
            self.variant = variant
            self._changed()
