"""The values of all write-only fields, for what has to keep them out of a log. For the program itself alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson

from server.db.statements import ListShape
from server.records.sealing import sealed_text
from server.records.shelf import Shelf
from server.secrets.key_ring import Place, Unreadable

_SHORTEST = 4
_SHORTEST_IN_JSON = 8
"""Environments and headers also have `info` and `1` in them, which are no secrets and stand in every other text."""
_SCHEMES = ("Bearer ", "Basic ", "Token ")


async def secret_values(shelf: Shelf) -> set[str]:
    """Every value that is sealed now, opened; of JSON its texts. Short ones are left out."""
    found: set[str] = set()
    for name, prepared in list(shelf.models.items()):
        sealed = prepared.spec.sealed
        if not sealed:
            continue
        sql = prepared.columns_where(ListShape(), ("id", *sealed))
        [rows] = await shelf.store.read([(sql, {})])
        found |= await asyncio.to_thread(_opened, shelf, name, sealed, prepared.json_columns, rows)
    return found


def _opened(
    shelf: Shelf, model: str, names: tuple[str, ...], json_columns: frozenset[str], rows: list[tuple[Any, ...]]
) -> set[str]:
    found: set[str] = set()
    for row in rows:
        for name, stored in zip(names, row[1:], strict=True):
            is_json = name in json_columns
            sealed = None if stored is None else sealed_text(stored, is_json=is_json)
            if sealed is None:
                continue
            try:
                text = shelf.vault.open(sealed, Place(model, name, int(row[0])))
            except Unreadable:
                continue
            found.update(_texts(orjson.loads(text), _SHORTEST_IN_JSON) if is_json else _texts(text, _SHORTEST))
    return found


def _texts(value: Any, shortest: int) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item, shortest)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, shortest)
    elif isinstance(value, str) and len(value) >= shortest and not value.startswith("${secret:"):
        yield value
        for scheme in _SCHEMES:
            if value.startswith(scheme) and len(value) - len(scheme) >= shortest:
                yield value[len(scheme) :]
