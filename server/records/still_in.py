"""Whether who sent what was long in coming may still enter when it is there."""

from __future__ import annotations

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden
from server.records.service import Records


def require_still_in(records: Records, actor: Actor) -> None:
    """Raise Forbidden when the person of `actor` may not enter any more, or not as before."""
    if actor.user_id is None:
        return
    person = records.look_up(SYSTEM, "users", "id", actor.user_id)
    if person is None or not person["is_active"] or person["role"] != actor.role:
        raise Forbidden("You may not enter any more, or not as before; nothing was kept.")
