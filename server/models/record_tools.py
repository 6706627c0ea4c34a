"""Which models' records AI clients reach as tools: one record per model that differs from the default."""

from __future__ import annotations

from sqlalchemy import Boolean, Text
from sqlalchemy.orm import Mapped

from server.models.base import WRITES, Base, ModelOptions, Record, field


class RecordTools(Record, Base):
    __tablename__ = "record_tools"
    __options__ = ModelOptions(
        label="Data tools of a model",
        label_plural="Data tools",
        description="What AI clients may do with the records of a model, within the rights of their person.",
        group="system",
        title_field="model",
        audited=WRITES,
        guarded=True,
    )

    model: Mapped[str] = field(Text, label="Model", required=True, unique=True, create_only=True, max_length=100)
    reading: Mapped[bool] = field(Boolean, label="Search and read", default=True)
    writing: Mapped[bool] = field(Boolean, label="Create and change", default=True)
    deleting: Mapped[bool] = field(
        Boolean, label="Delete", default=False, help="Into the trash; models without one have no such tool."
    )
