"""A panel for tests: the watcher of icons and the notification service of a desktop on one D-Bus connection.

It works while a test waits for something, in the test's own thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection

WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
ITEM_PATH = "/StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
PROPERTIES = "org.freedesktop.DBus.Properties"
PORTAL = "org.freedesktop.portal.Desktop"
PORTAL_SETTINGS = "org.freedesktop.portal.Settings"
APPEARANCE = "org.freedesktop.appearance"
NOTIFICATIONS = "org.freedesktop.Notifications"
SECONDS = 60.0


class Refused(Exception):
    """What was asked is answered with this error: its name, and its words."""


class StatusHost:
    """Owns the watcher's name from `appear` to `vanish`. `items` are the bus names of those that registered."""

    def __init__(self, address: str) -> None:
        self.bus: DBusConnection = open_dbus_connection(address)
        self.items: list[str] = []
        self.signals: list[tuple[str, tuple[Any, ...]]] = []
        self.notices: list[tuple[Any, ...]] = []
        self.has_panel = True
        self.refuses = False
        self.colour_scheme = 0
        """1 where dark is preferred, 2 where light is."""
        self.capabilities = ["actions", "body", "body-markup"]
        self.is_confused = False
        """Whether it answers with other things than were asked for."""
        self._ask_bus(message_bus.AddMatch(MatchRule(type="signal", path_namespace=ITEM_PATH)))

    def close(self) -> None:
        self.bus.close()

    def appear(self) -> None:
        self._ask_bus(message_bus.RequestName(WATCHER))

    def vanish(self) -> None:
        self._ask_bus(message_bus.ReleaseName(WATCHER))
        self.items.clear()

    def show_notices(self) -> None:
        self._ask_bus(message_bus.RequestName(NOTIFICATIONS))

    def tell_colours(self) -> None:
        self._ask_bus(message_bus.RequestName(PORTAL))

    def colours_are(self, scheme: int) -> None:
        """The desktop changes to dark (1) or light (2)."""
        self.colour_scheme = scheme
        emitter = DBusAddress("/org/freedesktop/portal/desktop", interface=PORTAL_SETTINGS)
        for key, value in (("accent-color", ("(ddd)", (0.1, 0.2, 0.3))), ("color-scheme", ("u", scheme))):
            self.bus.send(new_signal(emitter, "SettingChanged", "ssv", (APPEARANCE, key, value)))

    def panel_is(self, there: bool) -> None:
        """A panel comes to the watcher, or goes."""
        self.has_panel = there
        change = "StatusNotifierHostRegistered" if there else "StatusNotifierHostUnregistered"
        self.bus.send(new_signal(DBusAddress(WATCHER_PATH, interface=WATCHER), change))

    def click_notice(self, number: int, action: str = "default", token: str = "") -> None:
        emitter = DBusAddress("/org/freedesktop/Notifications", interface=NOTIFICATIONS)
        if token:
            self.bus.send(new_signal(emitter, "ActivationToken", "us", (number, token)))
        self.bus.send(new_signal(emitter, "ActionInvoked", "us", (number, action)))

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Serve until `condition` is true; returns its value."""
        deadline = time.monotonic() + SECONDS
        while not (value := condition()):
            assert time.monotonic() < deadline, f"{what} did not happen within {SECONDS} s"
            self.serve()
        return value

    def serve(self, seconds: float = 0.02) -> None:
        try:
            self._take(self.bus.receive(timeout=seconds))
        except TimeoutError:
            return

    def ask(self, path: str, interface: str, member: str, signature: str | None = None, *body: Any) -> Any:
        """What the item answers to a call: its body. Raises Refused."""
        item = self.until(lambda: self.items, "the registration of an item")[-1]
        return self._answer(new_method_call(DBusAddress(path, item, interface), member, signature, body))

    def item(self) -> dict[str, Any]:
        """All properties of the icon."""
        found = self.ask(ITEM_PATH, PROPERTIES, "GetAll", "s", ITEM)[0]
        return {name: value for name, (_, value) in found.items()}

    @property
    def menu_path(self) -> str:
        return str(self.item()["Menu"])

    def menu(self) -> dict[str, tuple[int, dict[str, Any]]]:
        """The visible lines: label to number and properties."""
        _, (root, _, lines) = self.ask(self.menu_path, MENU, "GetLayout", "iias", 0, -1, [])
        assert root == 0
        plain = [(number, {name: value for name, (_, value) in looks.items()}) for _, (number, looks, _) in lines]
        return {looks["label"]: (number, looks) for number, looks in plain if looks["visible"]}

    def click(self, label: str) -> None:
        number, _ = next(line for text, line in self.menu().items() if text.startswith(label))
        self.ask(self.menu_path, MENU, "Event", "isvu", number, "clicked", ("i", 0), 0)

    def _ask_bus(self, message: Message) -> None:
        self._answer(message)

    def _answer(self, message: Message) -> Any:
        number = next(self.bus.outgoing_serial)
        self.bus.send(message, serial=number)
        while True:
            got = self.bus.receive(timeout=SECONDS)
            if got.header.fields.get(HeaderFields.reply_serial) != number:
                self._take(got)
            elif got.header.message_type is MessageType.error:
                raise Refused(got.header.fields[HeaderFields.error_name], *got.body)
            else:
                return got.body

    def _take(self, message: Message) -> None:
        fields = message.header.fields
        if message.header.message_type is MessageType.signal:
            self.signals.append((fields[HeaderFields.member], message.body))
        elif message.header.message_type is MessageType.method_call:
            self._reply(message, fields[HeaderFields.member])

    def _reply(self, message: Message, member: str) -> None:
        answer = None
        if self.is_confused and member in ("Read", "GetCapabilities", "Notify"):
            answer = new_method_return(message) if member == "Read" else new_method_return(message, "i", (5,))
        elif member == "RegisterStatusNotifierItem" and not self.refuses:
            # As panels do: an icon that registers again stays where it is.
            if message.body[0] not in self.items:
                self.items.append(message.body[0])
            answer = new_method_return(message)
        elif member == "Get" and message.body == (WATCHER, "IsStatusNotifierHostRegistered"):
            answer = new_method_return(message, "v", (("b", self.has_panel),))
        elif member == "Read" and message.body == (APPEARANCE, "color-scheme"):
            answer = new_method_return(message, "v", (("v", ("u", self.colour_scheme)),))
        elif member == "GetCapabilities":
            answer = new_method_return(message, "as", (self.capabilities,))
        elif member == "Notify":
            self.notices.append(message.body)
            answer = new_method_return(message, "u", (len(self.notices),))
        self.bus.send(answer or new_error(message, "org.freedesktop.DBus.Error.Failed", "s", (member,)))
