"""A list in the words of the API, with `…` in the place of every value: what was asked for, never by whose data."""

from __future__ import annotations

from typing import Any

import orjson

from server.db.conditions import Condition, Every, Leaf, Negation, Operator, Some
from server.db.statements import ListShape

PLACE = "…"
_SIGNS: dict[Operator, str] = {
    "eq": "=", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "in": "in", "not_in": "not in",
    "like": "like", "ilike": "ilike", "is_null": "is",
}  # fmt: skip


def list_query(shape: ListShape) -> str:
    """The query string of a list, such as `state=…&price__gt=…&sort=-made_at`. Empty for a list of everything."""
    parts = []
    compared = [part for part in shape.parts if isinstance(part, Leaf)]
    parts += [f"{leaf.column}{'' if leaf.operator == 'eq' else f'__{leaf.operator}'}={PLACE}" for leaf in compared]
    nested = tuple(part for part in shape.parts if not isinstance(part, Leaf))
    if nested:
        # As it is written, not as it is escaped in an address: this is for people.
        parts.append(f"domain={orjson.dumps(_domain(nested[0] if len(nested) == 1 else Every(nested))).decode()}")
    if shape.search:
        parts.append(f"q={PLACE}")
    if shape.sort:
        parts.append("sort=" + ",".join(list_order(shape)))
    return "&".join(parts)


def list_order(shape: ListShape) -> list[str]:
    """What a list is sorted by, as in `sort`."""
    return [f"{'-' if key.descending else ''}{key.column}{':nocase' if key.nocase else ''}" for key in shape.sort]


def _domain(condition: Condition) -> list[Any]:
    match condition:
        case Leaf(column, operator, _):
            return [[column, _SIGNS[operator], PLACE]]
        case Negation(part):
            return ["!", *_one(part)]
        case Every(parts) | Some(parts):
            sign = "&" if isinstance(condition, Every) else "|"
            inner = [item for part in parts for item in _one(part)]
            return [*[sign] * (len(parts) - 1), *inner]


def _one(condition: Condition) -> list[Any]:
    """A condition as one part of a domain: joined inside, so that connectors of the outer one count it once."""
    written = _domain(condition)
    return written if isinstance(condition, Leaf) else [written]
