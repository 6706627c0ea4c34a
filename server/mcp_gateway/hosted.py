"""The servers that are part of this program and of its plugins: who may use which of their tools."""

from __future__ import annotations

from collections.abc import Mapping

from server.access.actor import Actor
from server.errors import Conflict
from server.mcp_gateway.catalogue.names import public_name, server_of
from server.mcp_gateway.catalogue.own_tools import OwnTools
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.failures import unknown_tool
from server.mcp_gateway.policy.rule import Served
from server.mcp_gateway.policy.tool_policy import ToolPolicy
from server.mcp_gateway.virtual_server import HostedResources, VirtualServer


class Hosted:
    """Asks the policy on every list and every call, as for all others."""

    def __init__(self, policy: ToolPolicy, own_tools: OwnTools) -> None:
        self._policy = policy
        self._own_tools = own_tools
        self._servers: dict[str, VirtualServer] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._servers

    def add(self, server: VirtualServer) -> None:
        """Raises Conflict when there is one of its name."""
        if server.name in self._servers:
            raise Conflict(f"There is an MCP server named {server.name} already.", code="name_taken")
        self._servers[server.name] = server

    def remove(self, name: str) -> None:
        """It is offered no longer."""
        self._servers.pop(name, None)

    def names(self) -> list[str]:
        """All of them."""
        return list(self._servers)

    def names_for(self, actor: Actor) -> set[str]:
        """Those of which `actor` may call something."""
        return {name for name in self._servers if self.tools(actor, name)}

    def tools(self, actor: Actor, server: str) -> Mapping[str, Tool]:
        """The tools of one of them that `actor` may call, by public name."""
        served = served_by(server)
        if server not in self._servers or not self._policy.reaches(actor, served):
            return {}
        return self._policy.usable(actor, served, self._own_tools.dressed(server, self.undressed(actor, server)))

    def resources(self, actor: Actor, server: str | None) -> list[tuple[str, HostedResources]]:
        """Those of one of them, or of all, that `actor` may use for more than single tools, with their names."""
        return [
            (name, one.resources)
            for name, one in self._servers.items()
            if one.resources is not None
            and server in (None, name)
            and actor.is_signed_in
            and self._policy.reaches_whole(actor, served_by(name))
        ]

    def resource_at(self, actor: Actor, uri: str, server: str | None) -> tuple[str, HostedResources] | None:
        """Whose a URI is, if it is of one of them that `actor` may use."""
        return next((it for it in self.resources(actor, server) if uri.startswith(it[1].prefix)), None)

    def undressed(self, actor: Actor, server: str) -> Mapping[str, Tool]:
        """The same before an admin has decided anything, and before the policy is asked; for admins to look at."""
        return self._servers[server].tools(actor) if server in self._servers else {}

    def known(self, actor: Actor, name: str, server: str | None) -> Tool | None:
        """A tool by the name that an endpoint gives it, if a server here has it for `actor`; no policy is asked."""
        own = (server_of(name) or "") if server is None else server
        if own not in self._servers:
            return None
        tools = self._own_tools.dressed(own, self._servers[own].tools(actor))
        return tools.get(name if server is None else public_name(own, name))

    def find(self, actor: Actor, name: str, server: str | None) -> tuple[VirtualServer, Tool] | None:
        """A tool by the name that an endpoint gives it; None: another server has the name. Raises CallFailed."""
        virtual = self._servers.get((server_of(name) or "") if server is None else server)
        if virtual is None:
            return None
        found = self.known(actor, name, server)
        if found is None or self._policy.effect(actor, served_by(virtual.name), found) == "deny":
            raise unknown_tool(name)
        return virtual, found


def served_by(name: str) -> Served:
    """One of these servers, as the policy sees it."""
    return Served(name, None, shown=True)
