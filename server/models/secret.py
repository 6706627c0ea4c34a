"""Secrets by name, for MCP servers and plugins."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped

from server.db.types import LongText
from server.models.base import WRITES, Base, ModelOptions, Record, field

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"


class Secret(Record, Base):
    __tablename__ = "secrets"
    __options__ = ModelOptions(
        label="Secret",
        label_plural="Secrets",
        description="Keys and passwords for MCP servers and plugins. Values are stored sealed and never shown again.",
        group="system",
        audited=WRITES,
        private=True,
        history=True,
    )

    name: Mapped[str] = field(
        Text,
        label="Name",
        required=True,
        unique=True,
        max_length=100,
        searchable=True,
        pattern=NAME_PATTERN,
        pattern_help="letters, digits and . _ - are possible, the first a letter or digit",
        help="MCP servers take it as ${secret:NAME} in their environment and headers.",
    )
    value: Mapped[str | None] = field(
        LongText,
        label="Value",
        write_only=True,
        max_length=16_384,
        help="Lines are kept, as keys in files want it. Never shown again.",
    )
    description: Mapped[str | None] = field(LongText, label="Description", max_length=2000, searchable=True)
