"""What the webhook inbox keeps of each delivery."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped

from server.plugin_api import Base, ChoiceText, DateTimeText, JsonText, LongText, ModelOptions, Record, field


class WebhookInboxDelivery(Record, Base):
    """One signed delivery. Admins alone see it."""

    __tablename__ = "webhook_inbox_deliveries"
    __options__ = ModelOptions(
        label="Received webhook",
        label_plural="Received webhooks",
        description="Signed webhooks that this server received.",
        group="plugins",
        icon="mail",
        title_field="event",
        verbs=("list", "read", "delete"),
        log_cap_setting="webhook_deliveries_max_bytes",
    )

    event: Mapped[str | None] = field(Text, label="Event", read_only=True, max_length=200)
    delivery_id: Mapped[str | None] = field(Text, label="Delivery id", read_only=True, unique=True, max_length=200)
    scheme: Mapped[str | None] = field(
        ChoiceText("github", "standard"), label="Signed as", read_only=True, help="The headers that signed it."
    )
    content_type: Mapped[str | None] = field(Text, label="Content type", read_only=True, max_length=200)
    size: Mapped[int | None] = field(Integer, label="Size in bytes", read_only=True)
    headers: Mapped[str | None] = field(JsonText, label="Headers", read_only=True)
    body: Mapped[str | None] = field(LongText, label="Body", read_only=True)
    replays: Mapped[int] = field(
        Integer, label="Replayed", default=0, read_only=True, help="How often its change was told again."
    )
    replayed_at: Mapped[str | None] = field(DateTimeText, label="Last replay", read_only=True)
