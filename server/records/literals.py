"""Texts that stand for values: numbers and JSON, read so that nothing is rounded before a field has looked at it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import orjson

from server.records.values import BadValue

DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONG_BYTES = re.compile(rb"\d{19}")
_LONG_TEXT = re.compile(r"\d{19}")


def decimal(text: str) -> float:
    """The number that a text such as `-12.5e3` stands for. Raises BadValue."""
    if DECIMAL.fullmatch(text) is None:
        if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
            raise BadValue("not_finite", "a finite number is wanted")
        raise BadValue("wrong_type", "a number such as 12.5 is wanted")
    number = float(text)
    if not math.isfinite(number):
        raise BadValue("not_finite", "a finite number is wanted")
    return number


def json_value(text: str | bytes) -> Any:
    """The JSON value of a text; numbers over 64 bits, NaN and lone surrogates are kept for the fields to refuse."""
    try:
        return _json_reader(text)(text)
    except (ValueError, RecursionError):
        raise BadValue("invalid_json", "this is no valid JSON") from None


def _json_reader(text: str | bytes) -> Callable[[Any], Any]:
    long = _LONG_BYTES.search(text) if isinstance(text, bytes) else _LONG_TEXT.search(text)
    return _lenient if long else _strict


def _strict(text: Any) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _lenient(text)


def _lenient(text: str | bytes) -> Any:
    # orjson makes floats of integers over 64 bits; the standard parser keeps them, but would guess at encodings.
    return json.loads(text.decode("utf-8", "surrogatepass") if isinstance(text, bytes) else text)
