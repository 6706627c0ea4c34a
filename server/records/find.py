"""Queries from inside the program: Python values instead of a query string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from server.access.policy import Permission
from server.db.conditions import OPERATORS, Condition, Leaf, Operator, every
from server.db.statements import SortKey
from server.errors import InternalError
from server.models.registry import ModelSpec
from server.records.query import ListQuery


def find_query(
    spec: ModelSpec, permission: Permission, where: Mapping[str, Any], sort: str, limit: int, *, internal: bool
) -> ListQuery:
    """The list of `where` (keys `field` or `field__op`, None means is null). Raises InternalError on a wrong name.

    `internal`: the program itself asks, and may look into hidden columns.
    """
    known = frozenset(spec.table.c.keys()) if internal else frozenset(permission.shown)
    conditions: list[Condition] = []
    values: dict[str, Any] = {}
    for key, value in where.items():
        column, _, suffix = key.partition("__")
        operator = suffix or "eq"
        if column not in known or operator not in OPERATORS:
            raise InternalError(f"{spec.name} can't be searched by {key}")
        if value is None:
            operator, value = "is_null", True
        parameter = f"f{len(conditions)}"
        conditions.append(Leaf(column, cast(Operator, operator), parameter))
        values[parameter] = _plain(value)
    keys = tuple(SortKey(part.removeprefix("-"), part.startswith("-")) for part in sort.split(",") if part)
    return ListQuery(every(*conditions), values, keys, permission.shown, limit=limit, total=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return orjson.dumps([_plain(item) for item in value]).decode()
    return value
