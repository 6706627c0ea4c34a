"""Files that people have uploaded: what is known of each; the bytes lie beside the database, by their hash."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped

from server.db.file_reach import FILES
from server.db.types import DateTimeText
from server.models.base import OWN, READ_OWN, Base, ModelOptions, Owned, Record, field

FILES_TABLE = FILES


class StoredFile(Owned, Record, Base):
    __tablename__ = FILES_TABLE
    __owner_delete__ = "SET NULL"
    __options__ = ModelOptions(
        label="File",
        label_plural="Files",
        description="Uploaded files. Whoever may read a record may read the files that it refers to.",
        group="system",
        access={"member": OWN, "guest": READ_OWN},
        verbs=("list", "read", "create", "delete"),
        history=True,
    )

    name: Mapped[str] = field(Text, label="Name", required=True, read_only=True, max_length=255)
    content_type: Mapped[str] = field(Text, label="Type", required=True, read_only=True, max_length=200)
    size: Mapped[int] = field(Integer, label="Bytes", required=True, read_only=True)
    sha256: Mapped[str] = field(Text, label="SHA-256", required=True, read_only=True, index=True, max_length=64)
    unreferenced_at: Mapped[str | None] = field(DateTimeText, label="Unused since", hidden=True, index=True)
