"""How an attempt to deliver went."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """How an attempt went."""

    status: int | None
    body: str
    """The beginning of what was answered."""
    error: str
    """Empty when the delivery was taken."""
    milliseconds: int
    retry_after: float | None = None
    """Seconds, when the receiver asks for them."""
    for_good: bool = False
    """Another attempt would not help: the address may not be called, or says that it is gone."""
