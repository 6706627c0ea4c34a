"""Whom a task acts for: what is kept of its caller, and the caller's rights at the time it really runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden
from server.records.service import Records
from server.records.times import from_text


def kept(actor: Actor) -> dict[str, Any]:
    """What is stored of a caller: how they came in and what their credential covers, no secret."""
    return {
        "kind": actor.kind,
        "scopes": sorted(actor.scopes),
        "credential_id": actor.credential_id,
        "resource": actor.resource,
        "tool_limits": sorted(actor.tool_limits),
    }


def actor_now(records: Records, owner_id: int | None, acting: Mapping[str, Any] | None) -> Actor:
    """The caller as they stand now. Raises Forbidden when they, their token or their app may no longer enter."""
    if acting is None:
        raise Forbidden("This task was stored by an older version, which did not keep whom it acts for.")
    if acting["kind"] == "system":
        return SYSTEM
    person = records.look_up(SYSTEM, "users", "id", owner_id)
    if person is None or not person["is_active"]:
        raise Forbidden("The person of this task may not enter any more.", code="person_gone")
    credential = acting["credential_id"]
    if acting["kind"] == "token" and credential is not None:
        model = "api_tokens" if acting["resource"] is None else "oauth_tokens"
        row = records.look_up(SYSTEM, model, "id", credential)
        expires = None if row is None else row.get("expires_at")
        if row is None or (expires is not None and from_text(expires) <= datetime.now(UTC)):
            raise Forbidden("The token that asked for this task was revoked or has expired.", code="token_gone")
    return Actor(
        kind=acting["kind"],
        user_id=person["id"],
        username=person["username"],
        role=person["role"],
        scopes=frozenset(acting["scopes"]),
        credential_id=credential,
        resource=acting["resource"],
        tool_limits=frozenset(acting.get("tool_limits", ())),
    )
