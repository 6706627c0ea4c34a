"""Approvals of tool calls: what a program asked for, what its person said, and for how long that holds."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, DateTimeText, JsonText
from server.models.base import NOTHING, Base, ModelOptions, Owned, Record, Rules, field

_OWN_APPROVALS: Rules = {**NOTHING, "list": "own", "read": "own", "delete": "own"}


class McpApproval(Owned, Record, Base):
    __tablename__ = "mcp_approvals"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Tool approval",
        label_plural="Tool approvals",
        description="Calls of tools that programs asked for and a person decides. Deleting one takes it back at once.",
        group="system",
        title_field="tool",
        access={"member": _OWN_APPROVALS, "guest": _OWN_APPROVALS},
        verbs=("list", "read", "delete"),
        audited=("delete",),
        kept_writable=True,
        by_hand=True,
        private=True,
    )

    status: Mapped[str] = field(
        ChoiceText("pending", "approved", "denied", "used", "ended"),
        label="State",
        default="pending",
        read_only=True,
        index=True,
        help="used: it was for one call, which was made. ended: the tool has changed since.",
    )
    lasts: Mapped[str] = field(
        ChoiceText("once", "while", "always"),
        label="For",
        default="once",
        read_only=True,
        help="once: this very call. while and always: every call of the tool by this program.",
    )
    expires_at: Mapped[str | None] = field(DateTimeText, label="Until", read_only=True)
    asked_by: Mapped[str] = field(
        Text, label="Asked by", required=True, read_only=True, max_length=200, help="The token or app that called."
    )
    client: Mapped[str | None] = field(
        Text, label="Client", read_only=True, max_length=200, help="What the program says it is."
    )
    through: Mapped[str] = field(Text, label="Came with", required=True, read_only=True, max_length=20)
    token_id: Mapped[int | None] = field(
        Integer, label="Token", references="api_tokens", on_delete="CASCADE", read_only=True
    )
    app_id: Mapped[int | None] = field(
        Integer, label="Connected app", references="oauth_tokens", on_delete="CASCADE", read_only=True
    )
    server_id: Mapped[int | None] = field(
        Integer, label="MCP server", references="mcp_servers", on_delete="CASCADE", read_only=True
    )
    server: Mapped[str] = field(Text, label="Server", required=True, read_only=True, max_length=32)
    tool: Mapped[str] = field(Text, label="Tool", required=True, read_only=True, max_length=200)
    definition_hash: Mapped[str] = field(
        Text, label="Definition", required=True, read_only=True, max_length=64, help="Of the tool and its server."
    )
    arguments: Mapped[str | None] = field(
        JsonText, label="Arguments", read_only=True, help="Their beginning, with secrets blacked out."
    )
    arguments_hash: Mapped[str] = field(Text, label="Hash of the arguments", required=True, hidden=True, max_length=64)
    decided_at: Mapped[str | None] = field(DateTimeText, label="Decided", read_only=True)
    decided_by: Mapped[str | None] = field(Text, label="Decided by", read_only=True, max_length=200)
