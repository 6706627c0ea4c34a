"""Groups of people, and who is in them: what access rules can be given to beside roles."""

from __future__ import annotations

from sqlalchemy import Integer, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped

from server.db.statements import compile_sql
from server.db.types import LongText
from server.models.base import WRITES, Base, ModelOptions, Record, field


class Group(Record, Base):
    __tablename__ = "groups"
    __options__ = ModelOptions(
        label="Group",
        label_plural="Groups",
        description="People who share access rules.",
        group="system",
        audited=WRITES,
        history=True,
        guarded=True,
    )

    name: Mapped[str] = field(Text, label="Name", required=True, unique=True, max_length=100)
    description: Mapped[str | None] = field(LongText, label="Description", max_length=2000)


class GroupMember(Record, Base):
    __tablename__ = "group_members"
    __table_args__ = (UniqueConstraint("group_id", "user_id"),)
    __options__ = ModelOptions(
        label="Group member",
        label_plural="Group members",
        description="Who is in which group.",
        group="system",
        audited=WRITES,
        title_field="id",
        history=True,
        guarded=True,
    )

    group_id: Mapped[int] = field(Integer, label="Group", required=True, references="groups", on_delete="CASCADE")
    user_id: Mapped[int] = field(Integer, label="User", required=True, references="users", on_delete="CASCADE")


def group_names_sql() -> str:
    """The names of all groups."""
    return compile_sql(select(Group.__table__.c.name))
