"""The beginning of a JSON value: of its shape, and short enough to be kept."""

from __future__ import annotations

from typing import Any

import orjson

CUT = "… (cut, "
_DEEPEST = 40
_LEAST = 16


def excerpt(value: Any, limit: int) -> tuple[Any, int]:
    """A copy of `value` of about `limit` bytes, and how many it takes. Costs what it keeps, not what there is."""
    room = _Room(limit)
    return room.copy(value, 0), limit - room.left


def kept(value: Any, limit: int) -> tuple[Any, int]:
    """The JSON of `value`, as bytes, where it is within `limit`; else an excerpt. And how many bytes it takes."""
    if value is not None and _is_small(value, limit):
        try:
            text = orjson.dumps(value)
        except orjson.JSONEncodeError:
            return excerpt(value, limit)
        if len(text) <= limit:
            return text, len(text)
    return excerpt(value, limit)


def _is_small(value: Any, limit: int) -> bool:
    """Whether it may be within `limit`, names aside. A glance that costs no more than what it lets through."""
    left, waiting = limit, [value]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if kind is str:
            left -= len(one)
        elif kind is dict or kind is list:
            left -= len(one)
            if left < 0:
                return False
            waiting += one.values() if kind is dict else one
    return left >= 0


class _Room:
    __slots__ = ("left",)

    def __init__(self, limit: int) -> None:
        self.left = limit

    def copy(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, (list, tuple)):
            return self._list(value, depth)
        self.left -= 8
        return value if value is None or isinstance(value, (bool, int, float)) else self._text(str(value))

    def _text(self, text: str) -> str:
        if len(text) <= _LEAST and text.isascii():
            self.left -= len(text)
            return text
        # One long text leaves room for what comes after it.
        keep = max(_LEAST, self.left * 3 // 4)
        kept = text[:keep]
        self.left -= len(kept) if kept.isascii() else len(kept.encode("utf-8", "replace"))
        return text if len(text) <= keep else f"{kept}{CUT}{len(text)} characters)"

    def _object(self, value: dict[Any, Any], depth: int) -> Any:
        kept: dict[str, Any] = {}
        for place, (name, item) in enumerate(value.items()):
            if self.left <= 0 or depth > _DEEPEST:
                kept["…"] = f"{len(value) - place} more"
                break
            key = self._text(name if isinstance(name, str) else str(name))
            kept[key] = self._text(item) if isinstance(item, str) else self.copy(item, depth + 1)
        return kept

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> Any:
        kept: list[Any] = []
        for place, item in enumerate(value):
            if self.left <= 0 or depth > _DEEPEST:
                kept.append(f"… {len(value) - place} more")
                break
            kept.append(self.copy(item, depth + 1))
        return kept
