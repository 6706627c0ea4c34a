"""Comparisons of one request: fields and operators checked, values kept under the names of their parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from server.access.policy import Permission
from server.db.conditions import OPERATORS, Leaf, Operator
from server.models.registry import FieldSpec, ModelSpec
from server.records.literals import decimal
from server.records.values import INTEGER_MAX, INTEGER_MIN, BadValue, clean_text, finite, stored_value

MAX_FILTERS = 64
MAX_LISTED = 1000
MAX_PATTERN = 1000
MAX_PATTERNS = 2000
"""Characters of all patterns of one request: a long text is compared with each from every place in it on."""

_BACKSLASH = re.compile(r"\\(?:[%_\\]|)")
_UNFILTERED = frozenset(("json", "tags", "secret"))
_NO_TEXT = frozenset(("integer", "number", "boolean", "relation", "file"))
_WHOLE = frozenset(("integer", "relation", "file"))


class Filters:
    """Collects the comparisons of one request on one model, for somebody who sees `permission.shown`."""

    def __init__(self, spec: ModelSpec, permission: Permission) -> None:
        self.spec = spec
        self.permission = permission
        self.values: dict[str, Any] = {}
        self._patterns = 0

    def shown(self, name: Any) -> FieldSpec:
        """The field, if the caller may know of it. Raises BadValue."""
        found = self.spec.fields.get(name) if isinstance(name, str) else None
        if found is None or name not in self.permission.shown:
            known = ", ".join(self.permission.shown)
            raise BadValue("unknown_field", f"{self.spec.name} has no such field as {name!r:.60}; it has {known}")
        return found

    def from_text(self, name: str, text: str) -> Leaf:
        """The comparison of a query parameter: `field=value` or `field__op=value`. Raises BadValue."""
        column, _, suffix = name.partition("__")
        operator: Any = suffix or "eq"
        found = self.shown(column)
        if operator not in OPERATORS:
            raise BadValue("unknown_operator", f"one of {', '.join(OPERATORS)} may follow {column}__")
        if operator == "is_null":
            return self._keep(column, operator, int(truth(text)))
        self._check(found, operator, column)
        if operator in ("like", "ilike"):
            return self._like(column, operator, text)
        if operator in ("in", "not_in"):
            return self._listed(column, operator, [_from_text(found, part) for part in text.split(",") if text])
        return self._keep(column, operator, _from_text(found, text))

    def from_json(self, name: str, operator: Operator, value: Any) -> Leaf:
        """The comparison of a domain. Raises BadValue."""
        found = self.shown(name)
        if operator == "is_null":
            if not isinstance(value, bool):
                raise BadValue("wrong_type", "true or false is wanted")
            return self._keep(name, operator, int(value))
        self._check(found, operator, name)
        if operator in ("like", "ilike"):
            return self._like(name, operator, value)
        if operator in ("in", "not_in"):
            if not isinstance(value, list):
                raise BadValue("wrong_type", "a list is wanted")
            return self._listed(name, operator, [_from_json(found, item) for item in value])
        return self._keep(name, operator, _from_json(found, value))

    def _check(self, found: FieldSpec, operator: str, name: str) -> None:
        if found.type == "bytes" and operator not in ("eq", "ne"):
            raise BadValue("wrong_operator", f"{name} can only be filtered by equality and {name}__is_null")
        if found.type in _UNFILTERED:
            raise BadValue("not_filterable", f"{name} can only be filtered with {name}__is_null")
        if operator in ("like", "ilike") and found.type in _NO_TEXT:
            raise BadValue("wrong_operator", f"{operator} is for texts")

    def _like(self, column: str, operator: Operator, value: Any) -> Leaf:
        pattern = _pattern(value)
        self._patterns += len(pattern)
        if self._patterns > MAX_PATTERNS:
            raise BadValue("too_long", f"at most {MAX_PATTERNS} characters in all patterns together")
        return self._keep(column, operator, pattern)

    def _listed(self, column: str, operator: Operator, values: list[Any]) -> Leaf:
        if len(values) > MAX_LISTED:
            raise BadValue("too_many", f"at most {MAX_LISTED} values")
        return self._keep(column, operator, orjson.dumps(values).decode())

    def _keep(self, column: str, operator: Operator, value: Any) -> Leaf:
        if len(self.values) >= MAX_FILTERS:
            raise BadValue("too_many", f"at most {MAX_FILTERS} filters")
        parameter = f"f{len(self.values)}"
        self.values[parameter] = value
        return Leaf(column, operator, parameter)


def truth(text: str) -> bool:
    """`true` or `false` of a query string. Raises BadValue."""
    if text not in ("true", "false", "1", "0"):
        raise BadValue("wrong_type", "true or false is wanted")
    return text in ("true", "1")


def whole(text: str, minimum: int, maximum: int) -> int:
    """A whole number of a query string. Raises BadValue."""
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not minimum <= int(text) <= maximum:
        raise BadValue("out_of_range", f"a whole number from {minimum} to {maximum} is wanted")
    return int(text)


def _pattern(text: Any) -> str:
    """A pattern in which a backslash before `%`, `_` or a backslash makes it an ordinary character, and is one else."""
    if len(clean_text(text)) > MAX_PATTERN:
        raise BadValue("too_long", f"at most {MAX_PATTERN} characters")
    # SQLite would take any character after a backslash for itself, and a last backslash for a pattern of nothing.
    return _BACKSLASH.sub(lambda found: found[0] if len(found[0]) == 2 else r"\\", text)


def _from_text(found: FieldSpec, text: str) -> Any:
    return _READ.get(found.type, _as_text)(found, text)


def _from_json(found: FieldSpec, value: Any) -> Any:
    if found.type in _WHOLE:
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadValue("wrong_type", "a whole number is wanted")
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise BadValue("out_of_range", "whole numbers have at most 64 bits")
        return value
    if value is None:
        raise BadValue("wrong_type", "a value is wanted; compare with = null to find empty fields")
    if found.type == "number":
        return finite(value)
    return stored_value(found, value) if found.type in ("boolean", "datetime", "date", "bytes") else clean_text(value)


def _as_integer(_found: FieldSpec, text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        raise BadValue("wrong_type", "a whole number is wanted")
    if not INTEGER_MIN <= int(text) <= INTEGER_MAX:
        raise BadValue("out_of_range", "whole numbers have at most 64 bits")
    return int(text)


def _as_number(_found: FieldSpec, text: str) -> float:
    return decimal(text)


def _as_boolean(_found: FieldSpec, text: str) -> int:
    return int(truth(text))


def _as_moment(found: FieldSpec, text: str) -> Any:
    # In a query string a `+` before the zone arrives as a space.
    return stored_value(found, text.replace(" ", "+") if found.type == "datetime" and "T" in text else text)


def _as_bytes(found: FieldSpec, text: str) -> Any:
    # As with moments: a `+` that was not escaped arrives as a space.
    return stored_value(found, text.replace(" ", "+"))


def _as_text(_found: FieldSpec, text: str) -> str:
    return clean_text(text)


_READ: dict[str, Callable[[FieldSpec, str], Any]] = {
    "integer": _as_integer,
    "relation": _as_integer,
    "file": _as_integer,
    "number": _as_number,
    "boolean": _as_boolean,
    "datetime": _as_moment,
    "date": _as_moment,
    "bytes": _as_bytes,
}
