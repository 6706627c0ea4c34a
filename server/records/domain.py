"""GridBear's JSON domains: `["&", ["priority", ">=", 3], ["done", "=", false]]`, connectors before their parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.db.conditions import Condition, Every, Leaf, Negation, Operator, Some
from server.records.literals import json_value
from server.records.values import BadValue

MAX_DOMAIN_BYTES = 20_000
MAX_PARTS = 256
MAX_DEPTH = 16
"""Of lists in one another, and of conditions: SQLite's parser takes a hundred brackets."""

_OPERATORS: dict[str, Operator] = {
    "=": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "lte",
    ">": "gt",
    ">=": "gte",
    "in": "in",
    "not in": "not_in",
    "like": "like",
    "ilike": "ilike",
}
_NULL: dict[str, bool] = {"=": True, "is": True, "!=": False, "is not": False}
_CONNECTORS = ("&", "|", "!")

AddLeaf = Callable[[str, Operator, Any], Leaf]
"""Checks field, operator and JSON value and keeps the value; raises BadValue."""


def parse_domain(text: str, add: AddLeaf) -> Condition | None:
    """The condition of a domain; None for the empty one, which holds for every record. Raises BadValue."""
    if len(text) > MAX_DOMAIN_BYTES:
        raise BadValue("too_long", f"at most {MAX_DOMAIN_BYTES} characters")
    try:
        value = json_value(text)
    except BadValue:
        raise BadValue("invalid_json", 'a JSON list such as [["priority", ">=", 3]] is wanted') from None
    return domain_condition(value, add)


def domain_condition(value: Any, add: AddLeaf, depth: int = 0) -> Condition | None:
    """The condition of a domain that is parsed already."""
    if depth > MAX_DEPTH:
        raise BadValue("too_deep", f"at most {MAX_DEPTH} lists in one another")
    if not isinstance(value, list):
        raise BadValue("wrong_type", 'a list such as [["priority", ">=", 3]] is wanted')
    if not value:
        return None
    if _is_leaf(value):
        return _leaf(value, add)
    if len(value) > MAX_PARTS:
        raise BadValue("too_many", f"at most {MAX_PARTS} parts in a list")
    # Connectors stand before their parts; what is left over at the end is joined by "and".
    stack: list[Condition] = []
    for part in reversed(value):
        if isinstance(part, list):
            stack.append(domain_condition(part, add, depth + 1) or Every(()))
        elif part == "!":
            stack.append(_negated(_pop(stack, part)))
        elif part in ("&", "|"):
            stack.append(_joined(Every if part == "&" else Some, _pop(stack, part), _pop(stack, part)))
        else:
            raise BadValue("unknown_part", f"{str(part)[:40]!r} is neither a comparison nor one of & | !")
        if _height(stack[-1]) > MAX_DEPTH:
            raise BadValue("too_deep", f"at most {MAX_DEPTH} conditions in one another")
    return stack[0] if len(stack) == 1 else Every(tuple(reversed(stack)))


def names_in(value: Any) -> frozenset[str]:
    """The fields that a domain, or a part of one, names."""
    if not isinstance(value, list) or not value:
        return frozenset()
    if _is_leaf(value):
        return frozenset((value[0],))
    return frozenset[str]().union(*map(names_in, value))


def with_new_names(value: Any, new_names: Mapping[str, str]) -> Any:
    """A domain, or a part of one, by the new names of its fields."""
    if not isinstance(value, list) or not value:
        return value
    if _is_leaf(value):
        return [new_names.get(value[0], value[0]), *value[1:]]
    return [with_new_names(part, new_names) for part in value]


def _negated(condition: Condition) -> Condition:
    return condition.part if isinstance(condition, Negation) else Negation(condition)


def _joined(kind: type[Every | Some], first: Condition, second: Condition) -> Condition:
    """Chains of one connector side by side, not in one another."""
    return kind((*_parts(kind, first), *_parts(kind, second)))


def _parts(kind: type[Every | Some], condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, kind) and condition.parts else (condition,)


def _height(condition: Condition) -> int:
    if isinstance(condition, Leaf):
        return 0
    parts = (condition.part,) if isinstance(condition, Negation) else condition.parts
    return 1 + max(map(_height, parts), default=0)


def _pop(stack: list[Condition], connector: str) -> Condition:
    if not stack:
        raise BadValue("missing_part", f"{connector} wants {'one part' if connector == '!' else 'two parts'} after it")
    return stack.pop()


def _is_leaf(value: list[Any]) -> bool:
    return isinstance(value[0], str) and value[0] not in _CONNECTORS


def _leaf(value: list[Any], add: AddLeaf) -> Leaf:
    if len(value) != 3 or not isinstance(value[1], str):
        raise BadValue("wrong_form", 'a comparison is ["field", "operator", value]')
    field, operator, wanted = value
    try:
        return _comparison(field, operator, wanted, add)
    except BadValue as bad:
        raise BadValue(bad.code, f"{field}: {bad.message}") from None


def _comparison(field: str, operator: str, wanted: Any, add: AddLeaf) -> Leaf:
    if wanted is None and operator in _NULL:
        return add(field, "is_null", _NULL[operator])
    if operator not in _OPERATORS:
        raise BadValue("unknown_operator", f"one of {', '.join(_OPERATORS)} is wanted, not {operator[:20]!r}")
    return add(field, _OPERATORS[operator], wanted)
