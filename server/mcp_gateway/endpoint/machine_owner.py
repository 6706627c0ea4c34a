"""The programs of this computer at the gateway: `gridbear mcp` comes with the control token, for a person."""

from __future__ import annotations

from dataclasses import replace

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden
from server.records.service import Records


async def as_person(records: Records, actor: Actor) -> Actor:
    """The machine's owner as the first admin, whose tools and tasks these are; everybody else as they are.

    Raises Forbidden while there is no admin.
    """
    if actor.kind != "owner" or actor.user_id is not None:
        return actor
    found = await records.find(SYSTEM, "users", where={"role": "admin", "is_active": True}, limit=1)
    if not found:
        raise Forbidden(
            "GridBear is not set up yet: open it and make the first account, "
            "or run `gridbear user create NAME --admin`.",
            code="setup_required",
        )
    return replace(actor, user_id=found[0]["id"], username=found[0]["username"])
