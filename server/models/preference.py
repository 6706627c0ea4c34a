"""What people prefer, such as the theme of their pages: kept here, so that every window and computer agrees."""

from __future__ import annotations

from sqlalchemy import Text, UniqueConstraint, bindparam, func, select
from sqlalchemy.orm import Mapped

from server.db.statements import compile_sql
from server.db.types import JsonText
from server.models.base import OWN, Base, ModelOptions, Owned, Record, field


class Preference(Owned, Record, Base):
    __tablename__ = "preferences"
    __owner_delete__ = "CASCADE"
    __table_args__ = (UniqueConstraint("owner_id", "key"),)
    __options__ = ModelOptions(
        label="Preference",
        label_plural="Preferences",
        description="What a person prefers, by key. The pages keep theme and columns here; scripts may keep their own.",
        group="system",
        title_field="key",
        access={"member": OWN, "guest": OWN},
        kept_writable=True,
    )

    key: Mapped[str] = field(
        Text,
        label="Key",
        required=True,
        unique_per_owner=True,
        max_length=100,
        pattern=r"[a-zA-Z0-9][a-zA-Z0-9._-]*",
        pattern_help="letters, digits, dots, _ and -, such as ui.theme",
    )
    value: Mapped[str | None] = field(JsonText, label="Value")


def count_of_person_sql() -> str:
    """How many preferences `:owner_id` has."""
    mine = Preference.__table__.c.owner_id == bindparam("owner_id")
    return compile_sql(select(func.count()).select_from(Preference.__table__).where(mine))
