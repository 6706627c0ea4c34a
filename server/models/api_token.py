"""Personal API tokens for scripts and MCP clients, only the hash is kept."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped

from server.db.types import DateTimeText, SecretText, TagsText
from server.models.base import OWN, WRITES, Base, ModelOptions, Owned, Record, field


class ApiToken(Owned, Record, Base):
    __tablename__ = "api_tokens"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="API token",
        label_plural="API tokens",
        description="Keys for scripts and AI clients. The secret is shown once, when the token is made.",
        group="system",
        audited=WRITES,
        access={"member": OWN},
        private=True,
    )

    name: Mapped[str] = field(Text, label="Name", required=True, max_length=100)
    scopes: Mapped[str] = field(
        TagsText,
        label="Scopes",
        default=["api", "mcp"],
        item_type="text",
        create_only=True,
        help="api: read and write data; api:read: only read; mcp: use tools; metrics: read /metrics alone. "
        "api:notes, api:read:notes: the same for one model alone; mcp:time, mcp:time:get_time: for the tools of one "
        "server, or one tool.",
    )
    expires_at: Mapped[str | None] = field(DateTimeText, label="Expires", create_only=True)
    prefix: Mapped[str | None] = field(Text, label="Begins with", read_only=True, max_length=20)
    last_used_at: Mapped[str | None] = field(DateTimeText, label="Last used", read_only=True)
    token_hash: Mapped[str] = field(SecretText, label="Token hash", required=True, unique=True, hidden=True)
