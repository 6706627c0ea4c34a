"""Arguments of our own tools, checked against the schema that the tools are listed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "integer": int,
    "boolean": bool,
}


def meant(schema: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """`given` without what is null and may be left out: many programs send every argument that a tool has."""
    required = schema.get("required", ())
    return {name: value for name, value in (given or {}).items() if value is not None or name in required}


def problem(schema: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """What is wrong with `given`, in words that say what is wanted; None when all is well.

    Knows what our own schemas use at their first level: required, type, enum, minimum, maximum.
    """
    properties: Mapping[str, Any] = schema["properties"]
    for name in schema.get("required", ()):
        if name not in given:
            return f"The argument {name} is missing."
    for name, value in given.items():
        wanted = properties.get(name)
        if wanted is None:
            return f"There is no argument {name}; known are {', '.join(properties) or 'none'}."
        kind = wanted.get("type")
        if kind is not None and (not isinstance(value, _KINDS[kind]) or (kind == "integer" and value is bool(value))):
            return f"{name} must be of the type {kind}."
        if value not in wanted.get("enum", (value,)):
            return f"{name} must be one of {', '.join(map(str, wanted['enum']))}."
        lowest, highest = wanted.get("minimum"), wanted.get("maximum")
        if (lowest is not None and value < lowest) or (highest is not None and value > highest):
            return f"{name} must be from {lowest} to {highest}."
    return None
