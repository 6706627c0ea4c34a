"""What people allowed programs: one row per permission, with the hashes of the tokens of the moment."""

from __future__ import annotations

from sqlalchemy import Integer, Text, bindparam, delete
from sqlalchemy.orm import Mapped

from server.db.statements import compile_sql
from server.db.types import DateTimeText, SecretText, TagsText
from server.models.base import NOTHING, Base, ModelOptions, Owned, Record, Rules, field

_OWN_TOKENS: Rules = {**NOTHING, "list": "own", "read": "own", "delete": "own"}


class OAuthToken(Owned, Record, Base):
    __tablename__ = "oauth_tokens"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Connected app",
        label_plural="Connected apps",
        description="Programs that may act for somebody. Deleting one ends its access at once.",
        group="system",
        title_field="client_name",
        access={"member": _OWN_TOKENS, "guest": _OWN_TOKENS},
        verbs=("list", "read", "delete"),
        audited=("delete",),
        kept_writable=True,
        private=True,
    )

    client_id: Mapped[int] = field(
        Integer, label="App", references="oauth_clients", on_delete="CASCADE", required=True, read_only=True
    )
    client_name: Mapped[str] = field(Text, label="Name", required=True, read_only=True, max_length=100)
    redirect: Mapped[str] = field(Text, label="Sent back to", required=True, read_only=True, max_length=2000)
    scopes: Mapped[str] = field(TagsText, label="Scopes", required=True, read_only=True, item_type="text")
    resource: Mapped[str] = field(Text, label="Good for", required=True, read_only=True, max_length=2000)
    expires_at: Mapped[str] = field(
        DateTimeText, label="Expires", required=True, read_only=True, index=True, help="Moves on while it is used."
    )
    last_used_at: Mapped[str | None] = field(DateTimeText, label="Last used", read_only=True)
    role: Mapped[str | None] = field(Text, label="Role when it was allowed", hidden=True, max_length=64)
    access_scopes: Mapped[str] = field(Text, label="Scopes of the access token", required=True, hidden=True)
    access_expires_at: Mapped[str] = field(DateTimeText, label="Access token expires", required=True, hidden=True)
    access_hash: Mapped[str] = field(SecretText, label="Access token hash", required=True, unique=True, hidden=True)
    family_hash: Mapped[str] = field(SecretText, label="Family hash", required=True, unique=True, hidden=True)
    refresh_hash: Mapped[str] = field(SecretText, label="Refresh token hash", required=True, hidden=True)
    code_hash: Mapped[str] = field(SecretText, label="Code hash", required=True, unique=True, hidden=True)


def delete_tokens_of_person_sql() -> str:
    """End what `:owner_id` allowed, but what they allowed as `:role`, the role that they have."""
    table = OAuthToken.__table__
    return compile_sql(
        delete(OAuthToken).where(
            table.c.owner_id == bindparam("owner_id"), table.c.role.is_distinct_from(bindparam("role"))
        )
    )
