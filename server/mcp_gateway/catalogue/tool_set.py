"""The tools that one connection offers just now: what its server listed, less what is switched off or waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from server.mcp_gateway.catalogue.definition import key_of
from server.mcp_gateway.catalogue.instructions import KEY as INSTRUCTIONS
from server.mcp_gateway.catalogue.known_tool import KnownTool, Listed
from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.failures import unknown_tool, waits_for_approval


class ToolSet:
    """Made once, never changed. In the order in which the tools were first seen."""

    def __init__(
        self, server: str, listed: Sequence[Listed] = (), known: Mapping[str, KnownTool] | None = None,
        *, asks: bool = True
    ) -> None:  # fmt: skip
        self._server = server
        self.by_public_name: dict[str, Tool] = {}
        self.by_own_name: dict[str, Tool] = {}
        self._waiting: dict[str, Tool] = {}
        self.instructions: str | None = None
        """What the server says to models about all of it."""
        self._instructions_wait = False
        pairs = [(row, tool) for tool in listed if (row := (known or {}).get(tool.key)) is not None]
        for row, tool in sorted(pairs, key=lambda pair: pair[0].id):
            offered = _offered(server, row, tool)
            if tool.key == INSTRUCTIONS:
                self._instructions_wait = row.enabled and asks and tool.approval not in row.approvals
                self.instructions = offered.raw["description"] if row.enabled and not self._instructions_wait else None
                continue
            if not row.enabled or offered.public_name in self.by_public_name or offered.own_name in self.by_own_name:
                continue
            if asks and tool.approval not in row.approvals:
                self._waiting[offered.public_name] = offered
                continue
            self.by_public_name[offered.public_name] = offered
            self.by_own_name[offered.own_name] = offered

    @property
    def waiting(self) -> int:
        """How many wait for an admin's approval, the instructions among them."""
        return len(self._waiting) + self._instructions_wait

    def find(self, name: str, *, by_own_name: bool) -> Tool | None:
        """A tool by the name that an endpoint gives it."""
        return (self.by_own_name if by_own_name else self.by_public_name).get(name)

    def still(self, tool: Tool, *, owned: bool) -> Tool:
        """What is offered now of a tool that was found a while ago. Raises CallFailed when it is not any more."""
        now = self.by_public_name.get(tool.public_name)
        if now is not None and now.name == tool.name:
            return now
        if tool.public_name not in self._waiting:
            raise unknown_tool(tool.public_name)
        raise waits_for_approval(tool.public_name, owned=owned)

    def by_key(self, key: str) -> tuple[Tool, bool] | None:
        """A tool by what it is kept under, and whether it waits."""
        for tools, waits in ((self.by_public_name, False), (self._waiting, True)):
            for tool in tools.values():
                if key_of(tool.name) == key:
                    return tool, waits
        return None

    def find_waiting(self, name: str, *, by_own_name: bool) -> Tool | None:
        """A tool that waits for an admin's approval."""
        return self._waiting.get(public_name(self._server, name) if by_own_name else name)


def _offered(server: str, row: KnownTool, tool: Listed) -> Tool:
    raw = tool.raw if row.description is None else {**tool.raw, "description": row.description}
    public = public_name(server, row.own_name)
    return Tool(server, tool.name, row.own_name, public, raw, tool.definition_hash, tool.version)
