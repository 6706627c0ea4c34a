"""People who may sign in."""

from __future__ import annotations

from sqlalchemy import Boolean, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText, SecretText
from server.models.base import NOTHING, READ_OWN, Base, ModelOptions, Record, Rules, field

USERNAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
PASSWORD_MIN_LENGTH = 12
PASSWORD_MAX_LENGTH = 1024

_SELF: Rules = {**NOTHING, "list": "own", "read": "own", "update": "own"}


class User(Record, Base):
    __tablename__ = "users"
    __options__ = ModelOptions(
        label="User",
        label_plural="Users",
        description="People who may sign in, and what they are here.",
        group="system",
        title_field="username",
        access={"member": _SELF, "guest": READ_OWN},
        owner_column="id",
    )

    username: Mapped[str] = field(
        Text,
        label="Username",
        required=True,
        unique=True,
        create_only=True,
        max_length=64,
        pattern=USERNAME_PATTERN,
        pattern_help="letters, digits and . _ @ - are possible, the first a letter or digit",
    )
    display_name: Mapped[str | None] = field(Text, label="Name", max_length=200)
    role: Mapped[str] = field(
        ChoiceText("admin", "member", "guest"), label="Role", default="member", admin_only=True
    )
    is_active: Mapped[bool] = field(
        Boolean, label="Active", default=True, admin_only=True, help="An inactive person can't sign in."
    )
    password_hash: Mapped[str | None] = field(SecretText, label="Password hash", hidden=True)
