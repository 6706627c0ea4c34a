"""The session's D-Bus, for one thread: what it asks others, what it answers them, and signals."""

from __future__ import annotations

import itertools
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageFlag,
    MessageType,
    Parser,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.bus import get_bus
from jeepney.io.blocking import prep_socket

SECONDS = 3.0
"""Longer no bus takes to let one in, to answer, or to take what it is sent."""
PROPERTIES = "org.freedesktop.DBus.Properties"
ERRORS = "org.freedesktop.DBus.Error"

Body = tuple[Any, ...]
Answer = tuple[str, Body]
"""A signature of D-Bus, and what it describes."""
Method = tuple[str, Callable[..., Answer]]
"""The signature of what a method is given, and the method."""
Listener = tuple[str | None, Callable[..., None]]
"""The signature of what a signal says, and who hears it; None: it matters only that it came."""
Properties = Callable[[], Mapping[str, tuple[str, Any]]]
"""The present properties of an object: name to signature and value."""

_NOBODY: Listener = (None, lambda: None)

log = logging.getLogger(__name__)


class NoBus(Exception):
    """There is no session bus, or it has gone."""


def plain(text: str) -> str:
    """`text` as a bus takes it: it throws out who sends a NUL or half a character."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def call(name: str, path: str, interface: str, member: str, signature: str = "", body: Body = ()) -> Message:
    """The message that calls a method of who owns `name` on the bus."""
    return new_method_call(DBusAddress(path, name, interface), member, signature or None, body)


def get_property(name: str, path: str, interface: str, wanted: str) -> Message:
    """The message that asks for a property; the answer is one pair of signature and value."""
    return call(name, path, PROPERTIES, "Get", "ss", (interface, wanted))


class SessionBus:
    """One connection. Raises NoBus where there is no session bus that lets us in, and later when it has gone.

    Whoever waits for `fileno` calls `work` when there is something to read.
    """

    def __init__(self) -> None:
        self._serials = itertools.count(1)
        self._parser = Parser()
        self._asked: dict[int, tuple[str | None, Callable[[Body | None], None]]] = {}
        self._listeners: dict[tuple[str, str], Listener] = {}
        self._objects: dict[tuple[str, str], Mapping[str, Method]] = {}
        self._properties: dict[tuple[str, str], Properties] = {}
        self._socket = _connected()
        self._socket.settimeout(SECONDS)
        try:
            hello = self.answer_to(message_bus.Hello(), "s")
        except NoBus:
            self.close()
            raise
        if hello is None:
            self.close()
            raise NoBus("the session bus does not let us in")
        self.name = str(hello[0])
        """What we are called on the bus."""

    def fileno(self) -> int:
        return int(self._socket.fileno())

    def close(self) -> None:
        self._socket.close()

    def send(self, message: Message) -> int:
        """Send `message`; returns its number."""
        number = next(self._serials)
        try:
            self._socket.sendall(message.serialise(serial=number))
        except TimeoutError as error:
            raise NoBus("the session bus takes nothing") from error
        except OSError as error:
            raise NoBus(f"the session bus has gone ({error})") from error
        return number

    def ask(self, message: Message, signature: str | None, then: Callable[[Body | None], None]) -> None:
        """Send a call. `then` gets the body of the answer, None when that is an error or not of `signature`.

        Without a signature any answer will do.
        """
        self._asked[self.send(message)] = signature, then

    def answer_to(self, message: Message, signature: str) -> Body | None:
        """The body of the answer; None when that is an error, not of `signature`, or none comes in time.

        For use before others wait.
        """
        answers: list[Body | None] = []
        self.ask(message, signature, answers.append)
        deadline = time.monotonic() + SECONDS
        while not answers and time.monotonic() < deadline:
            self.work()
        return answers[0] if answers else None

    def listen(
        self,
        sender: str,
        interface: str,
        member: str,
        signature: str | None,
        then: Callable[..., None],
        about: str = "",
    ) -> None:
        """Call `then` with what each such signal of `signature` says; without a signature with nothing, for any.

        With `about` the bus passes on only those whose first word that is.
        """
        rule = MatchRule(type="signal", sender=sender, interface=interface, member=member)
        if about:
            rule.add_arg_condition(0, about)
        self._listeners[interface, member] = signature, then
        self.send(message_bus.AddMatch(rule))

    def export(self, path: str, interface: str, methods: Mapping[str, Method], properties: Properties) -> None:
        """Answer calls of these methods, and of the standard ones for properties. A LookupError is a bad argument."""
        self._objects[path, interface] = methods
        self._properties[path, interface] = properties

    def tell(self, path: str, interface: str, member: str, signature: str = "", body: Body = ()) -> None:
        """Send a signal to whoever listens."""
        self.send(new_signal(DBusAddress(path, interface=interface), member, signature or None, body))

    def work(self) -> None:
        """Wait for the next messages, and do what they want."""
        try:
            data = self._socket.recv(65536)
        except TimeoutError as error:
            raise NoBus("the session bus does not answer") from error
        except OSError as error:
            raise NoBus(f"the session bus has gone ({error})") from error
        if not data:
            raise NoBus("the session bus has gone")
        self._parser.add_data(data)
        while (message := self._parser.get_next_message()) is not None:
            self._take(message)

    def _take(self, message: Message) -> None:
        header, fields = message.header, message.header.fields
        if header.message_type is MessageType.method_call:
            reply = self._reply(message)
            if MessageFlag.no_reply_expected not in header.flags:
                self.send(reply)
        elif header.message_type is MessageType.signal:
            wanted, heard = self._listeners.get((fields[HeaderFields.interface], fields[HeaderFields.member]), _NOBODY)
            # What is sent to us alone passes by what the bus was told to match.
            if wanted is None:
                heard()
            elif fields.get(HeaderFields.signature, "") == wanted:
                heard(*message.body)
        elif (asked := self._asked.pop(fields[HeaderFields.reply_serial], None)) is not None:
            wanted, answered = asked
            fits = wanted is None or fields.get(HeaderFields.signature, "") == wanted
            fits = fits and header.message_type is MessageType.method_return
            if not fits:
                log.debug("refused on the session bus: %s %s", fields.get(HeaderFields.error_name), message.body)
            answered(message.body if fits else None)

    def _reply(self, message: Message) -> Message:
        fields = message.header.fields
        path, member = fields[HeaderFields.path], fields[HeaderFields.member]
        interface = fields.get(HeaderFields.interface, "")
        if (interface, member) == ("org.freedesktop.DBus.Peer", "Ping"):
            return new_method_return(message)
        method = self._property_methods(path).get(member) if interface == PROPERTIES else None
        method = method or self._objects.get((path, interface), {}).get(member)
        if method is None:
            return new_error(message, f"{ERRORS}.UnknownMethod", "s", (f"{path} has no {interface}.{member}",))
        signature, answer = method
        if fields.get(HeaderFields.signature, "") != signature:
            return new_error(message, f"{ERRORS}.InvalidArgs", "s", (f"{member} wants {signature or 'nothing'}",))
        try:
            told, body = answer(*message.body)
        except LookupError as error:
            return new_error(message, f"{ERRORS}.InvalidArgs", "s", (f"there is no {error}",))
        return new_method_return(message, told or None, body)

    def _property_methods(self, path: str) -> Mapping[str, Method]:
        def get(interface: str, name: str) -> Answer:
            return "v", (self._properties[path, interface]()[name],)

        def get_all(interface: str) -> Answer:
            return "a{sv}", (dict(self._properties[path, interface]()),)

        return {"Get": ("ss", get), "GetAll": ("s", get_all)}


def _connected() -> socket.socket:
    # Where systemd's convention for those that are not told.
    given = os.environ.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path={os.environ.get('XDG_RUNTIME_DIR', '')}/bus"
    try:
        connected: socket.socket = prep_socket(get_bus(given), timeout=SECONDS)
    except (OSError, LookupError, RuntimeError, ValueError) as error:
        raise NoBus(f"there is no session bus ({error})") from error
    return connected
