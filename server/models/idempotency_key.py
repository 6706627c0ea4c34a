"""Idempotency keys: which create each of them was sent with, so that it is not done twice."""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Text
from sqlalchemy.orm import Mapped

from server.models.base import NOTHING, Base, ModelOptions, Owned, Record, field


class IdempotencyKey(Owned, Record, Base):
    __tablename__ = "idempotency_keys"
    __owner_delete__ = "CASCADE"
    __options__ = ModelOptions(
        label="Idempotency key",
        label_plural="Idempotency keys",
        description="Which records were made with a key that keeps them from being made twice.",
        group="system",
        title_field="id",
        access={"member": NOTHING, "guest": NOTHING},
        verbs=(),
        kept_writable=True,
        private=True,
    )

    key_hash: Mapped[str] = field(Text, label="Hash", required=True, hidden=True, unique_per_owner=True, max_length=64)
    request_hash: Mapped[str] = field(
        Text, label="Hash of the request", required=True, hidden=True, max_length=64, help="Keyed by the key itself."
    )
    model: Mapped[str] = field(Text, label="Model", required=True, hidden=True, max_length=64, index=True)
    record_id: Mapped[int] = field(Integer, label="Record", required=True, hidden=True)
    told_once: Mapped[bool] = field(Boolean, label="Told something once", hidden=True, default=False)
    answer: Mapped[str | None] = field(
        Text,
        label="Answer",
        hidden=True,
        help="JSON, for more than one record. An import without one broke off.",
    )


_TABLE = IdempotencyKey.__tablename__
_OF_OWNER = "owner_id IS :owner_id"
"""Whoever works at the machine itself is nobody by id."""

FIND_SQL = (
    f"SELECT request_hash, record_id, told_once, created_at, answer FROM {_TABLE} "
    f"WHERE {_OF_OWNER} AND key_hash = :key_hash"
)
FORGET_SQL = f"DELETE FROM {_TABLE} WHERE {_OF_OWNER} AND key_hash = :key_hash"
_PARTS = "json_each(CASE WHEN json_type(answer) = 'array' THEN answer ELSE '[]' END) AS part"
"""What is kept of each operation of a batch; an import's answer is an object."""
FORGET_MODEL_SQL = f"DELETE FROM {_TABLE} WHERE model = :model AND json_type(answer) IS NOT 'array'"
BATCHES_WITH_SQL = (
    f"SELECT id, answer FROM {_TABLE} WHERE EXISTS "
    f"(SELECT 1 FROM {_PARTS} WHERE json_extract(part.value, '$[1]') = :model)"
)
SET_ANSWER_SQL = f"UPDATE {_TABLE} SET answer = :answer WHERE id = :id"
FORGET_ID_SQL = f"DELETE FROM {_TABLE} WHERE id = :id"
KEEP_LATEST_SQL = (
    f"""DELETE FROM {_TABLE} WHERE id <= (SELECT id FROM {_TABLE} ORDER BY id DESC LIMIT 1 OFFSET :most)"""
)
"""All but the latest `:most` keys go."""
KEEP_LATEST_OF_OWNER_SQL = (
    f"DELETE FROM {_TABLE} WHERE {_OF_OWNER} AND id <= "
    f"(SELECT id FROM {_TABLE} WHERE {_OF_OWNER} ORDER BY id DESC LIMIT 1 OFFSET :most)"
)
EXPIRE_SQL = (
    f"DELETE FROM {_TABLE} WHERE id IN (SELECT id FROM {_TABLE} WHERE created_at < :before ORDER BY id LIMIT :n)"
)
"""The oldest `:n` of those that were stored before `:before` go."""
