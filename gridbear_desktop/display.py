"""What this session can show: a window, a tray icon."""

from __future__ import annotations

import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from server.this_computer import program

QT_SECONDS = 15.0

log = logging.getLogger(__name__)


def has_display(env: Mapping[str, str] | None = None, platform: str = sys.platform) -> bool:
    """Whether a window could be shown. macOS and Windows always have a desktop for a program started by a person."""
    env = os.environ if env is None else env
    return platform in ("win32", "darwin") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def session(env: Mapping[str, str] | None = None, platform: str = sys.platform) -> str:
    """The login that this is, where a person can have several at once: by its display. Empty where they can't."""
    env = os.environ if env is None else env
    if platform in ("win32", "darwin"):
        return ""
    return env.get("WAYLAND_DISPLAY") or env.get("DISPLAY") or ""


def tray_backend(platform: str = sys.platform) -> str | None:
    """The backend (see `tray.view_of`) whose icon a person will see, or None where a tray would be invisible.

    On Linux that takes a panel that shows icons (GNOME has none without an extension): one that draws what it is told
    over D-Bus, or takes what GTK or Qt draw. pystray's Xorg backend is never used: it shows no menu and can hang.
    """
    has_pystray = importlib.util.find_spec("pystray") is not None
    if platform in ("win32", "darwin"):
        return platform if has_pystray else None
    own = status_item_tray()
    drawn = None if own else (_gtk_tray() if has_pystray else None) or _qt_tray()
    # At a sign-in the panel may have come while the others were asked, which then found it too.
    return own or (status_item_tray() if drawn else None) or drawn


def status_item_tray() -> str | None:
    """The backend of a panel that draws the icon itself, if there is one: it needs no toolkit, and little memory."""
    if importlib.util.find_spec("jeepney") is None:
        return None
    from gridbear_desktop import session_bus, tray_status_item  # of Linux alone

    try:
        return "status-item" if tray_status_item.has_panel() else None
    except session_bus.NoBus as error:
        log.debug("no icon over D-Bus: %s", error)
        return None


def _gtk_tray() -> str | None:
    bus = _session_bus()
    # pystray's GTK backends want a session bus for notifications and raise without one.
    if bus is None or not (_has_status_notifier(bus) or has_embedding_tray()):
        return None
    return _gtk_backend()


def _qt_tray() -> str | None:
    """Asked in a process of its own: where a library of the system's is missing, Qt ends the process that uses it."""
    if importlib.util.find_spec("PySide6") is None:
        return None
    return "qt" if _says_yes("tray", "--ask-qt") else None


def has_web_engine() -> bool:
    """Whether windows can be shown, asked in a process of its own for the same reason."""
    return _says_yes("window", "--ask-engine")


def _says_yes(*arguments: str) -> bool:
    try:
        asked = subprocess.run(
            [*program(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=QT_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _gtk_backend() -> str | None:
    try:
        import gi  # of the system; absent on many machines
    except ImportError:
        return None
    for backend, namespace, version in (
        ("appindicator", "AyatanaAppIndicator3", "0.1"),
        ("appindicator", "AppIndicator3", "0.1"),
        ("gtk", "Gtk", "3.0"),
    ):
        try:
            gi.require_version("Gtk", "3.0")
            gi.require_version(namespace, version)
        except ValueError:
            continue
        return backend
    return None


def _session_bus() -> Any:
    """The connection to the session's D-Bus, or None where there is none."""
    try:
        from gi.repository import Gio, GLib  # of the system; absent on many machines
    except ImportError:
        return None
    try:
        return Gio.bus_get_sync(Gio.BusType.SESSION, None)
    except GLib.Error:
        return None


def _has_status_notifier(bus: Any) -> bool:
    """Whether a panel takes icons over D-Bus (KDE, Ubuntu, GNOME with its extension)."""
    from gi.repository import Gio, GLib  # of the system; there whenever there is a bus

    try:
        answer = bus.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
            GLib.Variant("(s)", ("org.kde.StatusNotifierWatcher",)), None, Gio.DBusCallFlags.NONE, 1000, None,
        )  # fmt: skip
    except GLib.Error:
        return False
    return bool(answer.unpack()[0])


def has_embedding_tray() -> bool:
    """Whether an X11 panel takes icons the old way (XEmbed)."""
    if not os.environ.get("DISPLAY"):
        return False
    try:
        from Xlib import X, display, error  # comes with pystray on Linux alone
    except ImportError:
        return False
    try:
        screen = display.Display()
        try:
            owner = screen.get_selection_owner(screen.intern_atom(f"_NET_SYSTEM_TRAY_S{screen.get_default_screen()}"))
            return bool(owner != X.NONE)
        finally:
            screen.close()
    except (error.DisplayError, error.ConnectionClosedError, OSError):
        # A display that goes away, or starts anew, while it is asked.
        return False
