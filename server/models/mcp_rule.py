"""Rules for tools: who may call which, and what a person is asked before a program of theirs calls it."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, LongText
from server.models.base import WRITES, Base, ModelOptions, Record, field

ANY_TOOL = "*"
SUBJECTS = ("everyone", "programs", "role", "group", "user", "token")


class McpRule(Record, Base):
    __tablename__ = "mcp_rules"
    __options__ = ModelOptions(
        label="Tool rule",
        label_plural="Tool rules",
        description="Who may call which tools of MCP servers, on top of a server's own `visibility`. A rule that "
        "forbids wins over all others.",
        group="system",
        title_field="tool",
        audited=WRITES,
        history=True,
        guarded=True,
        by_hand=True,
    )

    subject: Mapped[str] = field(
        ChoiceText(*SUBJECTS),
        label="For",
        required=True,
        help="`programs`: whoever comes with a token or as an app, and not signed in with a session.",
    )
    role: Mapped[str | None] = field(ChoiceText("admin", "member", "guest"), label="Role")
    group_id: Mapped[int | None] = field(Integer, label="Group", references="groups", on_delete="CASCADE")
    user_id: Mapped[int | None] = field(Integer, label="Person", references="users", on_delete="CASCADE")
    token_id: Mapped[int | None] = field(Integer, label="Token", references="api_tokens", on_delete="CASCADE")
    server_id: Mapped[int | None] = field(
        Integer,
        label="MCP server",
        references="mcp_servers",
        on_delete="CASCADE",
        help="Neither this nor a server of the program: the rule is for all servers.",
    )
    own_server: Mapped[str | None] = field(
        Text, label="Server of the program", max_length=32, help="Such as records, or the name of a plugin."
    )
    tool: Mapped[str] = field(
        Text, label="Tool", default=ANY_TOOL, max_length=200, help="Its name without the server's; `*`: all."
    )
    tools: Mapped[str] = field(
        ChoiceText("any", "read_only", "writing", "destructive"),
        label="Of these",
        default="any",
        help="By what the server says of its tools, and it may lie. One that says nothing counts as destructive.",
    )
    effect: Mapped[str] = field(
        ChoiceText("allow", "ask", "deny"),
        label="Effect",
        required=True,
        help="ask: a program's call waits until its person has approved it.",
    )
    note: Mapped[str | None] = field(LongText, label="Why", max_length=1000)
