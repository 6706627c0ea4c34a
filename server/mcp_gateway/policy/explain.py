"""Why a person may call a tool, or may not: for admins."""

from __future__ import annotations

from typing import Any

from server.access.actor import Actor
from server.errors import NotFound
from server.mcp_gateway.catalogue.instructions import KEY as INSTRUCTIONS
from server.mcp_gateway.catalogue.known_tool import KnownTool
from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.own_tools import OwnTools
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.policy.asked_person import asked_person, told_verdict
from server.mcp_gateway.policy.explain_own import OwnToolExplainer
from server.mcp_gateway.policy.tool_policy import ToolPolicy
from server.mcp_gateway.server_desk import ServerDesk
from server.mcp_gateway.upstreams.config import ServerConfig
from server.records.service import Records


class ToolExplainer:
    """Asks the policy that decides, and what else can stand in the way of a call."""

    def __init__(
        self,
        records: Records,
        gateway: Gateway,
        desk: ServerDesk,
        catalogue: ToolCatalogue,
        policy: ToolPolicy,
        own_tools: OwnTools,
    ) -> None:
        self._own = OwnToolExplainer(gateway, policy, own_tools)
        self._records = records
        self._gateway = gateway
        self._desk = desk
        self._catalogue = catalogue
        self._policy = policy

    async def explain(
        self, actor: Actor, server_id: int, user_id: int, name: str, token_id: int | None = None
    ) -> dict[str, Any]:
        """What a call of the tool `name` comes to, by the person, a program of theirs, or with one of their tokens.

        Raises Forbidden for all but admins, NotFound (server, person, token, or a tool that the server never had).
        """
        asked = await asked_person(self._records, actor, user_id, token_id)
        config = self._gateway.config_for(actor, server_id)
        known = next((row for row in self._catalogue.of(server_id).values() if name in (row.key, row.own_name)), None)
        if known is None or known.key == INSTRUCTIONS:
            raise NotFound(f"The MCP server {config.name} has no tool {name!r}, or was never started.")
        # Where everybody signs in for themselves, the tool is what their own account makes of it.
        theirs = self._gateway.definition_for(asked.session, server_id, known.key)
        tool = Tool(
            config.name,
            known.key,
            known.own_name,
            public_name(config.name, known.own_name),
            known.definition if theirs is None else theirs[0].raw,
            known.definition_hash if theirs is None else theirs[0].definition_hash,
        )
        waits = known.waits if theirs is None else theirs[1]
        return asked.answer(
            {"id": config.id, "name": config.name, "visibility": config.visibility},
            {"name": known.own_name, "public_name": tool.public_name},
            {who: told_verdict(self._policy, about, config.served(about), tool) for who, about in asked.ways.items()},
            asked.obstacles() + self._obstacles(actor, asked.session, config, known, waits),
        )

    async def explain_own(
        self, actor: Actor, server: str, user_id: int, name: str, token_id: int | None = None
    ) -> dict[str, Any]:
        """The same of a server of this program or of a plugin."""
        return self._own.explain(actor, server, await asked_person(self._records, actor, user_id, token_id), name)

    def _obstacles(
        self, admin: Actor, about: Actor, config: ServerConfig, known: KnownTool, waits: bool
    ) -> list[dict[str, Any]]:
        """What would refuse a call at this moment although it is allowed."""
        found: list[dict[str, Any]] = []
        if not config.enabled:
            found.append({"code": "server_disabled", "message": "The server is switched off."})
        if not known.enabled:
            found.append({"code": "tool_disabled", "message": "The tool is switched off."})
        if known.state == "gone":
            found.append({"code": "tool_gone", "message": "The server does not list the tool any more."})
        if waits and self._catalogue.asks:
            who = "an admin approves" if config.owner is None else "its owner approves"
            found.append({"code": "waits_for_approval", "message": f"The tool is new or changed: {who} it."})
        wait = self._gateway.limit_wait(about, config.name, config)
        if wait:
            found.append({"code": "rate_limited", "message": "Over the limit of calls.", "retry_after": round(wait, 3)})
        state = self._desk.state(admin, config.id)
        if state["retry_after"] or state["state"] in ("needs_attention", "needs_login"):
            message = f"The server is {state['state']}, its breaker {state['breaker']}."
            found.append({"code": "server_unwell", "message": message, "retry_after": state["retry_after"]})
        return found
