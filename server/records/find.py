"""Queries from inside the program: Python values instead of a query string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from server.db.statements import OPERATORS, ListShape, Operator, SortKey
from server.errors import InternalError
from server.models.registry import ModelSpec
from server.records.query import ListQuery


def find_query(spec: ModelSpec, where: Mapping[str, Any], sort: str, limit: int) -> ListQuery:
    """The list of `where` (keys `field` or `field__op`, None means is null). Raises InternalError on a wrong name."""
    filters: list[tuple[str, Operator]] = []
    values: dict[str, Any] = {}
    for key, value in where.items():
        column, _, suffix = key.partition("__")
        operator = suffix or "eq"
        if column not in spec.table.c or operator not in OPERATORS:
            raise InternalError(f"{spec.name} can't be searched by {key}")
        if value is None:
            operator, value = "is_null", True
        parameter = f"f{len(filters)}"
        filters.append((column, cast(Operator, operator)))
        values[parameter] = _plain(value)
    keys = tuple(SortKey(part.removeprefix("-"), part.startswith("-")) for part in sort.split(",") if part)
    return ListQuery(ListShape(tuple(filters), keys), values, limit, 0, total=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return orjson.dumps([_plain(item) for item in value]).decode()
    return value
