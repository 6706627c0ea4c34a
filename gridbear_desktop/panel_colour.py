"""Which drawing of the icon the panel wants. Nothing tells a panel's colour; of two desktops it can be known.

A name of an icon that panels colour themselves (`-symbolic`) is no way: those that do not would show it black.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from gridbear_desktop.session_bus import Body, SessionBus, call

NAME = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
INTERFACE = "org.freedesktop.portal.Settings"
NAMESPACE, KEY = "org.freedesktop.appearance", "color-scheme"
ANY = "any"
VARIANTS = {1: "dark", 2: "light"}
OTHER_PANELS = frozenset(("Budgie", "GNOME-Classic", "GNOME-Flashback"))
"""They call themselves GNOME too, with panels of their own."""


class PanelColour:
    """`variant` is the drawing for the panel (see `tray.icon_variant`); `changed` is called when it is another."""

    def __init__(self, bus: SessionBus, changed: Callable[[], None], env: Mapping[str, str] = os.environ) -> None:
        self.variant = ANY
        self._changed = changed
        desktops = set(env.get("XDG_CURRENT_DESKTOP", "").split(":"))
        if "GNOME" in desktops and not desktops & OTHER_PANELS:
            # Its panel is dark whatever its windows are.
            self.variant = "dark"
        elif "KDE" in desktops:
            # Its panel is of the colours of its windows, which its portal tells. Others, such as Xfce, let the panel
            # be dark where windows are light.
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
        variant = VARIANTS.get(value[1], ANY) if value[0] == "u" else ANY
        if variant != self.variant:
            self.variant = variant
            self._changed()
