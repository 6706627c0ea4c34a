"""Queries from inside the program: Python values instead of a query string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.policy import Permission
from server.db.conditions import OPERATORS, Condition, every
from server.db.statements import SortKey
from server.errors import FieldError
from server.models.registry import ModelSpec
from server.records.filters import Filters
from server.records.query import MAX_LIMIT, ListQuery, parse_sort
from server.records.values import BadValue, raise_for


def find_query(spec: ModelSpec, permission: Permission, where: Mapping[str, Any], sort: str, limit: int) -> ListQuery:
    """The list of `where` (keys `field` or `field__op`, None: no value). Raises ValidationFailed naming bad ones."""
    filters = Filters(spec, permission)
    conditions: list[Condition] = []
    keys: tuple[SortKey, ...] = ()
    errors: dict[str, FieldError] = {}
    for key, value in where.items():
        try:
            conditions.append(_condition(filters, key, value))
        except BadValue as bad:
            errors[key] = FieldError(bad.code, bad.message)
    try:
        keys = parse_sort(filters, sort)
    except BadValue as bad:
        errors["sort"] = FieldError(bad.code, bad.message)
    if limit < 1:
        errors["limit"] = FieldError("out_of_range", "at least 1 is wanted")
    raise_for(errors)
    window = min(limit, MAX_LIMIT)
    return ListQuery(every(*conditions), filters.values, keys, permission.shown, limit=window, total=False)


def _condition(filters: Filters, key: str, value: Any) -> Condition:
    column, _, suffix = key.partition("__")
    operator = suffix or "eq"
    if operator not in OPERATORS:
        raise BadValue("unknown_operator", f"one of {', '.join(OPERATORS)} may follow {column}__")
    if value is None and operator in ("eq", "ne"):
        return filters.from_json(column, "is_null", operator == "eq")
    if isinstance(value, (tuple, set, frozenset)):
        value = list(value)
    return filters.from_json(column, operator, value)
