"""What a reminder is."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped

from server.plugin_api import OWN, Base, ChoiceText, DateTimeText, ModelOptions, Owned, Record, field

REPEATS = ("hourly", "daily", "weekdays", "weekly", "monthly", "yearly")


class Memo(Owned, Record, Base):
    """One reminder. `due_at` is when it rings next; of one that repeats, all times are counted from `starts_at`."""

    __tablename__ = "memo_memos"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Memo",
        label_plural="Memos",
        description="Reminders, told as notifications when they are due.",
        group="plugins",
        icon="bell",
        title_field="text",
        access={"member": OWN, "guest": OWN},
        tools="off",
    )

    text: Mapped[str] = field(Text, label="Text", required=True, max_length=500, searchable=True)
    due_at: Mapped[str] = field(DateTimeText, label="Due", required=True, index=True)
    repeat: Mapped[str | None] = field(ChoiceText(*REPEATS), label="Repeats", help="Empty: it rings once.")
    every: Mapped[int] = field(
        Integer, label="Every", default=1, minimum=1, maximum=999, help="2 and weekly: every two weeks."
    )
    starts_at: Mapped[str | None] = field(
        DateTimeText, label="Counted from", create_only=True, help="Empty: from when it is due."
    )
    time_zone: Mapped[str | None] = field(
        Text, label="Time zone", max_length=64, help="Such as Europe/Rome; the computer's own if left out."
    )
    state: Mapped[str] = field(ChoiceText("open", "done"), label="State", default="open", index=True)
    told_at: Mapped[str | None] = field(DateTimeText, label="Told", read_only=True, help="When its person was told.")
