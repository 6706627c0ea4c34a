"""Webhooks: addresses that are told of changes of records."""

from __future__ import annotations

from sqlalchemy import Boolean, Text
from sqlalchemy.orm import Mapped

from server.db.types import JsonText, SecretText, TagsText, UrlText
from server.models.base import WRITES, Base, ModelOptions, Owned, Record, field

UNTOLD_MODELS = frozenset(("webhooks", "webhook_deliveries", "tasks", "tool_calls", "sessions", "requests"))
"""Deliveries change these themselves, so that telling of them would have no end; or they are nobody's business."""


class Webhook(Owned, Record, Base):
    __tablename__ = "webhooks"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Webhook",
        label_plural="Webhooks",
        description="Addresses that are told when records change, as far as the webhook's owner may read them.",
        group="system",
        audited=WRITES,
        history=True,
    )

    name: Mapped[str] = field(Text, label="Name", required=True, max_length=100)
    url: Mapped[str] = field(
        UrlText, label="Address", required=True, max_length=2000, help="Gets a POST for every event. https is wanted."
    )
    events: Mapped[str] = field(
        TagsText,
        label="Events",
        required=True,
        item_type="text",
        help="notes: every change of notes; notes.create, notes.update, notes.delete, notes.import: that one alone.",
    )
    filter: Mapped[str | None] = field(
        JsonText,
        label="Filter",
        help='A domain such as [["priority", ">=", 3]]: only records that it holds for. Deletions are told anyway.',
    )
    secret: Mapped[str | None] = field(
        SecretText,
        label="Secret",
        write_only=True,
        max_length=200,
        help="Signs what is sent (whsec_…). Left out, one is made and shown this once.",
    )
    enabled: Mapped[bool] = field(Boolean, label="Enabled", default=True)
    disabled_because: Mapped[str | None] = field(
        Text, label="Switched off because", read_only=True, max_length=1000, help="Why it was switched off by itself."
    )
