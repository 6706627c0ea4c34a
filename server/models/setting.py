"""Settings that were changed here; everything else has its default or comes from the environment."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped

from server.db.types import JsonText
from server.models.base import WRITES, Base, ModelOptions, Record, field


class Setting(Record, Base):
    __tablename__ = "settings"
    __options__ = ModelOptions(
        label="Setting",
        label_plural="Settings",
        description="Settings changed here. Deleting one brings its default back.",
        group="system",
        audited=WRITES,
        guarded=True,
        history=True,
        kept_writable=True,
    )

    name: Mapped[str] = field(Text, label="Name", required=True, unique=True, create_only=True, max_length=100)
    value: Mapped[str] = field(JsonText, label="Value", required=True)
