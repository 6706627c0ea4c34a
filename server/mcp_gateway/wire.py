"""JSON as it goes over the wire: fast, and for what the fast library refuses, the standard one."""

from __future__ import annotations

import json
from typing import Any

import orjson


def from_wire(text: bytes) -> Any:
    """The value. NaN and infinities, which are no JSON, become null. Raises ValueError for what is none at all."""
    try:
        return orjson.loads(text)
    except ValueError:
        # Integers beyond 64 bit and halves of surrogate pairs are JSON, and come from real programs.
        return json.loads(text, parse_constant=lambda _name: None)


def to_wire(value: Any) -> bytes:
    """The JSON of what `from_wire`, or any other reader of JSON, gave."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()
