"""Sealed values in rows: their stored form, and which keys they need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.db.facts import column_rows
from server.models.registry import ModelRegistry
from server.secrets.key_ring import sealed_under


def stored_form(sealed: str, *, is_json: bool) -> str:
    """How a sealed text lies in its column: where JSON is wanted, as JSON."""
    return f'"{sealed}"' if is_json else sealed


def sealed_text(stored: Any, *, is_json: bool) -> str | None:
    """The sealed text of a column, or None when the column is empty or in clear."""
    if not isinstance(stored, str):
        return None
    text = stored[1:-1] if is_json and stored.startswith('"') else stored
    return text if sealed_under(text) is not None else None


def keys_in_use(database: Path, registry: ModelRegistry) -> frozenset[str]:
    """The ids of the keys that the sealed values of a database file need."""
    return frozenset(_keys(database, registry))


def _keys(database: Path, registry: ModelRegistry) -> Iterator[str]:
    if not database.exists():
        return
    for spec in registry:
        for name in spec.sealed:
            is_json = spec.fields[name].type == "json"
            for (stored,) in column_rows(database, spec.name, name):
                text = sealed_text(stored, is_json=is_json)
                if text is not None:
                    yield sealed_under(text) or ""
