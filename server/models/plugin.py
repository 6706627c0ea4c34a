"""Plugins that were ever seen: whether each is switched on, and what became of it."""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, JsonText, LongText, TagsText
from server.models.base import Base, ModelOptions, Record, field


class Plugin(Record, Base):
    __tablename__ = "plugins"
    __options__ = ModelOptions(
        label="Plugin",
        label_plural="Plugins",
        description="Plugins that were found, and what became of each. They are switched under /api/v1/plugins/{name}.",
        group="system",
        verbs=("list", "read"),
        guarded=True,
    )

    name: Mapped[str] = field(
        Text, label="Folder", required=True, read_only=True, unique=True, max_length=100, help="Its id."
    )
    title: Mapped[str | None] = field(Text, label="Name", read_only=True, max_length=200)
    version: Mapped[str | None] = field(Text, label="Version", read_only=True, max_length=50)
    description: Mapped[str | None] = field(LongText, label="Description", read_only=True)
    bundled: Mapped[bool] = field(Boolean, label="Came with GridBear", default=False, read_only=True)
    enabled: Mapped[bool] = field(
        Boolean, label="Switched on", default=False, read_only=True, help="Whether it is to run."
    )
    state: Mapped[str] = field(
        ChoiceText("off", "on", "failed", "missing"),
        label="State",
        default="off",
        read_only=True,
        help="failed: it is switched on and stays out. missing: its folder is gone.",
    )
    permissions: Mapped[str] = field(
        TagsText,
        label="Permissions",
        default=[],
        read_only=True,
        item_type="line",
        help="What it was allowed when it was switched on.",
    )
    mcp_servers: Mapped[str] = field(
        TagsText,
        label="MCP servers",
        default=[],
        read_only=True,
        item_type="line",
        help="What the servers that it brings start and reach, as it was allowed when it was switched on.",
    )
    models: Mapped[str] = field(
        TagsText,
        label="Models",
        default=[],
        read_only=True,
        item_type="line",
        help="Those that it ever brought; their records stay while it is off or gone.",
    )
    content_hash: Mapped[str | None] = field(
        Text, label="Hash", read_only=True, max_length=64, help="SHA-256 of its files when it was switched on."
    )
    error: Mapped[str | None] = field(LongText, label="Error", read_only=True)
    traceback: Mapped[str | None] = field(LongText, label="Traceback", read_only=True)
    failures: Mapped[int] = field(
        Integer, label="Failures", default=0, read_only=True, help="How often it failed since it was switched on."
    )
    config: Mapped[str | None] = field(JsonText, label="Settings", hidden=True)
