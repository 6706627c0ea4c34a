"""What REST tells of MCP servers: how they stand and what was called; and their restart."""

from __future__ import annotations

import contextlib
from typing import Any

from server.access.actor import Actor
from server.errors import Forbidden
from server.mcp_gateway.activity.activity import Activity
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.server_state import server_state
from server.mcp_gateway.upstreams.upstream import Upstream


class ServerDesk:
    """For everybody, of the servers that they may use; admins hear of all, and why one failed."""

    def __init__(self, gateway: Gateway, activity: Activity) -> None:
        self._gateway = gateway
        self._activity = activity

    def states(self, actor: Actor) -> list[dict[str, Any]]:
        """What runs and what does not."""
        return [self._state(actor, upstream) for upstream in self._gateway.servers_for(actor)]

    def state(self, actor: Actor, server_id: int) -> dict[str, Any]:
        """How one server stands. Raises NotFound."""
        return self._state(actor, self._gateway.server_for(actor, server_id))

    async def restart(self, actor: Actor, server_id: int) -> dict[str, Any]:
        """End a server and start it again now. Admins only. Raises NotFound."""
        if not actor.is_admin:
            raise Forbidden("Only admins restart MCP servers.")
        upstream = self._gateway.server_for(actor, server_id)
        await upstream.stop()
        upstream.forget_failures()
        self._gateway.limits.forget(upstream.config.name)
        if upstream.config.enabled:
            with contextlib.suppress(CallFailed):
                await upstream.refresh(self._gateway.list_wait)
        return self._state(actor, upstream)

    def metrics(self, actor: Actor) -> dict[str, Any]:
        """Calls, outcomes and latencies since the start."""
        servers = {upstream.config.name for upstream in self._gateway.visible(actor)}
        return self._activity.told(servers | self._gateway.hosted.names_for(actor), everything=actor.is_admin)

    def _state(self, actor: Actor, upstream: Upstream) -> dict[str, Any]:
        config = upstream.config
        tools = self._gateway.told_tools(actor, upstream, upstream.known_tools)
        limit = self._gateway.limits.of(config)
        wait = self._gateway.limit_wait(actor, config.name, config)
        return server_state(actor, upstream, tools, limit, wait, upstream.now())
