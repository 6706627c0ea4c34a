"""Tools of MCP servers, as they were last listed, with what an admin decided about each."""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, DateTimeText, JsonText, LongText
from server.models.base import Base, ModelOptions, Record, field

STATES = ("approved", "new", "changed", "gone")


class McpTool(Record, Base):
    __tablename__ = "mcp_tools"
    __table_args__ = (UniqueConstraint("server_id", "name", name="uq_mcp_tools_name_of_server"),)
    __options__ = ModelOptions(
        label="MCP tool",
        label_plural="MCP tools",
        description="What each MCP server offers, as it was last listed: switched, renamed and approved one by one.",
        group="system",
        verbs=("list", "read", "update"),
        audited=("update",),
        guarded=True,
        # A program that uses tools must not say yes to what a tool has become.
        by_hand=True,
        # Definitions that nobody has approved are not for those who use tools, nor for their programs.
        private=True,
        kept_writable=True,
    )

    server_id: Mapped[int] = field(
        Integer, label="MCP server", references="mcp_servers", on_delete="CASCADE", required=True, read_only=True
    )
    name: Mapped[str] = field(
        Text, label="Name", required=True, read_only=True, max_length=200, searchable=True, help="As the server has it."
    )
    enabled: Mapped[bool] = field(Boolean, label="Enabled", default=True, help="Off: neither listed nor callable.")
    state: Mapped[str] = field(
        ChoiceText(*STATES),
        label="State",
        required=True,
        read_only=True,
        index=True,
        help="new and changed ones wait for an admin's approval; gone: no longer in the server's list.",
    )
    alias: Mapped[str | None] = field(
        Text,
        label="Other name",
        max_length=64,
        pattern=r"[a-zA-Z0-9_-]{1,64}",
        pattern_help="letters, digits, _ and -, at most 64",
        help="Offered under this name in place of its own.",
    )
    description: Mapped[str | None] = field(
        LongText, label="Other description", max_length=20_000, help="Shown to clients in place of the server's."
    )
    offered_as: Mapped[str] = field(
        Text,
        label="Offered as",
        required=True,
        read_only=True,
        max_length=64,
        help="Its name at /mcp/{server} while it has no other: its own, or one made of it that every client takes.",
    )
    definition: Mapped[str] = field(JsonText, label="Definition", required=True, read_only=True)
    definition_hash: Mapped[str] = field(Text, label="Hash", required=True, read_only=True, max_length=64)
    version: Mapped[str | None] = field(
        Text, label="Version", read_only=True, max_length=200, help="Of the server's package, where it is known."
    )
    approved_definition: Mapped[str | None] = field(JsonText, label="Approved definition", read_only=True)
    approvals: Mapped[str] = field(
        JsonText, label="Approvals", default=[], read_only=True, help="Of which definitions and versions."
    )
    first_seen_at: Mapped[str] = field(DateTimeText, label="First seen", required=True, read_only=True)
    changed_at: Mapped[str] = field(DateTimeText, label="Definition changed", required=True, read_only=True)
    seen_at: Mapped[str] = field(DateTimeText, label="Last seen", required=True, read_only=True)
    listed_for: Mapped[str] = field(
        Text, label="Listed for", required=True, read_only=True, hidden=True, max_length=40, default=""
    )
