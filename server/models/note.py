"""Notes: the example a newcomer plays with."""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import DateTimeText, LongText, TagsText
from server.models.base import OWN, Base, ModelOptions, Owned, Record, field


class Note(Owned, Record, Base):
    __tablename__ = "notes"
    __options__ = ModelOptions(
        label="Note",
        label_plural="Notes",
        description="Short texts with a due date. Made to be played with.",
        title_field="title",
        access={"member": OWN},
        history=True,
    )

    title: Mapped[str] = field(Text, label="Title", required=True, max_length=500, searchable=True)
    body: Mapped[str | None] = field(LongText, label="Body", max_length=1_000_000, searchable=True)
    priority: Mapped[int | None] = field(Integer, label="Priority", index=True, help="Higher is more important.")
    done: Mapped[bool] = field(Boolean, label="Done", default=False)
    due_at: Mapped[str | None] = field(DateTimeText, label="Due", index=True)
    tags: Mapped[str] = field(TagsText, label="Tags", default=[], item_type="text")
