"""Moments as text in the one stored form."""

from __future__ import annotations

from datetime import UTC, datetime


def to_text(moment: datetime) -> str:
    """`2026-01-02T03:04:05.678Z`. A moment without a zone counts as UTC."""
    if moment.tzinfo is not UTC:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_text(text: str) -> datetime:
    """The moment of a stored text. Raises ValueError."""
    return datetime.fromisoformat(text)


def now_text() -> str:
    """This moment."""
    return to_text(datetime.now(UTC))
