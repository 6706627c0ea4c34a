"""What a webhook is told of one change: as far as its owner may read the record at that moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden, NotFound, ValidationFailed
from server.records.domain import names_in
from server.records.service import Records


class UnfitFilter(Exception):
    """The filter of a webhook names fields that a model has not, or not any more; says which."""


def owner_now(records: Records, owner_id: int | None) -> Actor | None:
    """The owner as they stand now; None when they may not enter any more."""
    person = None if owner_id is None else records.look_up(SYSTEM, "users", "id", owner_id)
    if person is None or not person["is_active"]:
        return None
    return Actor(kind="user", user_id=person["id"], username=person["username"], role=person["role"])


async def payload_of(
    records: Records, owner: Actor, webhook: Mapping[str, Any], delivery: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The message, or None when the owner may not know of the change or the filter does not hold.

    The record is as it is now; it is null when it is gone, and for `import`, which stands for many new ones. Raises
    UnfitFilter.
    """
    if not may_know(records, owner, delivery):
        return None
    model, record_id = delivery["model"], delivery["record_id"]
    row = None
    if not delivery["event"].endswith((".delete", ".import")):
        row = await _row(records, owner, model, record_id, webhook["filter"])
        if row is None:
            return None
    data = {"model": model, "id": record_id, "record": row}
    return {"type": delivery["event"], "timestamp": delivery["created_at"], "data": data}


def may_know(records: Records, owner: Actor, delivery: Mapping[str, Any]) -> bool:
    """Whether the owner may list such records at all, and this one where they may list their own alone."""
    if delivery["model"] not in records.registry:
        return False
    spec = records.registry.get(delivery["model"])
    extent = records.policy.permission(owner, spec, "list").extent
    return extent == "all" or (extent == "own" and delivery["record_owner_id"] == owner.user_id)


def as_seen_now(records: Records, owner: Actor, delivery: Mapping[str, Any]) -> dict[str, Any]:
    """The message of a delivery without fields that were hidden from the owner since it was written."""
    payload: dict[str, Any] = delivery["payload"]
    data = payload["data"]
    if not data.get("record"):
        return payload
    shown = records.policy.permission(owner, records.registry.get(delivery["model"]), "list").shown
    return {
        **payload,
        "data": {**data, "record": {name: data["record"][name] for name in data["record"] if name in shown}},
    }


async def _row(records: Records, owner: Actor, model: str, record_id: int, domain: Any) -> dict[str, Any] | None:
    asked = [("id", str(record_id)), ("limit", "1"), ("total", "false")]
    if domain:
        asked.append(("domain", orjson.dumps(domain).decode()))
    try:
        rows = orjson.loads((await records.list_page(owner, model, asked)).rows)
    except (Forbidden, NotFound, ValidationFailed):
        if gone := sorted(names_in(domain) - records.registry.get(model).fields.keys()):
            raise UnfitFilter(f"{model} has no {', '.join(gone)}, which the filter names.") from None
        # A field of the filter was hidden from the owner: what it would tell is none of theirs.
        # Whatever else fails is tried again, for what is dropped here is never told.
        return None
    return rows[0] if rows else None
