"""Programs that ask people to let them act for them: they registered themselves, or a document tells of them."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, DateTimeText, TagsText
from server.models.base import Base, ModelOptions, Record, field


class OAuthClient(Record, Base):
    __tablename__ = "oauth_clients"
    __options__ = ModelOptions(
        label="App",
        label_plural="Apps",
        description="Programs that may ask people for access. Deleting one ends the access that it has.",
        group="system",
        verbs=("list", "read", "delete"),
        audited=("delete",),
        private=True,
    )

    name: Mapped[str] = field(Text, label="Name", required=True, read_only=True, max_length=100)
    identifier: Mapped[str] = field(
        Text, label="Client id", required=True, unique=True, read_only=True, max_length=2000
    )
    kind: Mapped[str] = field(
        ChoiceText("registered", "document"),
        label="Kind",
        required=True,
        read_only=True,
        help="registered: it registered itself; document: the address that is its client id describes it.",
    )
    redirects: Mapped[str] = field(TagsText, label="Redirects", required=True, read_only=True, item_type="text")
    confirmed_at: Mapped[str | None] = field(
        DateTimeText, label="Confirmed", read_only=True, help="When somebody first gave it access."
    )
