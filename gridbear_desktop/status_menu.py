"""The tray's menu as an object on D-Bus (`com.canonical.dbusmenu`): the panel draws it and says what was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridbear_desktop.session_bus import Answer, Method, SessionBus, plain
from gridbear_desktop.tray_model import Entry, TrayModel

PATH = "/StatusNotifierItem/Menu"
INTERFACE = "com.canonical.dbusmenu"
ROOT = 0
_ROOT_LOOKS: dict[str, tuple[str, Any]] = {"children-display": ("s", "submenu")}

Looks = dict[str, tuple[str, Any]]
"""Properties of a line: name to signature and value."""


def _looks(entry: Entry) -> Looks:
    looks: Looks = {
        # A single one marks a key.
        "label": ("s", plain(entry.text).replace("_", "__")),
        "enabled": ("b", entry.enabled),
        "visible": ("b", entry.visible),
    }
    if entry.checked is not None:
        looks |= {"toggle-type": ("s", "checkmark"), "toggle-state": ("i", int(entry.checked))}
    return looks


class StatusMenu:
    """The lines of the model, numbered from 1: there are always as many."""

    def __init__(self, bus: SessionBus, model: TrayModel) -> None:
        self._bus = bus
        self._model = model
        self._keys: dict[int, str] = {}
        self._shown: dict[int, Looks] = {}
        self._look()
        methods: Mapping[str, Method] = {
            "GetLayout": ("iias", self._layout),
            "GetGroupProperties": ("aias", self._group_properties),
            "GetProperty": ("is", self._property),
            "Event": ("isvu", self._event),
            "EventGroup": ("a(isvu)", self._event_group),
            "AboutToShow": ("i", self._about_to_show),
            "AboutToShowGroup": ("ai", self._about_to_show_group),
        }
        bus.export(PATH, INTERFACE, methods, self._properties)

    def refresh(self) -> None:
        """Tell whoever shows the menu which lines look different now."""
        changed = self._look()
        if changed:
            self._bus.tell(PATH, INTERFACE, "ItemsPropertiesUpdated", "a(ia{sv})a(ias)", (changed, []))

    def _look(self) -> list[tuple[int, Looks]]:
        before, self._shown = self._shown, {}
        for number, entry in enumerate(self._model.entries(), ROOT + 1):
            self._keys[number] = entry.key
            self._shown[number] = _looks(entry)
        return [(number, looks) for number, looks in self._shown.items() if looks != before.get(number)]

    def _properties(self) -> Looks:
        return {
            "Version": ("u", 3),
            "TextDirection": ("s", "ltr"),
            "Status": ("s", "normal"),
            "IconThemePath": ("as", []),
        }

    def _layout(self, parent: int, depth: int, names: list[str]) -> Answer:
        looks = _ROOT_LOOKS if parent == ROOT else self._shown[parent]
        lines: Mapping[int, Looks] = self._shown if parent == ROOT and depth != 0 else {}
        children: list[tuple[str, Any]] = [
            ("(ia{sv}av)", (number, _only(one, names), [])) for number, one in lines.items()
        ]
        # The lines of a menu never change, so that there is but one revision of it.
        return "u(ia{sv}av)", (1, (parent, _only(looks, names), children))

    def _group_properties(self, numbers: list[int], names: list[str]) -> Answer:
        found = [(number, _only(looks, names)) for number, looks in self._shown.items()
                 if not numbers or number in numbers]  # fmt: skip
        return "a(ia{sv})", (found,)

    def _property(self, number: int, name: str) -> Answer:
        return "v", ((_ROOT_LOOKS if number == ROOT else self._shown[number])[name],)

    def _event(self, number: int, event: str, _data: tuple[str, Any], _time: int) -> Answer:
        if number != ROOT:
            looks = self._shown[number]
            if event == "clicked" and looks["enabled"][1] and looks["visible"][1]:
                self._model.click(self._keys[number])
        return "", ()

    def _event_group(self, events: list[tuple[int, str, tuple[str, Any], int]]) -> Answer:
        unknown = [number for number, *_ in events if number != ROOT and number not in self._shown]
        for number, event, data, time in events:
            if number not in unknown:
                self._event(number, event, data, time)
        return "ai", (unknown,)

    def _about_to_show(self, _number: int) -> Answer:
        # What has changed is told at once; nothing has to be asked for anew.
        self.refresh()
        return "b", (False,)

    def _about_to_show_group(self, numbers: list[int]) -> Answer:
        self.refresh()
        unknown = [number for number in numbers if number != ROOT and number not in self._shown]
        return "aiai", ([], unknown)


def _only(looks: Looks, names: list[str]) -> Looks:
    return {name: value for name, value in looks.items() if not names or name in names}
