"""A desktop's notification service on the session bus: prints title and text of each notice as a line of JSON."""

from __future__ import annotations

import json
from typing import Any

from gi.repository import Gio, GLib  # of the system

INTERFACE = """<node><interface name="org.freedesktop.Notifications">
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
</interface></node>"""


def called(_bus: Any, _who: str, _path: str, _interface: str, method: str, given: Any, answer: Any) -> None:
    if method == "Notify":
        print(json.dumps(given.unpack()[3:5]), flush=True)
        answer.return_value(GLib.Variant("(u)", (1,)))
    else:
        answer.return_value(None)


def acquired(bus: Any, _name: str) -> None:
    interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
    bus.register_object("/org/freedesktop/Notifications", interface, called, None, None)


def named(_bus: Any, _name: str) -> None:
    print(json.dumps("ready"), flush=True)


Gio.bus_own_name(
    Gio.BusType.SESSION, "org.freedesktop.Notifications", Gio.BusNameOwnerFlags.NONE, acquired, named, None
)
GLib.MainLoop().run()
