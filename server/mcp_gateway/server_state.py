"""What a person is told of a server: whether it works, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from server.access.actor import Actor
from server.mcp_gateway.call_limits import Limit
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.upstreams.standing import Trouble
from server.mcp_gateway.upstreams.upstream import Upstream


def server_state(
    actor: Actor, upstream: Upstream, tools: Iterable[Tool], limit: Limit, limit_wait: float, now: float
) -> dict[str, Any]:
    """`tools`: those that `actor` sees; `limit`, `limit_wait`: how often they may call it, and when again (seconds).

    What it says of this computer is for admins alone.
    """
    config, supervisor = upstream.config, upstream.supervisor
    owned = config.owner is not None and config.owner == actor.user_id
    return {
        "id": config.id,
        "name": config.name,
        "transport": config.transport,
        "enabled": config.enabled,
        "state": upstream.state,
        "error": _told(actor.is_admin or owned, upstream.trouble),
        "may_sign_in": upstream.state == "needs_login" and (actor.is_admin or config.signs_in_each),
        "found_at": supervisor.found_at if actor.is_admin else None,
        "stderr": list(supervisor.stderr) if actor.is_admin else [],
        "tools": [tool.summary() for tool in tools],
        "capabilities": sorted(upstream.introduction.capabilities or ()),
        "owned": owned,
        "plugin": config.plugin,
        "watched": actor.is_admin and upstream.is_watched,
        "tools_waiting": upstream.offered.waiting if actor.is_admin or owned else 0,
        "breaker": upstream.requests.breaker.state(now),
        "retry_after": round(upstream.requests.retry_after, 3),
        "limit": {"per_minute": limit.per_minute, "burst": limit.burst, "own": limit.own},
        "limit_wait": round(limit_wait, 3),
    }


def _told(everything: bool, trouble: Trouble | None) -> str | None:
    """Admins hear everything, and people of their own servers; what it says of this computer is not for others."""
    if trouble is None:
        return None
    return trouble.text if everything or trouble.wants_login else "It could not be started."
