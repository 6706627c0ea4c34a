"""The outbox: for every change that a webhook wants, a delivery is stored in the transaction of the change itself."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from server.access.actor import SYSTEM
from server.db.statements import ListShape
from server.db.transaction import Transaction
from server.events.bus import RecordChanged
from server.models.webhook import Webhook
from server.models.webhook_delivery import WebhookDelivery
from server.records.shelf import Shelf
from server.records.times import now_text
from server.records.work import Work

WEBHOOKS = Webhook.__tablename__
DELIVERIES = WebhookDelivery.__tablename__


class _Wanted(NamedTuple):
    webhook_id: int
    owner_id: int | None
    verb: str
    """Empty: every one."""


class Outbox:
    """Works in the writer's thread alone. What it knows of webhooks is read again after any change of them."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._of_model: dict[str, list[_Wanted]] | None = None

    def __call__(self, transaction: Transaction, events: Sequence[RecordChanged]) -> list[RecordChanged]:
        changed = WEBHOOKS in transaction.touched
        if self._of_model is None or changed:
            self._of_model = self._read(transaction)
        made = [
            RecordChanged(DELIVERIES, "create", self._store(transaction, wanted, event), wanted.owner_id)
            for event in events
            for wanted in self._of_model.get(event.model, ())
            if wanted.verb in ("", event.verb)
        ]
        if changed:
            # What was read may be undone, alone or with others.
            self._of_model = None
        return made

    def _read(self, transaction: Transaction) -> dict[str, list[_Wanted]]:
        prepared = self._shelf.models[WEBHOOKS]
        found: dict[str, list[_Wanted]] = {}
        sql = prepared.columns_where(ListShape(), ("id", "owner_id", "enabled", "events"))
        for webhook_id, owner_id, enabled, events in transaction.execute(sql, {}).fetchall():
            seen = set()
            for name in orjson.loads(events) if enabled else ():
                model, _, verb = name.partition(".")
                if (model, "") not in seen and (model, verb) not in seen:
                    seen.add((model, verb))
                    found.setdefault(model, []).append(_Wanted(webhook_id, owner_id, verb))
        return found

    def _store(self, transaction: Transaction, wanted: _Wanted, event: RecordChanged) -> int:
        columns = {
            "webhook_id": wanted.webhook_id,
            "owner_id": wanted.owner_id,
            "event": f"{event.model}.{event.verb}",
            "model": event.model,
            "record_id": event.record_id or None,
            "record_owner_id": event.owner_id,
        }
        return store_delivery(self._shelf, transaction, columns)


def store_delivery(shelf: Shelf, transaction: Transaction, columns: dict[str, Any]) -> int:
    """Store a delivery of `columns` that waits. Returns its id."""
    prepared, now = shelf.models[DELIVERIES], now_text()
    row = {**prepared.defaults, "key": f"msg_{secrets.token_hex(16)}", "created_at": now, "updated_at": now, **columns}
    record_id: int = Work(shelf, transaction, SYSTEM, now).insert(DELIVERIES, row, ("id",))[0]
    return record_id
