"""Cursors: where the next page begins, as text that means nothing to anybody else."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import orjson

from server.db.statements import SortKey
from server.records.values import INTEGER_MAX, INTEGER_MIN, BadValue


def encode_cursor(keys: Sequence[SortKey], values: Sequence[Any]) -> str:
    """The cursor after a row whose sort keys have these values."""
    return urlsafe_b64encode(orjson.dumps([_order(keys), *values])).decode().rstrip("=")


def decode_cursor(text: str, keys: Sequence[SortKey]) -> list[Any]:
    """The values of the sort keys. Raises BadValue when the cursor was not made for this order."""
    try:
        found = orjson.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        raise BadValue("bad_cursor", "take the text of `next` from the page before, unchanged") from None
    good = isinstance(found, list) and len(found) == len(keys) + 1
    if not good or not all(_is_key(value) for value in found):
        raise BadValue("bad_cursor", "take the text of `next` from the page before, unchanged")
    if found[0] != _order(keys):
        raise BadValue("other_order", "this cursor belongs to another `sort`; begin again without it")
    return list(found[1:])


def _is_key(value: Any) -> bool:
    if isinstance(value, int):
        return INTEGER_MIN <= value <= INTEGER_MAX
    return value is None or isinstance(value, (str, float))


def _order(keys: Sequence[SortKey]) -> str:
    return ",".join(f"{'-' if key.descending else ''}{key.column}{':nocase' if key.nocase else ''}" for key in keys)
