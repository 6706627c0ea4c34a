"""Parameters of `GET /{model}/aggregate`: what to group by and what to work out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Table

from server.access.policy import Permission
from server.db.aggregates import FUNCTIONS, PART_LENGTHS, Function, GroupKey, Part, aggregate_sql
from server.db.statements import ListShape
from server.errors import FieldError
from server.models.registry import ModelSpec
from server.records.filters import Filters, whole
from server.records.query import ListQuery, parse_query
from server.records.values import BadValue, raise_for

MAX_GROUPS = 1000
MAX_KEYS = 4
_FUNCTIONS: dict[str, Function] = {name: name for name in FUNCTIONS}
_PARTS: dict[str, Part] = {name: name for name in PART_LENGTHS}
_ADDED = frozenset(("integer", "number"))
_COMPARED = _ADDED | {"date", "datetime", "text", "choice", "boolean"}


@dataclass(slots=True)
class Aggregate:
    """One request, understood."""

    query: ListQuery = field(default_factory=ListQuery)
    groups: tuple[GroupKey, ...] = ()
    wanted: tuple[tuple[Function, str], ...] = ()
    limit: int = MAX_GROUPS

    def sql(self, table: Table, shape: ListShape) -> str:
        """Its SQL on the rows of `shape`."""
        return aggregate_sql(table, shape, self.groups, self.wanted)


def parse_aggregate(spec: ModelSpec, permission: Permission, parameters: Iterable[tuple[str, str]]) -> Aggregate:
    """Understand the parameters. Raises ValidationFailed naming every bad one."""
    found = Aggregate()
    filters = Filters(spec, permission)
    rest: list[tuple[str, str]] = []
    grouped: list[str] = []
    wanted: list[tuple[Function, str]] = []
    errors: dict[str, FieldError] = {}
    for name, text in parameters:
        try:
            if name == "group_by":
                grouped.append(text)
                found.groups = _groups(filters, ",".join(grouped))
            elif (function := _FUNCTIONS.get(name)) is not None:
                wanted += [(function, column) for column in _columns(filters, function, text)]
            elif name == "limit":
                found.limit = whole(text, 1, MAX_GROUPS)
            else:
                rest.append((name, text))
        except BadValue as bad:
            errors[name] = FieldError(bad.code, bad.message)
    raise_for(errors)
    found.wanted = tuple(dict.fromkeys(wanted))
    found.query = parse_query(spec, permission, rest, paging=False)
    return found


def _groups(filters: Filters, text: str) -> tuple[GroupKey, ...]:
    keys = []
    for part in filter(None, text.split(",")):
        name, _, piece = part.partition(":")
        found = filters.shown(name)
        if found.type in ("json", "tags", "long_text", "bytes"):
            raise BadValue("not_groupable", f"{name} can't be grouped by")
        asked = _PARTS.get(piece)
        if piece and (found.type not in ("date", "datetime") or asked is None):
            raise BadValue("unknown_part", f"after a day or moment may follow {', '.join(f':{p}' for p in _PARTS)}")
        keys.append(GroupKey(name, asked))
    if len(keys) > MAX_KEYS or len({key.column for key in keys}) < len(keys):
        raise BadValue("too_many", f"at most {MAX_KEYS} different fields to group by")
    return tuple(keys)


def _columns(filters: Filters, function: Function, text: str) -> list[str]:
    columns: list[str] = []
    for name in filter(None, text.split(",")):
        found = filters.shown(name)
        if found.type not in (_ADDED if function in ("sum", "avg") else _COMPARED):
            raise BadValue("wrong_type", f"{function} of {name} can't be worked out")
        columns.append(name)
    if not columns:
        raise BadValue("required", "a field is wanted")
    return columns
