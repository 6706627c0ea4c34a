"""People who may sign in."""

from __future__ import annotations

from sqlalchemy import Boolean, Text, bindparam, func, select
from sqlalchemy.orm import Mapped

from server.db.statements import compile_sql
from server.db.types import ChoiceText, EmailText, SecretText
from server.models.base import NOTHING, WRITES, Base, ModelOptions, Record, Rules, field

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
        audited=WRITES,
        title_field="username",
        access={"member": _SELF, "guest": _SELF},
        owner_column="id",
        before_delete="POST /auth/users/{id}/leave gives them to somebody else or puts them into the trash; an "
        "inactive person keeps everything.",
        history=True,
        guarded=True,
    )

    username: Mapped[str] = field(
        Text,
        label="Username",
        required=True,
        unique=True,
        create_only=True,
        max_length=64,
        searchable=True,
        pattern=USERNAME_PATTERN,
        pattern_help="letters, digits and . _ @ - are possible, the first a letter or digit",
    )
    display_name: Mapped[str | None] = field(Text, label="Name", max_length=200, searchable=True)
    email: Mapped[str | None] = field(EmailText, label="E-mail", max_length=254, searchable=True)
    role: Mapped[str] = field(ChoiceText("admin", "member", "guest"), label="Role", default="member", admin_only=True)
    is_active: Mapped[bool] = field(
        Boolean, label="Active", default=True, admin_only=True, help="An inactive person can't sign in."
    )
    password: Mapped[str | None] = field(
        SecretText,
        label="Password",
        write_only=True,
        hashed=True,
        create_only=True,
        max_length=PASSWORD_MAX_LENGTH,
        help=f"At least {PASSWORD_MIN_LENGTH} characters. Changed later by its owner; only its hash is stored.",
    )


ALIKE_SQL = f"SELECT id, username FROM {User.__tablename__} WHERE lower(username) = :name"
"""People whose name is `:name` (in small letters) but for case; the letters of names are ASCII."""


def count_active_admins_sql() -> str:
    """How many people could still administer this server."""
    active = User.__table__.c.is_active == bindparam("active")
    return compile_sql(
        select(func.count()).select_from(User.__table__).where(User.__table__.c.role == bindparam("role"), active)
    )


ACTIVE_ADMIN = {"role": "admin", "active": 1}
