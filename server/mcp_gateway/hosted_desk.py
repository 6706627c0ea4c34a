"""What REST tells of the tools of servers that are part of this program, and what admins decide about each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.errors import Conflict, NotFound, ValidationFailed
from server.mcp_gateway.builtin_tools.definitions import OWN_SERVER, TOOLS
from server.mcp_gateway.catalogue.definition import definition_hash, key_of
from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.own_tools import MODEL, Decided, OwnTools, wanted
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.hosted import Hosted
from server.records.service import Records

_GATEWAYS_OWN = [Tool(OWN_SERVER, name, name, name, raw, definition_hash(raw)) for name, raw in TOOLS.items()]
_AS_IT_IS: dict[str, Any] = {"enabled": True, "alias": None, "description": None}


class OwnToolDesk:
    """All of it passes `records`, which keep the audit log."""

    def __init__(self, records: Records, own_tools: OwnTools, hosted: Hosted) -> None:
        self._records = records
        self._own_tools = own_tools
        self._hosted = hosted

    def servers(self, actor: Actor) -> list[dict[str, Any]]:
        """Those of which `actor` may use something: `name`, `kind`, `tools` (how many).

        `kind`: `gateway` for the gateway's own tools, `records`, or `plugin`.
        """
        found = [
            {"name": name, "kind": _kind(name), "tools": len(self._hosted.tools(actor, name))}
            for name in self._names(actor)
        ]
        own = {"name": OWN_SERVER, "kind": "gateway", "tools": len(TOOLS)}
        return [own, *found] if actor.is_signed_in and actor.reaches_tools else found

    def listed(self, actor: Actor, server: str) -> list[dict[str, Any]]:
        """What a server offers to `actor`; to admins also what is off, and what a rule keeps from them.

        Raises NotFound.
        """
        if server == OWN_SERVER and actor.is_signed_in and actor.reaches_tools:
            return [{**_described(tool, None), "fixed": True} for tool in _GATEWAYS_OWN]
        if server not in self._names(actor):
            raise NotFound(f"There is no MCP server {server!r} in this program.")
        if not actor.is_admin:
            return [_described(tool, None) for tool in self._hosted.tools(actor, server).values()]
        return [self._told(server, tool) for tool in self._hosted.undressed(actor, server).values()]

    async def change(self, actor: Actor, server: str, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change `enabled`, `alias` or `description`. Raises Forbidden, NotFound, ValidationFailed."""
        self._records.policy.allow(actor, self._records.registry.get(MODEL), "update")
        if server == OWN_SERVER:
            raise Conflict("The gateway's own tools can't be switched off or renamed.")
        tools = self._hosted.undressed(actor, server)
        tool = self._own_tools.named(server, tools, name)
        if tool is None:
            raise NotFound(f"The MCP server {server} has no tool {name!r}.")
        alias = values.get("alias")
        if alias and alias != tool.own_name and public_name(server, alias) in tools:
            raise ValidationFailed.of("alias", "taken", "another tool of this server has this name")
        row = self._own_tools.of(server).get(key_of(tool.name))
        if row is None:
            await self._records.create(
                actor, MODEL, {**_AS_IT_IS, **values, "server": server, "name": key_of(tool.name)}
            )
        else:
            await self._records.update(actor, MODEL, row.id, values)
        return self._told(server, tool)

    def _names(self, actor: Actor) -> list[str]:
        allowed = self._hosted.names() if actor.is_admin else self._hosted.names_for(actor)
        return sorted(allowed)

    def _told(self, server: str, tool: Tool) -> dict[str, Any]:
        return _described(tool, self._own_tools.of(server).get(key_of(tool.name)))


def _kind(name: str) -> str:
    return "records" if name == "records" else "plugin"


def _described(tool: Tool, row: Decided | None) -> dict[str, Any]:
    shown = tool if row is None else wanted(tool, row, row.alias)
    return {
        **shown.described(),
        "state": "approved",
        "enabled": row is None or row.enabled,
        "alias": None if row is None else row.alias,
        "original_description": tool.raw.get("description"),
    }
