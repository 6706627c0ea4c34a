"""What was sent to webhooks, and what came back."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, DateTimeText, JsonText, LongText
from server.models.base import READ_OWN, Base, ModelOptions, Owned, Record, field

OPEN_DELIVERIES = ("waiting", "queued")


class WebhookDelivery(Owned, Record, Base):
    __tablename__ = "webhook_deliveries"
    __owner_delete__ = "CASCADE"
    __table_args__ = (Index("ix_webhook_deliveries_state", "webhook_id", "status"),)
    __options__ = ModelOptions(
        label="Webhook delivery",
        label_plural="Webhook deliveries",
        description="What was sent to webhooks, what they answered, and what is tried again.",
        group="system",
        tools="off",
        title_field="event",
        access={"member": READ_OWN, "guest": READ_OWN},
        verbs=("list", "read"),
        log_cap_setting="webhook_deliveries_max_bytes",
        log_keeps=("status", OPEN_DELIVERIES),
        log_goes_on=True,
    )

    webhook_id: Mapped[int] = field(
        Integer, label="Webhook", required=True, read_only=True, references="webhooks", on_delete="CASCADE"
    )
    key: Mapped[str] = field(
        Text, label="Message id", required=True, read_only=True, max_length=64, help="Sent as webhook-id."
    )
    event: Mapped[str] = field(Text, label="Event", required=True, read_only=True, max_length=100)
    model: Mapped[str | None] = field(Text, label="Model", read_only=True, max_length=64)
    record_id: Mapped[int | None] = field(Integer, label="Record", read_only=True)
    record_owner_id: Mapped[int | None] = field(Integer, label="Owner of the record", hidden=True)
    status: Mapped[str] = field(
        ChoiceText("waiting", "queued", "delivered", "failed"),
        label="State",
        default="waiting",
        read_only=True,
        index=True,
        help="queued: it is sent now, or again at the next attempt.",
    )
    payload: Mapped[str | None] = field(JsonText, label="Sent", read_only=True)
    attempts: Mapped[int] = field(Integer, label="Attempts", default=0, read_only=True)
    next_attempt_at: Mapped[str | None] = field(DateTimeText, label="Next attempt", read_only=True)
    delivered_at: Mapped[str | None] = field(DateTimeText, label="Delivered", read_only=True)
    answer_status: Mapped[int | None] = field(Integer, label="Answer", read_only=True, help="The HTTP status.")
    answer_body: Mapped[str | None] = field(LongText, label="Answer's text", read_only=True, help="Its beginning.")
    milliseconds: Mapped[int | None] = field(Integer, label="Took (ms)", read_only=True)
    error: Mapped[str | None] = field(Text, label="Error", read_only=True, max_length=1000)
