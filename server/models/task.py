"""Background tasks: work that outlives the request that asked for it."""

from __future__ import annotations

from sqlalchemy import Float, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, DateTimeText, JsonText, LongText
from server.models.base import READ_OWN, Base, ModelOptions, Owned, Record, field


class Task(Owned, Record, Base):
    __tablename__ = "tasks"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Task",
        label_plural="Tasks",
        description="Work that goes on in the background, and what came of it.",
        group="system",
        title_field="title",
        access={"member": READ_OWN, "guest": READ_OWN},
        verbs=("list", "read"),
        log_cap_setting="tasks_max_bytes",
        log_keeps=("status", ("queued", "running")),
        log_goes_on=True,
    )

    key: Mapped[str] = field(Text, label="Key", required=True, read_only=True, unique=True, max_length=64)
    kind: Mapped[str] = field(Text, label="Kind", required=True, read_only=True, max_length=100, index=True)
    title: Mapped[str | None] = field(Text, label="Title", read_only=True, max_length=500)
    status: Mapped[str] = field(
        ChoiceText("queued", "running", "completed", "failed", "cancelled", "interrupted"),
        label="State",
        default="queued",
        read_only=True,
        index=True,
    )
    progress: Mapped[float | None] = field(Float, label="Progress", read_only=True, help="From 0 to 1.")
    input: Mapped[str | None] = field(JsonText, label="Input", read_only=True)
    result: Mapped[str | None] = field(JsonText, label="Result", read_only=True)
    error: Mapped[str | None] = field(LongText, label="Error", read_only=True)
    started_at: Mapped[str | None] = field(DateTimeText, label="Started", read_only=True)
    finished_at: Mapped[str | None] = field(DateTimeText, label="Finished", read_only=True)
