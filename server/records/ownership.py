"""Records that work by themselves later, with the rights of their owner: who may make and change them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden
from server.models.labels import in_sentence
from server.records.service import Records
from server.records.work import absent


def require_whole_credential(actor: Actor) -> None:
    """Raise Forbidden for a credential that covers less than its person: what it makes would act with more."""
    if actor.is_app or not (actor.has_scope("api") and actor.has_scope("mcp")):
        raise Forbidden(
            "What works by itself later has all the rights of its person, so it takes a credential that has them too: "
            "sign in, or use a token with the scopes api and mcp.",
            code="credential_too_narrow",
        )


async def require_unruled_credential(records: Records, actor: Actor) -> None:
    """Raise Forbidden for a token that a tool rule holds back: the rule would not be about what the token makes."""
    if actor.kind != "token" or actor.is_app:
        return
    where = {"token_id": actor.credential_id, "effect__in": ["ask", "deny"]}
    if await records.find(SYSTEM, "mcp_rules", where=where, limit=1):
        raise Forbidden(
            "A tool rule holds this token back, so it makes neither tokens nor what works by itself later: sign in.",
            code="credential_ruled",
        )


async def row_to_change(
    records: Records, actor: Actor, model: str, record_id: int, columns: Collection[str], harmless: Collection[str] = ()
) -> Mapping[str, Any]:
    """The row that a change meets, {} for one of many (`record_id` 0). Raises NotFound, Forbidden.

    Whoever changes what acts for somebody else acts for them, so only admins do; but `harmless` columns.
    """
    row: Mapping[str, Any] = await records.get(SYSTEM, model, record_id) if record_id else {}
    if actor.is_admin or set(columns) <= set(harmless) or (row and row["owner_id"] == actor.user_id):
        return row
    spec = records.registry.get(model)
    if row and records.policy.permission(actor, spec, "update").owned_by is not None:
        raise absent(spec, record_id)
    plural = in_sentence(spec.options.label_plural)
    raise Forbidden(f"Only admins change {plural} of other people, or several at once.")
