"""Sign-ins to remote MCP servers: what their authorization servers gave us."""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import DateTimeText, LongText, TagsText
from server.models.base import NOTHING, Base, ModelOptions, Owned, Record, Rules, field

_OWN_SIGN_INS: Rules = {**NOTHING, "list": "own", "read": "own", "delete": "own"}


class McpSignIn(Owned, Record, Base):
    __tablename__ = "mcp_sign_ins"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Sign-in to an MCP server",
        label_plural="Sign-ins to MCP servers",
        description="Accounts at remote MCP servers that the gateway may use. Deleting one ends it at once.",
        group="system",
        title_field="issuer",
        access={"member": _OWN_SIGN_INS, "guest": _OWN_SIGN_INS},
        verbs=("list", "read", "delete"),
        audited=("delete",),
        kept_writable=True,
        private=True,
    )

    server_id: Mapped[int] = field(
        Integer, label="MCP server", references="mcp_servers", on_delete="CASCADE", required=True, read_only=True
    )
    shared: Mapped[bool] = field(
        Boolean, label="For everybody", default=False, read_only=True, help="Used for all who may use the server."
    )
    issuer: Mapped[str] = field(Text, label="Signed in at", required=True, read_only=True, max_length=2000)
    scopes: Mapped[str] = field(TagsText, label="Scopes", default=[], read_only=True, item_type="text")
    expires_at: Mapped[str | None] = field(
        DateTimeText, label="Token expires", read_only=True, help="Renewed by itself where the server allows it."
    )
    tokens: Mapped[str | None] = field(LongText, label="Tokens", write_only=True, max_length=65_536)
