"""What a caller must be for deeds that no rule about records decides."""

from __future__ import annotations

from server.access.actor import Actor, Scope
from server.errors import Forbidden


def demand_scope(actor: Actor, scope: Scope = "api") -> Actor:
    """`actor`, whose credential has to cover `scope`. Raises Forbidden."""
    if actor.has_scope(scope):
        return actor
    if scope == "api" and actor.has_scope("api:read"):
        raise Forbidden("This credential may only read; use one with the scope api.")
    raise Forbidden(f"This credential is not for this: it has no scope {scope}.")


def demand_admin(actor: Actor, reason: str, scope: Scope = "api") -> Actor:
    """`actor`, who has to be an admin. Raises Forbidden, which tells `reason` to everybody else, or the scope."""
    if not actor.is_admin:
        raise Forbidden(reason)
    return demand_scope(actor, scope)
