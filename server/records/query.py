"""List parameters to a shape and its values: filters, `domain`, `q`, `sort`, `fields`, `expand`, paging."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from server.access.policy import Permission
from server.db.conditions import Condition, every
from server.db.search import searched_columns
from server.db.statements import ListShape, SortKey
from server.errors import FieldError
from server.models.registry import ModelSpec
from server.records.cursor import decode_cursor
from server.records.domain import parse_domain
from server.records.filters import Filters, truth, whole
from server.records.search_text import search_query
from server.records.values import INTEGER_MAX, BadValue, raise_for

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_OFFSET = INTEGER_MAX - MAX_LIMIT - 1
"""SQLite adds the rows of a page to it, in 64 bits."""
MAX_SORT = 8
MAX_EXPAND = 5


@dataclass(slots=True)
class ListQuery:
    """One list request, understood."""

    condition: Condition | None = None
    values: dict[str, Any] = field(default_factory=dict)
    sort: tuple[SortKey, ...] = ()
    fields: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    search: str | None = None
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    total: bool = True


def parse_query(
    spec: ModelSpec, permission: Permission, parameters: Iterable[tuple[str, str]], *, paging: bool = True
) -> ListQuery:
    """Understand the parameters of a list request. Raises ValidationFailed naming every bad one.

    Without `paging` only filters, `domain` and `q` are known.
    """
    query = ListQuery(fields=permission.shown)
    filters = Filters(spec, permission)
    conditions: list[Condition | None] = []
    errors: dict[str, FieldError] = {}
    for name, text in parameters:
        try:
            if name == "domain":
                conditions.append(parse_domain(text, filters.from_json))
            elif name == "q":
                columns = searched_columns(spec.table)
                shown = [column for column in columns if column in permission.shown]
                query.search = search_query(text, shown, columns)
            elif not (paging and _page_parameter(query, filters, name, text)):
                conditions.append(filters.from_text(name, text))
        except BadValue as bad:
            errors[name] = FieldError(bad.code, bad.message)
    if query.cursor is not None:
        error = _cursor_error(query)
        if error is not None:
            errors["cursor"] = error
    raise_for(errors)
    query.condition = every(*conditions)
    query.values = filters.values
    return query


def parse_reading(spec: ModelSpec, permission: Permission, parameters: Iterable[tuple[str, str]]) -> ListQuery:
    """Understand the parameters of a read: `fields` and `expand` alone."""
    query = ListQuery(fields=permission.shown)
    filters = Filters(spec, permission)
    errors: dict[str, FieldError] = {}
    for name, text in parameters:
        try:
            if name not in ("fields", "expand"):
                raise BadValue("unknown_parameter", "only fields and expand are known here")
            _page_parameter(query, filters, name, text)
        except BadValue as bad:
            errors[name] = FieldError(bad.code, bad.message)
    raise_for(errors)
    return query


def _page_parameter(query: ListQuery, filters: Filters, name: str, text: str) -> bool:
    match name:
        case "limit":
            query.limit = whole(text, 1, MAX_LIMIT)
        case "offset":
            query.offset = min(whole(text, 0, INTEGER_MAX), MAX_OFFSET)
        case "total":
            query.total = truth(text)
        case "cursor":
            query.cursor = text
        case "sort":
            query.sort = parse_sort(filters, text)
        case "fields":
            query.fields = _fields(filters, text)
        case "expand":
            query.expand = _expand(filters, text)
        case _:
            return False
    return True


def parse_sort(filters: Filters, text: str) -> tuple[SortKey, ...]:
    """`-priority,title:nocase` as sort keys. Raises BadValue."""
    keys = []
    for part in filter(None, text.split(",")):
        name, _, way = part.removeprefix("-").partition(":")
        found = filters.shown(name)
        if found.type in ("json", "tags", "bytes"):
            raise BadValue("not_sortable", f"{name} can't be sorted by")
        if way not in ("", "nocase"):
            raise BadValue("unknown_collation", f"only :nocase may follow a field, not :{way}")
        if way and found.type in ("integer", "number", "boolean", "relation", "file"):
            raise BadValue("unknown_collation", f"{name} is no text")
        keys.append(SortKey(name, part.startswith("-"), way == "nocase"))
    if len(keys) > MAX_SORT:
        raise BadValue("too_many", f"at most {MAX_SORT} fields to sort by")
    return tuple(keys)


def _fields(filters: Filters, text: str) -> tuple[str, ...]:
    wanted = {filters.shown(name).name for name in text.split(",") if name}
    if not wanted:
        raise BadValue("required", "one or more fields, with commas between them, are wanted")
    return tuple(name for name in filters.permission.shown if name in wanted)


def _expand(filters: Filters, text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in text.split(",") if name))
    for name in names:
        if filters.shown(name).references is None:
            raise BadValue("no_relation", f"{name} does not refer to another record")
    if len(names) > MAX_EXPAND:
        raise BadValue("too_many", f"at most {MAX_EXPAND} relations")
    return names


def _cursor_error(query: ListQuery) -> FieldError | None:
    if query.offset:
        return FieldError("not_both", "either cursor or offset")
    if query.search is not None and not query.sort:
        return FieldError("no_order", "results of q come by relevance and have no cursor: use offset, or give sort")
    try:
        decode_cursor(query.cursor or "", ListShape(sort=query.sort).keys)
    except BadValue as bad:
        return FieldError(bad.code, bad.message)
    return None
