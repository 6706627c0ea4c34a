"""Requests: what was asked of the server, by whom, how it was answered and how long that took."""

from __future__ import annotations

from sqlalchemy import Float, Index, Integer, Text
from sqlalchemy.orm import Mapped

from server.db.types import ChoiceText
from server.models.base import READ_OWN, Base, ModelOptions, Owned, Record, field

LEVELS = ("ok", "refused", "failed")


class Request(Owned, Record, Base):
    __tablename__ = "requests"
    __owner_delete__ = "CASCADE"
    __table_args__ = (Index("ix_requests_of_time", "created_at"),)
    __options__ = ModelOptions(
        label="Request",
        label_plural="Requests",
        description="What was asked of the server and how it was answered: no queries, bodies or answers.",
        group="system",
        title_field="path",
        access={"member": READ_OWN, "guest": READ_OWN},
        verbs=("list", "read"),
        log_cap_setting="requests_max_bytes",
        private=True,
    )

    method: Mapped[str] = field(Text, label="Method", required=True, read_only=True, max_length=16)
    path: Mapped[str] = field(Text, label="Path", required=True, read_only=True, max_length=300, searchable=True)
    status: Mapped[int] = field(Integer, label="Status", required=True, read_only=True)
    level: Mapped[str] = field(
        ChoiceText(*LEVELS),
        label="Outcome",
        required=True,
        read_only=True,
        help="refused: the request was wrong or not allowed (4xx); failed: the server broke (5xx).",
    )
    surface: Mapped[str] = field(
        Text, label="Part", required=True, read_only=True, max_length=16, help="rest, mcp, auth, plugins or other."
    )
    duration_ms: Mapped[float] = field(
        Float, label="Took (ms)", required=True, read_only=True, help="Until the answer began."
    )
    user_name: Mapped[str | None] = field(
        Text, label="By", read_only=True, max_length=64, searchable=True, help="Empty: nobody was signed in."
    )
    through: Mapped[str | None] = field(
        Text, label="Through", read_only=True, max_length=16, help="user: a session; token: an API token."
    )
    address: Mapped[str | None] = field(Text, label="Address", read_only=True, max_length=100)
    request_id: Mapped[str] = field(Text, label="Request", required=True, read_only=True, max_length=64, index=True)
