"""The audit log: its entries, and forgetting what is too old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from server.access.actor import Actor
from server.models.audit_entry import AuditEntry
from server.models.registry import ModelSpec
from server.records.shelf import Shelf

AUDIT = AuditEntry.__tablename__
UNKNOWN = "unknown"
"""Stands for a name that nobody has: whatever was typed there may have been a password."""
_UNTOLD = frozenset(("id", "created_at", "updated_at"))


def audit_entry(
    actor: Actor,
    address: str | None,
    now: str,
    kind: str,
    *,
    model: str | None = None,
    record_id: int | None = None,
    about: str | None = None,
    fields: Sequence[str] = (),
    detail: str | None = None,
) -> dict[str, Any]:
    """An entry as columns."""
    return {
        "kind": kind,
        "actor_id": actor.user_id,
        "actor_name": actor.username or actor.kind,
        "through": actor.kind,
        "address": address,
        "model": model,
        "record_id": record_id,
        "about": None if about is None else about[:200],
        "fields": orjson.dumps(sorted(fields)).decode() if fields else None,
        "detail": None if detail is None else detail[:500],
        "created_at": now,
        "updated_at": now,
    }


def changed_fields(spec: ModelSpec, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of what differs, as far as people know of it."""
    return [
        name for name in spec.fields if name not in _UNTOLD and name in after and before.get(name) != after.get(name)
    ]


async def expire_audit(shelf: Shelf, now: datetime | None = None) -> int:
    """Forget entries that are older than `audit_days`, a part at a time. Returns how many went."""
    return await shelf.expire(AUDIT, shelf.settings.current.audit_days, now)
