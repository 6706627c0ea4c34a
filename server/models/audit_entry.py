"""The audit log: who signed in, failed to, and changed what decides over others."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import TagsText
from server.models.base import Base, ModelOptions, Record, field


class AuditEntry(Record, Base):
    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_of_time", "created_at"),)
    __options__ = ModelOptions(
        label="Audit entry",
        label_plural="Audit log",
        description="Sign-ins, failed ones, and changes of accounts, rights, settings and the server itself. Nobody "
        "changes it; values are never part of it.",
        group="system",
        title_field="kind",
        verbs=("list", "read"),
        private=True,
        log_cap_setting="audit_max_bytes",
        log_goes_on=True,
    )

    kind: Mapped[str] = field(Text, label="What", required=True, read_only=True, max_length=64, index=True)
    about: Mapped[str | None] = field(Text, label="About", read_only=True, max_length=200, searchable=True)
    actor_name: Mapped[str] = field(Text, label="By", required=True, read_only=True, max_length=64)
    address: Mapped[str | None] = field(Text, label="Address", read_only=True, max_length=100, index=True)
    model: Mapped[str | None] = field(Text, label="Model", read_only=True, max_length=64)
    fields: Mapped[str | None] = field(TagsText, label="Changed fields", item_type="text", read_only=True)
    detail: Mapped[str | None] = field(Text, label="Details", read_only=True, max_length=500, searchable=True)
    record_id: Mapped[int | None] = field(Integer, label="Record", read_only=True)
    through: Mapped[str] = field(
        Text,
        label="Through",
        required=True,
        read_only=True,
        max_length=16,
        help="user: a session; token: an API token; schedule: a schedule; owner: a program of this machine; "
        "system: the server itself.",
    )
    actor_id: Mapped[int | None] = field(Integer, label="User", read_only=True, index=True)
