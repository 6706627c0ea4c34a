"""What an admin decided about single tools of servers that are part of the program or of a plugin."""

from __future__ import annotations

from sqlalchemy import Boolean, Text, UniqueConstraint
from sqlalchemy.orm import Mapped

from server.db.types import LongText
from server.models.base import WRITES, Base, ModelOptions, Record, field


class OwnTool(Record, Base):
    __tablename__ = "own_tools"
    __table_args__ = (UniqueConstraint("server", "name", name="uq_own_tools_name_of_server"),)
    __options__ = ModelOptions(
        label="Tool of the program",
        label_plural="Tools of the program",
        description="Tools of `records` and of plugins that an admin has switched off, renamed or described anew. "
        "One without a record here is offered as it is.",
        group="system",
        audited=WRITES,
        guarded=True,
        # A program that uses tools must not switch one on that was switched off for it.
        by_hand=True,
    )

    server: Mapped[str] = field(
        Text, label="Server", required=True, create_only=True, max_length=32, help="records, or the name of a plugin."
    )
    name: Mapped[str] = field(
        Text,
        label="Name",
        required=True,
        create_only=True,
        max_length=200,
        searchable=True,
        help="As the server has it.",
    )
    enabled: Mapped[bool] = field(Boolean, label="Enabled", default=True, help="Off: neither listed nor callable.")
    alias: Mapped[str | None] = field(
        Text,
        label="Other name",
        max_length=64,
        pattern=r"[a-zA-Z0-9_-]{1,64}",
        pattern_help="letters, digits, _ and -, at most 64",
        help="Offered under this name in place of its own.",
    )
    description: Mapped[str | None] = field(
        LongText, label="Other description", max_length=20_000, help="Shown to clients in place of its own."
    )
