"""What a server offers, kept in memory as it wrote it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.mcp_gateway.catalogue.definition import definition_hash
from server.mcp_gateway.catalogue.names import own_name, public_name
from server.mcp_gateway.catalogue.shape import readable_tool

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its definition as received (or with an admin's description), and the names it is called by."""

    server: str
    name: str
    """As its server knows it."""
    own_name: str
    """On the endpoint of its server alone."""
    public_name: str
    """On the endpoint of all servers."""
    raw: Mapping[str, Any]
    definition_hash: str
    """Of the definition as received."""
    version: str | None = None
    """Of its server's package, or the plugin that has it, where that is known."""

    @property
    def sealed(self) -> tuple[str, str | None]:
        """What it is: another definition, or the same in another version of the package, is another tool."""
        return self.definition_hash, self.version

    @property
    def input_schema(self) -> Mapping[str, Any] | None:
        schema = self.raw.get("inputSchema")
        return schema if isinstance(schema, dict) else None

    def as_listed(self, *, prefixed: bool) -> dict[str, Any]:
        """The description for a client: everything untouched but the name."""
        return {**self.raw, "name": self.public_name if prefixed else self.own_name}

    def summary(self) -> dict[str, Any]:
        """`name`, `title`, `description` for a page."""
        hints = self.raw.get("annotations")
        title = self.raw.get("title") or (hints.get("title") if isinstance(hints, dict) else None)
        return {"name": self.own_name, "title": title, "description": self.raw.get("description")}

    def described(self) -> dict[str, Any]:
        """All of it for a page, in our words: schemas and hints are as the server wrote them."""
        return {
            **self.summary(),
            "original_name": self.name,
            "public_name": self.public_name,
            "input_schema": self.input_schema,
            "output_schema": self.raw.get("outputSchema"),
            "annotations": self.raw.get("annotations") or {},
        }


def catalogue_of(server: str, raw_tools: Sequence[Mapping[str, Any]], version: str | None = None) -> dict[str, Tool]:
    """Tools of a server of this program by public name, in its order. Of two with one name the first is kept."""
    tools: dict[str, Tool] = {}
    for raw in raw_tools:
        name = raw.get("name")
        if not isinstance(name, str) or not name:
            continue
        shaped = readable_tool(raw)
        if isinstance(shaped, str):
            _log.warning("MCP server %s: left out: %s: %s", server, name, shaped)
            continue
        own = own_name(name)
        tool = Tool(server, name, own, public_name(server, own), shaped, definition_hash(shaped), version)
        if tools.setdefault(tool.public_name, tool) is not tool:
            _log.warning("MCP server %s has two tools named %s; the first is kept", server, name)
    return tools


def has_header_fields(raw: Mapping[str, Any]) -> bool:
    """Whether a tool's schema asks for arguments to be repeated in headers."""
    schema = raw.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return False
    return any(isinstance(value, dict) and "x-mcp-header" in value for value in properties.values())
