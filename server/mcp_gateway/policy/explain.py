"""Why a person may call a tool, or may not: for admins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden, NotFound
from server.mcp_gateway.catalogue.known_tool import KnownTool
from server.mcp_gateway.catalogue.names import public_name
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.policy.rule import Served
from server.mcp_gateway.policy.tool_policy import ToolPolicy
from server.mcp_gateway.upstreams.config import ServerConfig
from server.records.service import Records


class ToolExplainer:
    """Asks the policy that decides, and what else can stand in the way of a call."""

    def __init__(self, records: Records, gateway: Gateway, catalogue: ToolCatalogue, policy: ToolPolicy) -> None:
        self._records = records
        self._gateway = gateway
        self._catalogue = catalogue
        self._policy = policy

    async def explain(
        self, actor: Actor, server_id: int, user_id: int, name: str, token_id: int | None = None
    ) -> dict[str, Any]:
        """What a call of the tool `name` comes to, by the person, a program of theirs, or with one of their tokens.

        Raises Forbidden for all but admins, NotFound (server, person, token, or a tool that the server never had).
        """
        if not actor.is_admin:
            raise Forbidden("Only admins may ask what others may do.")
        config = self._gateway.config_for(actor, server_id)
        person = await self._records.get(SYSTEM, "users", user_id)
        if token_id is not None:
            token = await self._records.get(SYSTEM, "api_tokens", token_id)
            if token["owner_id"] != user_id:
                raise NotFound(f"{person['username']} has no API token {token_id}.")
        known = next((row for row in self._catalogue.of(server_id).values() if name in (row.key, row.own_name)), None)
        if known is None:
            raise NotFound(f"The MCP server {config.name} has no tool {name!r}, or was never started.")
        session = Actor("user", user_id, person["username"], person["role"])
        # Where everybody signs in for themselves, the tool is what their own account makes of it.
        theirs = self._gateway.definition_for(session, server_id, known.key)
        tool = Tool(
            config.name,
            known.key,
            known.own_name,
            public_name(config.name, known.own_name),
            known.definition if theirs is None else theirs[0].raw,
            known.definition_hash if theirs is None else theirs[0].definition_hash,
        )
        waits = known.waits if theirs is None else theirs[1]
        program = replace(session, kind="token")
        answer: dict[str, Any] = {
            "server": {"id": config.id, "name": config.name, "visibility": config.visibility},
            "tool": {"name": known.own_name, "public_name": tool.public_name},
            "user": {"id": user_id, "username": person["username"], "role": person["role"]},
            "person": self._told(session, config, tool),
            "program": self._told(program, config, tool),
            "obstacles": self._obstacles(actor, session, bool(person["is_active"]), config, known, waits),
        }
        if token_id is not None:
            with_token = replace(program, credential_id=token_id, scopes=frozenset(token["scopes"]))
            answer["token"] = {"id": token_id, "name": token["name"], **self._told(with_token, config, tool)}
        return answer

    def _told(self, about: Actor, config: ServerConfig, tool: Tool) -> dict[str, Any]:
        served: Served = config.served(about)
        verdict = self._policy.verdict(about, served, tool)
        # Who calls with a session is not asked.
        effect = "allow" if verdict.effect == "ask" and about.kind == "user" else verdict.effect
        rules = self._policy.rules_about(about, served, tool)
        return {
            "effect": effect,
            "because": verdict.because,
            "rule_id": verdict.rule_id,
            "rules": [{"id": rule.rule_id, "subject": rule.subject, "effect": rule.effect} for rule in rules],
        }

    def _obstacles(
        self, admin: Actor, about: Actor, active: bool, config: ServerConfig, known: KnownTool, waits: bool
    ) -> list[dict[str, Any]]:
        """What would refuse a call at this moment although it is allowed."""
        found: list[dict[str, Any]] = []
        if not active:
            found.append({"code": "person_disabled", "message": "The person is disabled."})
        if not config.enabled:
            found.append({"code": "server_disabled", "message": "The server is switched off."})
        if not known.enabled:
            found.append({"code": "tool_disabled", "message": "The tool is switched off."})
        if known.state == "gone":
            found.append({"code": "tool_gone", "message": "The server does not list the tool any more."})
        if waits and self._catalogue.asks:
            who = "an admin approves" if config.owner is None else "its owner approves"
            found.append({"code": "waits_for_approval", "message": f"The tool is new or changed: {who} it."})
        wait = self._gateway.limit_wait(about, config)
        if wait:
            found.append({"code": "rate_limited", "message": "Over the limit of calls.", "retry_after": round(wait, 3)})
        state = next(one for one in self._gateway.state_for(admin) if one["id"] == config.id)
        if state["retry_after"] or state["state"] in ("needs_attention", "needs_login"):
            message = f"The server is {state['state']}, its breaker {state['breaker']}."
            found.append({"code": "server_unwell", "message": message, "retry_after": state["retry_after"]})
        return found
