"""JSON Schemas of few words, judged here: the library for all of them costs a start 25 ms and some megabytes.

What this says is good is good; whatever it does not know, and what is wrong with a value, is left to the library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
_TEXTS = ("title", "description")
_NUMBERS = ("minimum", "maximum")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_KEYS = frozenset(
    (*_TEXTS, *_NUMBERS, *_COUNTS, "type", "default", "pattern", "items", "properties", "required",
     "additionalProperties")
)  # fmt: skip


def is_plain(schema: Any) -> bool:
    """Whether a schema is certainly good, and has no words but those that `plainly_fits` knows."""
    return (
        isinstance(schema, dict)
        and schema.get("type") in _TYPES
        and schema.keys() <= _KEYS
        and all(isinstance(schema.get(key, ""), str) for key in _TEXTS)
        and all(type(schema.get(key, 0)) in (int, float) for key in _NUMBERS)
        and all(type(count := schema.get(key, 0)) is int and count >= 0 for key in _COUNTS)
        and _is_pattern(schema.get("pattern", ""))
        and isinstance(schema.get("additionalProperties", True), bool)
        and _are_names(schema.get("required", []))
        and ("items" not in schema or is_plain(schema["items"]))
        and isinstance(schema.get("properties", {}), dict)
        and all(map(is_plain, schema.get("properties", {}).values()))
    )


def plainly_fits(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value fits a plain schema."""
    if type(value) is not _TYPES[schema["type"]]:
        return False
    if isinstance(value, str):
        counted = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return counted and re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        counted = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        return counted and ("items" not in schema or all(plainly_fits(schema["items"], one) for one in value))
    if isinstance(value, dict):
        properties: Mapping[str, Any] = schema.get("properties", {})
        return (
            value.keys() >= set(schema.get("required", []))
            and (schema.get("additionalProperties", True) or value.keys() <= properties.keys())
            and all(plainly_fits(properties[name], one) for name, one in value.items() if name in properties)
        )
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value) and len(set(value)) == len(value)


def _is_pattern(value: Any) -> bool:
    try:
        return bool(re.compile(value))
    except (re.error, TypeError):
        return False
