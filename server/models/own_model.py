"""Definitions of the models that people have made themselves. Kept by `/api/v1/models`, never changed as records."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped

from server.db.types import JsonText
from server.models.base import WRITES, Base, ModelOptions, Record, field


class OwnModel(Record, Base):
    __tablename__ = "own_models"
    __options__ = ModelOptions(
        label="Own model",
        label_plural="Own models",
        description="Models made on this server, as they are declared. Change them at /api/v1/models.",
        group="system",
        audited=WRITES,
        guarded=True,
        verbs=("list", "read"),
    )

    name: Mapped[str] = field(Text, label="Name", required=True, unique=True, read_only=True, max_length=64)
    definition: Mapped[str] = field(JsonText, label="Definition", required=True, read_only=True)
