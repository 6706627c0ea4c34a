"""What REST tells of a server's tools, and what admins, and owners, do with them: switch, rename, approve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.errors import Conflict, Forbidden, NotFound, ValidationFailed
from server.mcp_gateway.catalogue.definition import changes, seal
from server.mcp_gateway.catalogue.instructions import KEY as INSTRUCTIONS
from server.mcp_gateway.catalogue.known_tool import KnownTool
from server.mcp_gateway.catalogue.learning import approved_now
from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.store import MODEL, ToolCatalogue
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.gateway import Gateway
from server.records.service import Records
from server.records.work import Work


class ToolDesk:
    """All of it passes `records`, which keep the audit log."""

    def __init__(self, records: Records, catalogue: ToolCatalogue, gateway: Gateway) -> None:
        self._records = records
        self._catalogue = catalogue
        self._gateway = gateway

    async def listed(self, actor: Actor, server_id: int) -> list[dict[str, Any]]:
        """What a server offers to `actor`; to who decides about it also what is off, waits or is gone.

        Raises NotFound.
        """
        tools = await self._gateway.tools_of(actor, server_id)
        if not (actor.is_admin or self._owns(actor, server_id)):
            return [{**tool.described(), "state": "approved", "enabled": True} for tool in tools]
        server = self._gateway.config_for(actor, server_id).name
        return [_told(server, row) for row in self._catalogue.of(server_id).values()]

    async def refresh(self, actor: Actor, server_id: int) -> list[dict[str, Any]]:
        """Ask a server for its tools now. Admins, and people with a connection of their own. Raises CallFailed."""
        if not (actor.is_admin or self._gateway.config_for(actor, server_id).signs_in_each):
            raise Forbidden("Only admins let MCP servers list their tools again.")
        await self._gateway.refresh(actor, server_id)
        return await self.listed(actor, server_id)

    async def change(self, actor: Actor, server_id: int, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change `enabled`, `alias` or `description`. Raises Forbidden, NotFound, ValidationFailed."""
        server, row = self._found(actor, server_id, name)
        if row.key == INSTRUCTIONS and values.get("alias"):
            raise ValidationFailed.of("alias", "not_wanted", "the instructions of a server have no name")
        await self._records.update(self._writer(actor, server_id), MODEL, row.id, values)
        if not actor.is_admin:
            await self._noted("tool_changed", actor, server, row, ", ".join(sorted(values)))
        return _told(server, self._found(actor, server_id, row.key)[1])

    async def approve(self, actor: Actor, server_id: int, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        """Approve tools, each as the hash says that they were seen; all of them or none.

        Raises Forbidden, NotFound, and Conflict when one has changed since.
        """
        writer = self._writer(actor, server_id)
        may = self._records.policy.permission(writer, self._records.registry.get(MODEL), "update")
        found = [(self._found(actor, server_id, name), seen) for name, seen in wanted.items()]

        def write(work: Work, _: list[Any]) -> None:
            for (_server, row), seen in found:
                stored = work.stored(work.prepared(MODEL), row.id, may)
                now = seal(stored["definition_hash"], stored["version"])
                if seen != now or row.seal != now:
                    raise Conflict(
                        f"The tool {row.key} has changed since you looked at it. Look at it again.",
                        code="tool_changed",
                    )
                if row.state != "approved":
                    columns = approved_now(row)
                    if row.state == "gone":
                        del columns["state"]
                    work.change(MODEL, row.id, columns, may, ("id",))

        await self._records.work(writer, write, (MODEL,), always=True)
        if not actor.is_admin:
            for (server, row), _ in found:
                await self._noted("tool_approved", actor, server, row, row.state)
        return [_told(server, self._catalogue.of(server_id)[row.key]) for (server, row), _ in found]

    def _writer(self, actor: Actor, server_id: int) -> Actor:
        """Who writes what `actor` decides. Raises Forbidden for all but admins and owners, signed in with a session."""
        if not actor.is_admin and self._owns(actor, server_id):
            # Rows of tools are the admins'; of a server of their own people decide through this desk alone.
            return SYSTEM
        self._records.policy.allow(actor, self._records.registry.get(MODEL), "update")
        return actor

    def _owns(self, actor: Actor, server_id: int) -> bool:
        """Whether it is a person with a session, and the server their own: no program says yes to its own tools."""
        if actor.kind != "user" or actor.user_id is None:
            return False
        try:
            return self._gateway.config_for(actor, server_id).owner == actor.user_id
        except NotFound:
            return False

    async def _noted(self, kind: str, actor: Actor, server: str, row: KnownTool, detail: str) -> None:
        await self._records.note(
            kind, actor, model=MODEL, record_id=row.id, about=f"{server}: {row.key}"[:200], detail=detail
        )

    def _found(self, actor: Actor, server_id: int, name: str) -> tuple[str, KnownTool]:
        """A tool by the name it is offered under, or that its server gave it."""
        self._writer(actor, server_id)
        config = self._gateway.config_for(actor, server_id)
        known = self._catalogue.of(server_id)
        row = next((row for row in known.values() if row.own_name == name), None) or known.get(name)
        if row is None:
            raise NotFound(f"The MCP server {config.name} has no tool {name!r}.")
        return config.name, row


def _told(server: str, row: KnownTool) -> dict[str, Any]:
    raw = row.definition if row.description is None else {**row.definition, "description": row.description}
    name = str(row.definition.get("name"))
    tool = Tool(server, name, row.own_name, public_name(server, row.own_name), raw, row.definition_hash)
    told = {
        **tool.described(),
        "kind": "tool",
        "state": row.state,
        "enabled": row.enabled,
        "id": row.id,
        "original_name": row.key,
        "original_description": row.definition.get("description"),
        "alias": row.alias,
        "version": row.version,
        "hash": row.seal,
        "first_seen_at": row.first_seen_at,
        "changed_at": row.changed_at,
    }
    if row.key == INSTRUCTIONS:
        told |= {"kind": "instructions", "name": row.key}
    if row.waits:
        told["changes"] = changes(row.approved_definition, row.definition)
        told["approved_versions"] = sorted({version for _, version in row.approvals if version})
    return told
