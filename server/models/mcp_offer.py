"""What MCP servers offer beside tools, as it was last seen: so that clients hear of it before a server has started."""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import JsonText
from server.models.base import Base, ModelOptions, Record, field


class McpOffer(Record, Base):
    __tablename__ = "mcp_offers"
    __options__ = ModelOptions(
        label="Offer of an MCP server",
        label_plural="Offers of MCP servers",
        description="Capabilities, prompts and resources of each MCP server, as they were last seen.",
        group="system",
        title_field="server_id",
        verbs=("list", "read"),
        private=True,
        kept_writable=True,
    )

    server_id: Mapped[int] = field(
        Integer,
        label="MCP server",
        references="mcp_servers",
        on_delete="CASCADE",
        required=True,
        unique=True,
        read_only=True,
    )
    capabilities: Mapped[str] = field(JsonText, label="Capabilities", default=[], read_only=True)
    prompts: Mapped[str | None] = field(JsonText, label="Prompts", read_only=True, help="Empty: never listed.")
    resources: Mapped[str | None] = field(JsonText, label="Resources", read_only=True)
    templates: Mapped[str | None] = field(JsonText, label="Templates of resources", read_only=True)
    asks: Mapped[bool] = field(
        Boolean,
        label="Asks",
        default=False,
        read_only=True,
        help="It has asked its clients something without saying for which call: it gets those of one at a time.",
    )
    listed_for: Mapped[str] = field(Text, label="Listed for", required=True, read_only=True, max_length=40)
