"""Notifications: what a person should know, each row for one person."""

from __future__ import annotations

from sqlalchemy import Boolean, Text, UniqueConstraint
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, LongText
from server.models.base import NOTHING, Base, ModelOptions, Owned, Record, Rules, field

_OWN_NOTIFICATIONS: Rules = {**NOTHING, "list": "own", "read": "own", "update": "own", "delete": "own"}


class Notification(Owned, Record, Base):
    __tablename__ = "notifications"
    __owner_delete__ = "CASCADE"
    __table_args__ = (UniqueConstraint("owner_id", "key"),)
    __options__ = ModelOptions(
        label="Notification",
        label_plural="Notifications",
        description="What happened while you were away.",
        group="system",
        tools="off",
        title_field="title",
        access={"member": _OWN_NOTIFICATIONS, "guest": _OWN_NOTIFICATIONS},
        log_cap_setting="notifications_max_bytes",
        log_goes_on=True,
        kept_writable=True,
    )

    title: Mapped[str] = field(Text, label="Title", required=True, create_only=True, max_length=200)
    message: Mapped[str | None] = field(LongText, label="Message", create_only=True, max_length=10_000)
    severity: Mapped[str] = field(
        ChoiceText("info", "success", "warning", "error"), label="Severity", default="info", create_only=True
    )
    category: Mapped[str | None] = field(Text, label="Category", create_only=True, max_length=100)
    source: Mapped[str | None] = field(Text, label="Source", create_only=True, max_length=100)
    action_url: Mapped[str | None] = field(Text, label="Link", create_only=True, max_length=2000)
    key: Mapped[str | None] = field(
        Text,
        label="Key",
        create_only=True,
        unique_per_owner=True,
        max_length=200,
        help="Of what is told once: its person gets no second notification with the same key.",
    )
    is_read: Mapped[bool] = field(Boolean, label="Read", default=False)
