"""Tools of servers that are part of this program, as an admin wants them: switched off, renamed, described anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from server.access.actor import SYSTEM
from server.events.bus import Bus
from server.mcp_gateway.catalogue.behaviour import OwnToolBehaviour
from server.mcp_gateway.catalogue.definition import key_of
from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.tool import Tool
from server.records.service import Records

MODEL = "own_tools"
_MOST_KNOWN = 128


@dataclass(frozen=True, slots=True)
class Decided:
    """A row: what an admin wants of one tool."""

    id: int
    enabled: bool
    alias: str | None
    description: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Decided:
        """From a stored row."""
        return cls(int(row["id"]), bool(row["enabled"]), row["alias"] or None, row["description"] or None)


class OwnTools:
    """Answers from memory. All methods run on the event loop."""

    def __init__(self, records: Records, bus: Bus) -> None:
        self._records = records
        self._decided: dict[str, dict[str, Decided]] = {}
        self._known: dict[int, tuple[Mapping[str, Tool], Mapping[str, Tool]]] = {}
        """What was made of a server's tools, with these, which are others after each change."""
        records.behave(MODEL, OwnToolBehaviour())
        self.stop: Callable[[], None] = bus.subscribe(lambda _event: self.load(), (MODEL,))

    def load(self) -> None:
        """Put what is stored in force."""
        self._known.clear()
        self._decided = {}
        for row in self._records.all_now(SYSTEM, MODEL):
            self._decided.setdefault(str(row["server"]), {})[str(row["name"])] = Decided.of(row)

    def of(self, server: str) -> Mapping[str, Decided]:
        """What was decided about a server's tools, by the key of each (`key_of`)."""
        return self._decided.get(server, {})

    def dressed(self, server: str, tools: Mapping[str, Tool]) -> Mapping[str, Tool]:
        """A server's tools by public name, less those that are off, under their names and descriptions of today."""
        decided = self._decided.get(server)
        if not decided:
            return tools
        known = self._known.get(id(tools))
        if known is None or known[0] is not tools:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[id(tools)] = tools, _dressed(server, tools, decided)
        return known[1]

    def named(self, server: str, tools: Mapping[str, Tool], name: str) -> Tool | None:
        """One of a server's tools as it was before anything was decided, by its name there or that of today."""
        offered = self.dressed(server, tools).get(public_name(server, name))
        wanted_name = name if offered is None else offered.name
        return next((tool for tool in tools.values() if tool.name in (name, wanted_name)), None)


def wanted(tool: Tool, row: Decided, alias: str | None) -> Tool:
    """A tool under another name and with another description."""
    name = alias or tool.own_name
    raw = tool.raw if row.description is None else {**tool.raw, "description": row.description}
    return replace(tool, own_name=name, public_name=public_name(tool.server, name), raw=raw)


def _dressed(server: str, tools: Mapping[str, Tool], decided: Mapping[str, Decided]) -> dict[str, Tool]:
    found: dict[str, Tool] = {}
    for tool in tools.values():
        row = decided.get(key_of(tool.name))
        if row is None:
            found.setdefault(tool.public_name, tool)
        elif row.enabled:
            # A plugin may have got a tool of that very name since: each tool's own name stays its own.
            free = row.alias is not None and public_name(server, row.alias) not in tools
            one = wanted(tool, row, row.alias if free else None)
            found.setdefault(one.public_name, one)
    return found
