"""What a list must answer, worked out from the documents in plain Python, without SQL."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

Row = dict[str, Any]
Test = Callable[[Row], bool]


def pattern(text: str) -> re.Pattern[str]:
    """A `like` pattern: `%` is any text, `_` any one character, and a backslash before one makes it ordinary."""
    parts = re.findall(r"\\[%_\\]|.", text, re.DOTALL)
    return re.compile("".join({"%": ".*", "_": "."}.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)


def compared(value: Any, operator: str, wanted: Any) -> bool:
    """Whether `value operator wanted` holds. No value is never equal, less or greater."""
    if operator == "is_null":
        return (value is None) is wanted
    if operator in ("ne", "not_in"):
        return not compared(value, "eq" if operator == "ne" else "in", wanted)
    if value is None:
        return False
    match operator:
        case "eq":
            return bool(value == wanted)
        case "lt":
            return bool(value < wanted)
        case "lte":
            return bool(value <= wanted)
        case "gt":
            return bool(value > wanted)
        case "gte":
            return bool(value >= wanted)
        case "in":
            return value in wanted
        case "like":
            return pattern(wanted).fullmatch(value) is not None
        case "ilike":
            return pattern(wanted.casefold()).fullmatch(value.casefold()) is not None
    raise AssertionError(operator)


WORDS = {"=": "eq", "!=": "ne", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "in": "in", "not in": "not_in",
         "like": "like", "ilike": "ilike"}  # fmt: skip


def domain_test(domain: list[Any]) -> Test:
    """A JSON domain: connectors stand before their parts; what is left over must all hold."""
    if not domain:
        return lambda row: True
    if isinstance(domain[0], str) and domain[0] not in "&|!":
        field, operator, wanted = domain
        if wanted is None and operator in ("=", "!="):
            return lambda row: (row[field] is None) is (operator == "=")
        return lambda row: compared(row[field], WORDS[operator], wanted)
    rest = list(domain)

    def one() -> Test:
        part = rest.pop(0)
        if isinstance(part, list):
            return domain_test(part)
        if part == "!":
            negated = one()
            return lambda row: not negated(row)
        first, second = one(), one()
        if part == "&":
            return lambda row: first(row) and second(row)
        return lambda row: first(row) or second(row)

    tests = []
    while rest:
        tests.append(one())
    return lambda row: all(test(row) for test in tests)


def ordered(rows: list[Row], sort: list[str]) -> list[Row]:
    """Rows in the order of `sort`: no value before all values; ties by id, in the direction of the last key."""
    keys = list(sort)
    if not any(key.lstrip("-").partition(":")[0] == "id" for key in keys):
        keys.append("-id" if keys and keys[-1].startswith("-") else "id")

    def order(left: Row, right: Row) -> int:
        for key in keys:
            name, _, way = key.removeprefix("-").partition(":")
            one, other = left[name], right[name]
            if way:
                one, other = (None if it is None else it.casefold() for it in (one, other))
            if one == other:
                continue
            less = one is None or (other is not None and one < other)
            return (1 if less else -1) if key.startswith("-") else (-1 if less else 1)
        return 0

    return sorted(rows, key=cmp_to_key(order))


def tokens(text: str | None) -> list[str]:
    """Words of a text without case and accents."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text or "") if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain.lower())


def found_by(row: Row, fields: list[str], q: str) -> bool:
    """Whether a row has every word as the beginning of one of its words, and `"quoted words"` as they stand."""
    for phrase, word in re.findall(r'"([^"]*)"|(\S+)', q):
        wanted = tokens(phrase or word)
        if not wanted:
            continue
        if not any(_has(tokens(row[field]), wanted, prefix=not phrase) for field in fields):
            return False
    return True


def _has(words: list[str], wanted: list[str], *, prefix: bool) -> bool:
    size = len(wanted)
    for start in range(len(words) - size + 1):
        part = words[start : start + size]
        if part[:-1] == wanted[:-1] and (part[-1].startswith(wanted[-1]) if prefix else part[-1] == wanted[-1]):
            return True
    return False
