"""What `gridbear doctor` sees of the desktop: whether a window and an icon can be shown, and the start at login."""

from __future__ import annotations

from collections.abc import Iterator

from gridbear_desktop import display
from gridbear_desktop.autostart import Autostart
from server.cli.doctor_checks import Finding


def desktop_findings() -> Iterator[Finding]:
    """Every finding. Nothing is shown."""
    if not display.has_display():
        yield Finding("display", "ok", "there is none here: GridBear runs without tray and window.")
        return
    if not display.has_web_engine():
        yield Finding("web engine", "attention", "there is none for a window of our own: the browser opens instead.")
    else:
        yield Finding("web engine", "ok", "windows can be shown.")
    backend = display.tray_backend()
    if backend is None:
        text = "no panel here takes icons: GridBear opens its window. On GNOME an AppIndicator extension brings one."
        yield Finding("tray", "attention", text)
    else:
        yield Finding("tray", "ok", f"icons are shown ({backend}).")
    item = Autostart()
    command = item.command
    yield Finding("start at login", "ok", f"off ({item.place})." if command is None else f"on: {' '.join(command)}.")
