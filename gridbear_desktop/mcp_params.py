"""Arguments of tools that the newer protocol wants repeated in headers: `x-mcp-header` in their schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gridbear_desktop.mcp_http import Message, header_value

_MARK = "x-mcp-header"
_DEEPEST = 40
Marks = dict[tuple[str, ...], str]
"""The name of the header by the way to the argument."""


class ParamHeaders:
    """Of the tools that were listed."""

    def __init__(self) -> None:
        self._by_tool: dict[str, Marks] = {}

    def learn(self, listed: Any) -> None:
        """Take in the result of a `tools/list`."""
        tools = listed.get("tools") if isinstance(listed, dict) else None
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._by_tool[tool["name"]] = dict(_marks(tool.get("inputSchema"), ()))

    def of(self, message: Message) -> dict[str, str]:
        """The headers of a call."""
        params = message["params"]
        found = {}
        for way, name in self._by_tool.get(str(params.get("name")), {}).items():
            value = _at(params.get("arguments"), way)
            if isinstance(value, bool):
                value = "true" if value else "false"
            if isinstance(value, str | int | float):
                found[f"Mcp-Param-{name}"] = header_value(str(value))
        return found


def _marks(schema: Any, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or len(way) > _DEEPEST:
        return
    for name, inner in properties.items():
        mark = inner.get(_MARK) if isinstance(inner, dict) else None
        if isinstance(mark, str) and mark.isascii() and mark.replace("-", "").replace("_", "").isalnum():
            yield (*way, name), mark
        yield from _marks(inner, (*way, name))


def _at(value: Any, way: tuple[str, ...]) -> Any:
    for name in way:
        value = value.get(name) if isinstance(value, dict) else None
    return value
