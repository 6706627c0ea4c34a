"""Why a person may call a tool of this program or of a plugin, or may not: for admins."""

from __future__ import annotations

from typing import Any

from server.access.actor import Actor
from server.errors import NotFound
from server.mcp_gateway.builtin_tools.definitions import OWN_SERVER, TOOLS
from server.mcp_gateway.catalogue.definition import key_of
from server.mcp_gateway.catalogue.own_tools import OwnTools
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.hosted import served_by
from server.mcp_gateway.policy.asked_person import AskedPerson, told_verdict
from server.mcp_gateway.policy.tool_policy import ToolPolicy

_NOT_OFFERED = (
    "the server does not offer it to them: the records that they may use, or the plugin, decide which tools there are"
)


class OwnToolExplainer:
    """Asks the server what it offers, and the policy that decides."""

    def __init__(self, gateway: Gateway, policy: ToolPolicy, own_tools: OwnTools) -> None:
        self._gateway = gateway
        self._policy = policy
        self._own_tools = own_tools

    def explain(self, admin: Actor, server: str, asked: AskedPerson, name: str) -> dict[str, Any]:
        """As for all other servers. Raises NotFound (server, or a tool that neither of both has)."""
        if server == OWN_SERVER:
            return self._gateways_own(asked, name)
        if server not in self._gateway.hosted:
            raise NotFound(f"There is no MCP server {server!r} in this program.")
        tool = self._found(admin, server, name) or self._found(asked.session, server, name)
        if tool is None:
            raise NotFound(f"The MCP server {server} has no tool {name!r}.")
        verdicts = {who: self._told(about, server, tool) for who, about in asked.ways.items()}
        obstacles = asked.obstacles()
        row = self._own_tools.of(server).get(key_of(tool.name))
        if row is not None and not row.enabled:
            obstacles.append({"code": "tool_disabled", "message": "The tool is switched off."})
        wait = self._gateway.limit_wait(asked.session, server)
        if wait:
            message = "Over the limit of calls."
            obstacles.append({"code": "rate_limited", "message": message, "retry_after": round(wait, 3)})
        return asked.answer(
            _server(server), {"name": tool.own_name, "public_name": tool.public_name}, verdicts, obstacles
        )

    def _found(self, actor: Actor, server: str, name: str) -> Tool | None:
        return self._own_tools.named(server, self._gateway.hosted.undressed(actor, server), name)

    def _told(self, about: Actor, server: str, tool: Tool) -> dict[str, Any]:
        told = told_verdict(self._policy, about, served_by(server), tool)
        offered = any(one.name == tool.name for one in self._gateway.hosted.undressed(about, server).values())
        if told["effect"] == "deny" or offered:
            return told
        return {**told, "effect": "deny", "because": _NOT_OFFERED, "rule_id": None}

    def _gateways_own(self, asked: AskedPerson, name: str) -> dict[str, Any]:
        if name not in TOOLS:
            raise NotFound(f"The gateway itself has no tool {name!r}.")
        because = "it is a tool of the gateway itself: what it leads to is decided about each time"
        allowed: dict[str, Any] = {"effect": "allow", "because": because, "rule_id": None, "rules": []}
        refused = {**allowed, "effect": "deny", "because": "the scopes of the credential do not cover it"}
        verdicts = {who: allowed if about.reaches_tools else refused for who, about in asked.ways.items()}
        return asked.answer(_server(OWN_SERVER), {"name": name, "public_name": name}, verdicts, asked.obstacles())


def _server(name: str) -> dict[str, Any]:
    return {"id": None, "name": name, "visibility": None}
