"""List parameters to a shape and its values: `field`, `field__op`, `sort`, `limit`, `offset`, `total`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.db.statements import OPERATORS, ListShape, Operator, SortKey
from server.errors import FieldError
from server.models.registry import FieldSpec, ModelSpec
from server.records.values import INTEGER_MAX, BadValue, clean_text, raise_for, stored_value

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_FILTERS = 32
MAX_LISTED = 1000
MAX_PATTERN = 1000

_UNFILTERED = frozenset(("json", "tags", "secret"))
_TEXT_OPERATORS = frozenset(("like", "ilike"))


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One list request, understood."""

    shape: ListShape = field(default_factory=ListShape)
    values: dict[str, Any] = field(default_factory=dict)
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    total: bool = True


def parse_query(spec: ModelSpec, parameters: Iterable[tuple[str, str]]) -> ListQuery:
    """Understand the parameters of a list request. Raises ValidationFailed naming every bad one."""
    filters: list[tuple[str, Operator]] = []
    values: dict[str, Any] = {}
    sort: tuple[SortKey, ...] = ()
    limit, offset, total = DEFAULT_LIMIT, 0, True
    errors: dict[str, FieldError] = {}
    for name, text in parameters:
        try:
            match name:
                case "limit":
                    limit = _whole(text, 1, MAX_LIMIT)
                case "offset":
                    offset = _whole(text, 0, INTEGER_MAX)
                case "total":
                    total = _truth(text)
                case "sort":
                    sort = _sort(spec, text)
                case _:
                    column, operator, value = _filter(spec, name, text)
                    if len(filters) >= MAX_FILTERS:
                        raise BadValue("too_many", f"at most {MAX_FILTERS} filters")
                    values[f"f{len(filters)}"] = value
                    filters.append((column, operator))
        except BadValue as bad:
            errors[name] = FieldError(bad.code, bad.message)
    raise_for(errors)
    return ListQuery(ListShape(tuple(filters), sort), values, limit, offset, total)


def _whole(text: str, minimum: int, maximum: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not minimum <= int(text) <= maximum:
        raise BadValue("out_of_range", f"a whole number from {minimum} to {maximum} is wanted")
    return int(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false", "1", "0"):
        raise BadValue("wrong_type", "true or false is wanted")
    return text in ("true", "1")


def _shown(spec: ModelSpec, name: str) -> FieldSpec:
    found = spec.fields.get(name)
    if found is None or found.info.write_only:
        raise BadValue("unknown_field", f"{spec.name} has no such field; it has {', '.join(spec.shown)}")
    return found


def _sort(spec: ModelSpec, text: str) -> tuple[SortKey, ...]:
    keys = []
    for part in filter(None, text.split(",")):
        name, _, way = part.removeprefix("-").partition(":")
        found = _shown(spec, name)
        if found.type in ("json", "tags"):
            raise BadValue("not_sortable", f"{name} can't be sorted by")
        if way not in ("", "nocase"):
            raise BadValue("unknown_collation", f"only :nocase may follow a field, not :{way}")
        keys.append(SortKey(name, part.startswith("-"), way == "nocase"))
    if len(keys) > 8:
        raise BadValue("too_many", "at most 8 fields to sort by")
    return tuple(keys)


def _filter(spec: ModelSpec, name: str, text: str) -> tuple[str, Operator, Any]:
    column, _, suffix = name.partition("__")
    operator: Any = suffix or "eq"
    found = _shown(spec, column)
    if operator not in OPERATORS:
        raise BadValue("unknown_operator", f"one of {', '.join(OPERATORS)} may follow {column}__")
    if operator == "is_null":
        return column, operator, int(_truth(text))
    if found.type in _UNFILTERED:
        raise BadValue("not_filterable", f"{column} can only be filtered with {column}__is_null")
    if operator in _TEXT_OPERATORS:
        if found.type in ("integer", "number", "boolean", "relation"):
            raise BadValue("wrong_operator", f"{operator} is for texts")
        if len(text) > MAX_PATTERN:
            raise BadValue("too_long", f"at most {MAX_PATTERN} characters")
        return column, operator, clean_text(text)
    if operator in ("in", "not_in"):
        parts = text.split(",") if text else []
        if len(parts) > MAX_LISTED:
            raise BadValue("too_many", f"at most {MAX_LISTED} values")
        return column, operator, orjson.dumps([_value(found, part) for part in parts]).decode()
    return column, operator, _value(found, text)


def _value(found: FieldSpec, text: str) -> Any:
    return _READ.get(found.type, _as_text)(found, text)


def _as_integer(_found: FieldSpec, text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        raise BadValue("wrong_type", "a whole number is wanted")
    if not -INTEGER_MAX - 1 <= int(text) <= INTEGER_MAX:
        raise BadValue("out_of_range", "whole numbers have at most 64 bits")
    return int(text)


def _as_number(found: FieldSpec, text: str) -> Any:
    try:
        return stored_value(found, float(text))
    except ValueError:
        raise BadValue("wrong_type", "a number is wanted") from None


def _as_boolean(_found: FieldSpec, text: str) -> int:
    return int(_truth(text))


def _as_stored(found: FieldSpec, text: str) -> Any:
    # In a query string a `+` before the zone arrives as a space.
    return stored_value(found, text.replace(" ", "+") if found.type == "datetime" and "T" in text else text)


def _as_text(_found: FieldSpec, text: str) -> str:
    return clean_text(text)


_READ: dict[str, Callable[[FieldSpec, str], Any]] = {
    "integer": _as_integer,
    "relation": _as_integer,
    "number": _as_number,
    "boolean": _as_boolean,
    "datetime": _as_stored,
    "date": _as_stored,
}
