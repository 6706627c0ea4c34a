"""Sessions: one per sign-in, only the hash of the token is kept."""

from __future__ import annotations

from sqlalchemy import Text, bindparam, delete, select
from sqlalchemy.orm import Mapped

from server.db.statements import compile_sql
from server.db.types import DateTimeText, SecretText
from server.models.base import NOTHING, Base, ModelOptions, Owned, Record, Rules, field

_OWN_SESSIONS: Rules = {**NOTHING, "list": "own", "read": "own", "delete": "own"}


class Session(Owned, Record, Base):
    __tablename__ = "sessions"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Session",
        label_plural="Sessions",
        description="Where somebody is signed in. Deleting one signs that device out.",
        group="system",
        title_field="device",
        access={"member": _OWN_SESSIONS, "guest": _OWN_SESSIONS},
        verbs=("list", "read", "delete"),
        audited=("delete",),
        log_cap_setting="sessions_max_bytes",
        log_goes_on=True,
        kept_writable=True,
        private=True,
    )

    token_hash: Mapped[str] = field(SecretText, label="Token hash", required=True, unique=True, hidden=True)
    device: Mapped[str | None] = field(Text, label="Device", read_only=True, max_length=300)
    address: Mapped[str | None] = field(Text, label="Address", read_only=True, max_length=100)
    role: Mapped[str | None] = field(Text, label="Role at sign-in", hidden=True, max_length=64)
    last_used_at: Mapped[str] = field(DateTimeText, label="Last used", required=True, read_only=True)


def delete_of_person_sql() -> str:
    """Sign `:owner_id` out everywhere but where they signed in as `:role`, the role that they have."""
    table = Session.__table__
    return compile_sql(
        delete(Session).where(
            table.c.owner_id == bindparam("owner_id"), table.c.role.is_distinct_from(bindparam("role"))
        )
    )


def delete_surplus_sql() -> str:
    """Keep the `:most` sessions of `:owner_id` that were used last. `:all` is -1: no limit."""
    table = Session.__table__
    mine = table.c.owner_id == bindparam("owner_id")
    latest = select(table.c.id).where(mine).order_by(table.c.last_used_at.desc(), table.c.id.desc())
    return compile_sql(delete(Session).where(table.c.id.in_(latest.limit(bindparam("all")).offset(bindparam("most")))))
