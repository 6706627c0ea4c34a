"""Files that people have uploaded: what is known of each; the bytes lie beside the database, by their hash."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import DateTimeText
from server.models.base import Base, ModelOptions, Owned, Record, field

FILES_TABLE = "files"


class StoredFile(Owned, Record, Base):
    __tablename__ = FILES_TABLE
    __owner_delete__ = "SET NULL"
    __options__ = ModelOptions(
        label="File",
        label_plural="Files",
        description="Uploaded files. They are made at /api/v1/files and belong to the records that name them.",
        group="system",
        verbs=(),
    )

    name: Mapped[str] = field(Text, label="Name", required=True, read_only=True, max_length=255)
    content_type: Mapped[str] = field(Text, label="Type", required=True, read_only=True, max_length=200)
    size: Mapped[int] = field(Integer, label="Bytes", required=True, read_only=True)
    sha256: Mapped[str] = field(Text, label="SHA-256", required=True, read_only=True, index=True, max_length=64)
    unreferenced_at: Mapped[str | None] = field(DateTimeText, label="Unused since", hidden=True, index=True)
