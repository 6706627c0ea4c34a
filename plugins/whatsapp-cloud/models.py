"""What is kept of WhatsApp: messages both ways, and what Meta tells of those that were sent."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped

from server.plugin_api import (
    Base,
    ChoiceText,
    DateTimeText,
    FileReference,
    JsonText,
    LongText,
    ModelOptions,
    Record,
    field,
)


class Message(Record, Base):
    """One message. Admins alone see it, unless a rule says otherwise."""

    __tablename__ = "whatsapp_cloud_messages"
    __options__ = ModelOptions(
        label="WhatsApp message",
        label_plural="WhatsApp messages",
        description="Messages that came by WhatsApp, and those that were sent.",
        group="plugins",
        icon="chat",
        title_field="text",
        verbs=("list", "read", "delete"),
    )

    direction: Mapped[str] = field(ChoiceText("in", "out"), label="Way", required=True, read_only=True)
    contact: Mapped[str] = field(
        Text, label="Number", required=True, read_only=True, index=True, searchable=True, max_length=200
    )
    contact_name: Mapped[str | None] = field(Text, label="Name", read_only=True, searchable=True, max_length=200)
    text: Mapped[str | None] = field(LongText, label="Text", read_only=True, searchable=True)
    file: Mapped[int | None] = field(FileReference, label="File", read_only=True)
    file_error: Mapped[str | None] = field(Text, label="Why there is no file", read_only=True, max_length=1000)
    state: Mapped[str] = field(
        ChoiceText("received", "sent", "delivered", "read", "failed"), label="State", required=True, read_only=True
    )
    error: Mapped[str | None] = field(Text, label="Error", read_only=True, max_length=1000)
    at: Mapped[str] = field(DateTimeText, label="When", required=True, read_only=True, index=True)
    kind: Mapped[str] = field(Text, label="Kind", required=True, read_only=True, max_length=100)
    message_id: Mapped[str] = field(
        Text, label="Message id", required=True, read_only=True, unique=True, max_length=300
    )
    media_id: Mapped[str | None] = field(Text, label="Media id", read_only=True, max_length=200)
    content: Mapped[str | None] = field(JsonText, label="As it came", read_only=True)


class Status(Record, Base):
    """What Meta told of a message that was sent."""

    __tablename__ = "whatsapp_cloud_statuses"
    __options__ = ModelOptions(
        label="WhatsApp status",
        label_plural="WhatsApp statuses",
        description="What became of sent messages, each word of it.",
        group="plugins",
        icon="chat",
        title_field="state",
        verbs=("list", "read", "delete"),
    )

    message_id: Mapped[str] = field(Text, label="Message id", required=True, read_only=True, index=True, max_length=300)
    state: Mapped[str] = field(Text, label="State", required=True, read_only=True, max_length=100)
    contact: Mapped[str | None] = field(Text, label="Number", read_only=True, max_length=200)
    error: Mapped[str | None] = field(Text, label="Error", read_only=True, max_length=1000)
    at: Mapped[str] = field(DateTimeText, label="When", required=True, read_only=True)
    event_id: Mapped[str] = field(Text, label="Event id", required=True, read_only=True, unique=True, max_length=410)
    content: Mapped[str | None] = field(JsonText, label="As it came", read_only=True)
