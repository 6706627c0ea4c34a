"""One-time links that an admin hands out: to join, or to set a new password."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, DateTimeText, SecretText, TagsText
from server.models.base import Base, ModelOptions, Owned, Record, field


class AccountLink(Owned, Record, Base):
    __tablename__ = "account_links"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Account link",
        label_plural="Account links",
        description="Open invitations and password resets. Deleting one makes its link worthless.",
        group="system",
        title_field="purpose",
        verbs=("list", "read", "delete"),
        audited=("delete",),
        private=True,
    )

    purpose: Mapped[str] = field(ChoiceText("invite", "reset"), label="For", required=True, read_only=True)
    username: Mapped[str | None] = field(Text, label="Username", read_only=True, max_length=64)
    role: Mapped[str | None] = field(Text, label="Role", read_only=True, max_length=64)
    groups: Mapped[str | None] = field(
        TagsText, label="Groups", read_only=True, item_type="text", help="That whoever joins is in."
    )
    expires_at: Mapped[str] = field(DateTimeText, label="Expires", required=True, read_only=True, index=True)
    made_by: Mapped[str | None] = field(Text, label="Made by", read_only=True, max_length=64)
    token_hash: Mapped[str] = field(SecretText, label="Token hash", required=True, unique=True, hidden=True)
