"""JSON as it goes over the wire: fast, and for what the fast library refuses, the standard one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from server.records.values import INTEGER_MAX, INTEGER_MIN, BadValue, check_json

_DEEPEST = 200
"""Of objects and lists in each other, for those who write with less patience than `to_wire`."""

_BEYOND_FLOATS = 1 << 1023


class Unwritable(ValueError):
    """A value that is no JSON that others can read."""


def from_wire(text: bytes) -> Any:
    """The value. NaN and infinities, which are no JSON, become null. Raises ValueError for what is none at all."""
    try:
        return orjson.loads(text)
    except ValueError:
        # Integers beyond 64 bit and halves of surrogate pairs are JSON, and come from real programs.
        try:
            return json.loads(text, parse_constant=lambda _name: None)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def to_wire(value: Any) -> bytes:
    """The JSON of what `from_wire`, or any other reader of JSON, gave. Raises Unwritable when it is too deep."""
    try:
        return orjson.dumps(value)
    except TypeError:
        try:
            return json.dumps(value).encode()
        except RecursionError:
            raise Unwritable("it is nested too deeply") from None


def writable(value: Any) -> Any:
    """The value as the SDK can write it: halves of surrogate pairs become U+FFFD. Raises Unwritable when too deep."""
    try:
        orjson.dumps(value)
    except TypeError:
        return _mended(value, 0)
    return value


def storable(value: Any) -> Any:
    """The value as a record can hold it: as `writable`, and NUL becomes U+FFFD, what has over 64 bits is rounded.

    Raises Unwritable when too deep.
    """
    try:
        check_json(value)
    except BadValue:
        return _mended(value, 0, _held)
    return value


def _held(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
        # As every reader does who knows numbers of 64 bits only.
        return float(value) if abs(value) < _BEYOND_FLOATS else str(value)
    return value


def _mended(value: Any, depth: int, more: Callable[[Any], Any] = lambda leaf: leaf) -> Any:
    if depth > _DEEPEST:
        raise Unwritable("it is nested too deeply")
    if isinstance(value, str):
        return more(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    if isinstance(value, dict):
        return {_mended(key, depth, more): _mended(item, depth + 1, more) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(item, depth + 1, more) for item in value]
    return more(value)
