"""Background tasks: work that outlives the request that asked for it."""

from __future__ import annotations

from sqlalchemy import Float, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, DateTimeText, JsonText, LongText
from server.models.base import READ_OWN, Base, ModelOptions, Owned, Record, field

OPEN_STATES = ("queued", "running")
"""Of what has not ended."""


class Task(Owned, Record, Base):
    __tablename__ = "tasks"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Task",
        label_plural="Tasks",
        description="Work that goes on in the background, and what came of it.",
        group="system",
        tools="off",
        title_field="title",
        access={"member": READ_OWN, "guest": READ_OWN},
        verbs=("list", "read"),
        log_cap_setting="tasks_max_bytes",
        log_keeps=("status", OPEN_STATES),
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
    priority: Mapped[int] = field(Integer, label="Priority", default=0, read_only=True, help="Higher goes first.")
    progress: Mapped[float | None] = field(Float, label="Progress", read_only=True, help="From 0 to 1.")
    message: Mapped[str | None] = field(Text, label="Doing", read_only=True, max_length=1000)
    input: Mapped[str | None] = field(JsonText, label="Input", read_only=True)
    result: Mapped[str | None] = field(JsonText, label="Result", read_only=True)
    error: Mapped[str | None] = field(LongText, label="Error", read_only=True)
    failure: Mapped[str | None] = field(JsonText, label="Error details", read_only=True)
    log: Mapped[str | None] = field(LongText, label="Log", read_only=True, help="Its last lines, each with its time.")
    attempts: Mapped[int] = field(Integer, label="Attempts", default=0, read_only=True, help="How often it was begun.")
    not_before: Mapped[str | None] = field(
        DateTimeText, label="Waits until", read_only=True, help="A failed one that is tried again waits this long."
    )
    retry_of: Mapped[str | None] = field(Text, label="Again of", read_only=True, help="The key of an ended task.")
    started_at: Mapped[str | None] = field(DateTimeText, label="Started", read_only=True)
    finished_at: Mapped[str | None] = field(DateTimeText, label="Finished", read_only=True)
    acting: Mapped[str | None] = field(JsonText, label="Acting for", hidden=True)
    led_by: Mapped[str | None] = field(JsonText, label="Hooks that led to it", hidden=True)


ASKED_BY_SQL = f"""SELECT id FROM {Task.__tablename__}
WHERE owner_id = :owner_id AND (:kind IS NULL OR kind = :kind) AND (:status IS NULL OR status = :status)
AND json_extract(acting, '$.kind') = :as_kind AND json_extract(acting, '$.credential_id') IS :as_credential_id
AND json_extract(acting, '$.resource') IS :as_resource ORDER BY id DESC"""
"""The tasks of a person that one credential asked for, newest first."""

FIND_SQL = f"SELECT id, acting FROM {Task.__tablename__} WHERE key = :key AND owner_id IS :owner_id"
"""One task of a person, or of nobody, and whom it acts for."""

OPEN_SQL = f"SELECT count(*) FROM {Task.__tablename__} WHERE +owner_id = :owner_id AND status IN ('queued', 'running')"
"""How many tasks of a person wait or run. `+`: they are found among the few open ones, not among all of the person."""
