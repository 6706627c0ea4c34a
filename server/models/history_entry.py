"""History: who changed which record when, with what it was before and after."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, JsonText
from server.models.base import Base, ModelOptions, Record, field


class HistoryEntry(Record, Base):
    __tablename__ = "history"
    __table_args__ = (Index("ix_history_of_record", "model", "record_id"),)
    __options__ = ModelOptions(
        label="Change",
        label_plural="History",
        description="Every change of a record, by whom and when. Secrets are never part of it.",
        group="system",
        private=True,
        title_field="model",
        verbs=("list", "read"),
        log_cap_setting="history_max_bytes",
    )

    model: Mapped[str] = field(Text, label="Model", required=True, read_only=True, max_length=64)
    record_id: Mapped[int] = field(Integer, label="Record", required=True, read_only=True)
    verb: Mapped[str] = field(
        ChoiceText("create", "update", "delete", "restore", "import"), label="What", required=True, read_only=True
    )
    actor_id: Mapped[int | None] = field(Integer, label="User", read_only=True, help="Whose change it was.")
    actor_name: Mapped[str] = field(Text, label="By", required=True, read_only=True, max_length=64)
    record_owner_id: Mapped[int | None] = field(Integer, label="Owner of the record", read_only=True)
    before: Mapped[str | None] = field(JsonText, label="Before", read_only=True)
    after: Mapped[str | None] = field(JsonText, label="After", read_only=True)
