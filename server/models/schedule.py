"""Schedules: tasks that begin by themselves."""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, DateTimeText, JsonText
from server.models.base import OWN, WRITES, Base, ModelOptions, Owned, Record, field


class Schedule(Owned, Record, Base):
    __tablename__ = "schedules"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Schedule",
        label_plural="Schedules",
        description="Tasks that begin by themselves, with the rights that their owner has then.",
        group="system",
        audited=WRITES,
        tools="off",
        access={"member": OWN},
    )

    name: Mapped[str] = field(Text, label="Name", required=True, max_length=200)
    task: Mapped[str] = field(Text, label="Task", required=True, max_length=100, help="What it lets run.")
    input: Mapped[str | None] = field(JsonText, label="Input", help='What the task gets, such as {"title": "Tea"}.')
    cron: Mapped[str | None] = field(
        Text,
        label="Cron",
        max_length=200,
        help="Minute, hour, day of the month, month, day of the week: 0 9 * * mon-fri. Or give every or at.",
    )
    every_seconds: Mapped[int | None] = field(
        Integer, label="Every", minimum=10, maximum=366 * 86400, help="Seconds between two runs."
    )
    at: Mapped[str | None] = field(DateTimeText, label="Once at")
    time_zone: Mapped[str | None] = field(
        Text, label="Time zone", max_length=64, help="For cron, such as Europe/Rome; the computer's own if left out."
    )
    missed: Mapped[str] = field(
        ChoiceText("run_once", "skip"),
        label="After a missed run",
        default="run_once",
        help="When the computer was off: run once as soon as it is on again, however many were missed, or wait.",
    )
    enabled: Mapped[bool] = field(Boolean, label="Enabled", default=True, help="Off: it pauses.")
    next_run_at: Mapped[str | None] = field(DateTimeText, label="Next run", read_only=True, index=True)
    last_run_at: Mapped[str | None] = field(DateTimeText, label="Last run", read_only=True)
    last_task: Mapped[str | None] = field(
        Text, label="Last task", read_only=True, max_length=64, help="The key of the task that ran last."
    )
    problem: Mapped[str | None] = field(
        Text, label="Problem", read_only=True, max_length=1000, help="Why the last run did not begin."
    )
    plugin: Mapped[str | None] = field(
        Text, label="Of the plugin", read_only=True, max_length=100, help="It brought the schedule and keeps its times."
    )
