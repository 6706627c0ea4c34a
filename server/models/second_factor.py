"""Second factors: the secret of a person's authenticator app, and codes for when the app is lost."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import DateTimeText, SecretText
from server.models.base import NOTHING, READ_OWN, Base, ModelOptions, Owned, Record, field


class SecondFactor(Owned, Record, Base):
    __tablename__ = "second_factors"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Second factor",
        label_plural="Second factors",
        description="Who signs in with a code of an authenticator app as well. Set up at /auth/second-factor.",
        group="system",
        title_field="confirmed_at",
        access={"member": READ_OWN, "guest": READ_OWN},
        verbs=("list", "read"),
        private=True,
    )

    secret: Mapped[str] = field(SecretText, label="Secret", required=True, read_only=True, write_only=True)
    confirmed_at: Mapped[str | None] = field(DateTimeText, label="In force since", read_only=True)
    last_step: Mapped[int] = field(Integer, label="Last used step", required=True, hidden=True)


class RecoveryCode(Owned, Record, Base):
    __tablename__ = "recovery_codes"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Recovery code",
        label_plural="Recovery codes",
        description="Codes that each work once in place of the authenticator app.",
        group="system",
        title_field="id",
        access={"member": NOTHING, "guest": NOTHING},
        verbs=(),
        private=True,
    )

    code_hash: Mapped[str] = field(Text, label="Hash", required=True, unique=True, hidden=True)
