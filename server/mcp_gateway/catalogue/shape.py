"""What a definition must look like for every client to read the list that it stands in.

Clients refuse a whole list for one entry that is not as the protocol has it, and the list is that of all servers.
So what is optional and cannot be read is left out, and an entry that makes no sense without it as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Fits = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _icon(value: Any) -> bool:
    return _object(value) and _text(value.get("src")) and not _unreadable(value, _ICON)


def _argument(value: Any) -> bool:
    return _object(value) and _text(value.get("name"))


def _list_of(fits: Fits) -> Fits:
    return lambda value: isinstance(value, list) and all(map(fits, value))


_TASK_SUPPORT = ("required", "optional", "forbidden")
_ICON: dict[str, Fits] = {"mimeType": _text, "sizes": _texts, "theme": lambda value: value in ("light", "dark")}
_NAMED: dict[str, Fits] = {"title": _text, "description": _text, "icons": _list_of(_icon), "_meta": _object}
_HINTS: dict[str, Fits] = {
    "title": _text,
    **dict.fromkeys(("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"), _flag),
}
_TOOL: dict[str, Fits] = {
    **_NAMED,
    "annotations": _object,
    "outputSchema": _object,
    "execution": lambda value: _object(value) and value.get("taskSupport", "optional") in _TASK_SUPPORT,
}
_SCHEMA: dict[str, Fits] = {"properties": _object, "required": _texts}
_ARGUMENT: dict[str, Fits] = {"title": _text, "description": _text, "required": _flag}
_SHOWN_TO: dict[str, Fits] = {
    "audience": lambda value: _texts(value) and set(value) <= {"user", "assistant"},
    "priority": lambda value: _number(value) and 0 <= value <= 1,
    "lastModified": _text,
}
_OTHERS: Mapping[str, dict[str, Fits]] = {
    "prompts": {**_NAMED, "arguments": _list_of(_argument)},
    "resources": {**_NAMED, "mimeType": _text, "size": _number, "annotations": _object},
    "templates": {**_NAMED, "mimeType": _text, "annotations": _object},
}


def readable_tool(raw: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """The definition as every client can read it, `raw` itself where it is so already; or why there is none."""
    schema = raw.get("inputSchema", {})
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        return "its inputSchema is no schema of an object"
    tool = _without(raw, _TOOL)
    if "annotations" in tool:
        tool = _with(tool, "annotations", _without(tool["annotations"], _HINTS))
    if "outputSchema" in tool:
        tool = _with(tool, "outputSchema", _without(tool["outputSchema"], _SCHEMA))
    whole = schema if "type" in schema else {"type": "object", **schema}
    return _with(tool, "inputSchema", _without(whole, _SCHEMA))


def readable_item(kind: str, key: str, raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The same of one of the `prompts`, `resources` or `templates`, which are known by `key`; None: there is none."""
    if not _text(raw.get(key)) or not raw[key]:
        return None
    item = _without(raw, _OTHERS[kind])
    if not _text(item.get("name")):
        item = {**item, "name": raw[key]}
    if "annotations" in item:
        item = _with(item, "annotations", _without(item["annotations"], _SHOWN_TO))
    if any(_unreadable(one, _ARGUMENT) for one in item.get("arguments", ())):
        item = {**item, "arguments": [_without(one, _ARGUMENT) for one in item["arguments"]]}
    return item


def for_older_clients(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as clients before 2026-07-28 can read it: they know schemas of objects with objects in them alone."""
    output = tool.get("outputSchema")
    if output is not None and output.get("type") != "object":
        tool = {name: value for name, value in tool.items() if name != "outputSchema"}
    for name in ("inputSchema", "outputSchema"):
        properties = tool[name].get("properties") if name in tool else None
        if properties and any(isinstance(one, bool) for one in properties.values()):
            said = {key: _in_words(one) for key, one in properties.items()}
            tool = {**tool, name: {**tool[name], "properties": said}}
    return tool


def _in_words(schema: Any) -> Any:
    """`true` and `false` are schemas as well: anything, and nothing."""
    return ({} if schema else {"not": {}}) if isinstance(schema, bool) else schema


def _unreadable(raw: Mapping[str, Any], fields: Mapping[str, Fits]) -> list[str]:
    return [name for name, fits in fields.items() if name in raw and not fits(raw[name])]


def _without(raw: Mapping[str, Any], fields: Mapping[str, Fits]) -> Mapping[str, Any]:
    wrong = _unreadable(raw, fields)
    return {name: value for name, value in raw.items() if name not in wrong} if wrong else raw


def _with(raw: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    return raw if raw.get(name) is value else {**raw, name: value}
