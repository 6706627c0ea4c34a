"""Tool calls: what was asked of which MCP server, by whom, and what came of it."""

from __future__ import annotations

from sqlalchemy import Float, Index, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, JsonText, LongText
from server.models.base import READ_OWN, Base, ModelOptions, Owned, Record, field

OUTCOMES = ("ok", "tool_error", "refused", "failed", "timeout", "cancelled")


class ToolCall(Owned, Record, Base):
    __tablename__ = "tool_calls"
    __owner_delete__ = "CASCADE"
    __table_args__ = (Index("ix_tool_calls_of_time", "created_at"),)
    __options__ = ModelOptions(
        label="Tool call",
        label_plural="Tool calls",
        description="Every call of a tool through the gateway. Long values are cut, secrets are blacked out.",
        group="system",
        title_field="tool",
        access={"member": READ_OWN, "guest": READ_OWN},
        verbs=("list", "read"),
        log_cap_setting="tool_calls_max_bytes",
    )

    server: Mapped[str | None] = field(
        Text, label="Server", read_only=True, max_length=64, index=True, help="Empty: no server has such a tool."
    )
    tool: Mapped[str] = field(Text, label="Tool", required=True, read_only=True, max_length=200, searchable=True)
    outcome: Mapped[str] = field(
        ChoiceText(*OUTCOMES),
        label="Outcome",
        required=True,
        read_only=True,
        index=True,
        help="tool_error: the tool itself said so; refused: a limit, or no such tool; failed: the server broke.",
    )
    duration_ms: Mapped[float | None] = field(Float, label="Took (ms)", read_only=True)
    error: Mapped[str | None] = field(LongText, label="Error", read_only=True, searchable=True)
    error_code: Mapped[int | None] = field(Integer, label="Error code", read_only=True)
    arguments: Mapped[str | None] = field(JsonText, label="Arguments", read_only=True)
    result: Mapped[str | None] = field(JsonText, label="Result", read_only=True)
    client: Mapped[str | None] = field(
        Text, label="Client", read_only=True, max_length=200, help="The program, as it names itself."
    )
    user_name: Mapped[str] = field(Text, label="By", required=True, read_only=True, max_length=64)
    through: Mapped[str] = field(
        Text,
        label="Through",
        required=True,
        read_only=True,
        max_length=16,
        help="user: a session; token: an API token; schedule: a schedule.",
    )
    request_id: Mapped[str | None] = field(Text, label="Request", read_only=True, max_length=64, index=True)
