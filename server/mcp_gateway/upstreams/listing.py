"""A list that a server gave, and for how long it says that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Listing:
    """All pages; `ttl` in seconds, None when the server does not say (0 says the same: ask again when you like)."""

    items: list[dict[str, Any]]
    ttl: float | None = None

    @classmethod
    def of(cls, pages: Sequence[Mapping[str, Any]], field: str) -> Listing:
        """Of the results, page by page, whose `field` has the items."""
        items = [one for page in pages for one in page.get(field) or () if isinstance(one, dict)]
        told = [_seconds(page.get("ttlMs")) for page in pages]
        return cls(items, min(told) or None if told else None)


def _seconds(milliseconds: Any) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float) or milliseconds <= 0:
        return 0.0
    return min(milliseconds / 1000, _MOST_SECONDS)
