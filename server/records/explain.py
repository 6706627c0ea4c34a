"""Why somebody may do something, or may not: the rules that count, and what they say of one record."""

from __future__ import annotations

from typing import Any, cast

from server.access.actor import SYSTEM, Actor, Role
from server.access.demands import demand_admin
from server.errors import NotFound, ValidationFailed
from server.models.base import VERBS, Verb
from server.models.registry import ModelSpec, unknown_model
from server.records.service import Records


async def explain_access(
    records: Records, actor: Actor, model: str, verb: str, *, user_id: int | None = None, record_id: int | None = None
) -> dict[str, Any]:
    """What `user_id` (the caller if None) may do, with reasons. Only admins may ask about others.

    Raises Forbidden, NotFound (model or user), ValidationFailed (verb).
    """
    spec = records.registry.get(model)
    if verb not in VERBS:
        raise ValidationFailed.of("verb", "unknown_verb", f"one of {', '.join(VERBS)} is wanted")
    about = await _person(records, actor, user_id)
    if about is actor and not about.is_admin and not records.policy.known_fields(about, spec):
        raise unknown_model(model)
    may = records.policy.permission(about, spec, verb)
    answer: dict[str, Any] = {
        "model": model,
        "verb": verb,
        "user": {"id": about.user_id, "username": about.username, "role": about.role},
        "extent": may.extent,
        "allowed": may.extent != "none",
        "hidden_fields": sorted(may.hidden) if actor.is_admin else [],
        "reasons": [
            {
                "source": grant.source,
                "extent": grant.extent,
                "hidden_fields": sorted(grant.hidden) if actor.is_admin else [],
                "rule_id": grant.rule_id,
                "from": "the model's default" if grant.rule_id is None else f"access rule {grant.rule_id}",
            }
            for grant in records.policy.grants(about, spec, verb)
        ],
    }
    if not about.covers(verb, model):
        answer["reasons"].append({"source": "the credential's scopes", "extent": "none", "hidden_fields": [],
                                  "rule_id": None, "from": ", ".join(sorted(about.scopes))})  # fmt: skip
    if record_id is not None:
        answer["record"] = await _record(records, about, spec, verb, record_id, everything=actor.is_admin)
        answer["allowed"] = answer["allowed"] and answer["record"]["allowed"]
    return answer


async def _person(records: Records, actor: Actor, user_id: int | None) -> Actor:
    if user_id is None or user_id == actor.user_id:
        return actor
    demand_admin(actor, "Only admins may ask what others may do.", "api:read")
    row = await records.get(SYSTEM, "users", user_id)
    return Actor(kind="user", user_id=user_id, username=row["username"], role=cast(Role, row["role"]))


async def _record(
    records: Records, about: Actor, spec: ModelSpec, verb: Verb, record_id: int, *, everything: bool
) -> dict[str, Any]:
    """What the permission means for one record. Who is no admin learns nothing of records they can't read."""
    may = records.policy.permission(about, spec, verb)
    try:
        row = await records.get(SYSTEM, spec.name, record_id)
    except NotFound:
        return {"id": record_id, "allowed": False, "why": "there is no such record"}
    owner = row.get(spec.owner_column) if spec.owner_column else None
    theirs = owner is not None and owner == about.user_id
    allowed = may.extent == "all" or (may.extent == "own" and theirs)
    if not allowed and not everything:
        return {"id": record_id, "allowed": False, "why": "there is no such record"}
    if may.extent == "none":
        why = "no rule allows it for any record"
    elif may.extent == "all":
        why = "the rules reach all records"
    else:
        why = "the record is theirs" if theirs else "the rules reach their own records only, and this one is not theirs"
    found: dict[str, Any] = {"id": record_id, "allowed": allowed, "why": why}
    return {**found, "owner_id": owner} if everything else found
