"""The entries of MCP servers in a client's file or in pasted text, whatever the form. Nothing is understood yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from server.errors import ValidationFailed
from server.mcp_gateway.clients import json_text, toml_text
from server.mcp_gateway.clients.json_text import Node

TEXT_BYTES_MAX = 16 * 1024 * 1024
"""Of a JSON file: Claude Code keeps its history in the same one."""
TOML_BYTES_MAX = 256 * 1024
_TOML_DOTS_MAX = 60
"""In one line: the time that a dotted key takes to read grows with the square of its parts."""
MOST_ENTRIES = 500
_HOLDERS = (("mcpServers",), ("servers",), ("mcp", "servers"), ("mcp", "mcpServers"), ("mcp_servers",))
_ALONE = frozenset(("command", "url", "httpUrl", "serverUrl"))
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands. `key` is unique in its file; `project` is the folder that it is for, if any."""

    key: str
    name: str
    value: Any
    project: str = ""
    doubled: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """A value that VS Code asks its person for."""

    id: str
    description: str = ""
    secret: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text holds."""

    entries: list[Entry]
    inputs: dict[str, Input] = field(default_factory=dict)


def decoded(data: bytes) -> str:
    """A file's text. Raises ValidationFailed when it is too large or no UTF-8."""
    if len(data) > TEXT_BYTES_MAX:
        raise ValidationFailed(f"The file has more than {TEXT_BYTES_MAX >> 20} MB.", code="too_large")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValidationFailed("The file is no UTF-8 text.", code="foreign_file") from None


def read_servers(text: str) -> Reading:
    """The entries in `text`: JSON (comments and commas at an end are fine) or TOML. Raises ValidationFailed."""
    text = text.removeprefix(_BOM).strip()
    if not text:
        raise ValidationFailed("There is nothing in it: a client's file or a mcpServers text is wanted.")
    # As pages of servers print it: a member without the braces around it.
    text = "{" + text + "}" if text.startswith('"') else text
    root = _json(text) if text.startswith(("{", "/")) else _toml(text)
    if not isinstance(root.value, dict):
        raise ValidationFailed("It holds no object of MCP servers.", code="foreign_file")
    entries = list(_entries(root))
    if not entries:
        raise ValidationFailed(
            "There are no MCP servers in it: looked for mcpServers, servers and mcp_servers.", code="no_servers"
        )
    if len(entries) > MOST_ENTRIES:
        raise ValidationFailed(f"More than {MOST_ENTRIES} servers: divide the file.", code="too_many")
    return Reading(entries, _inputs(root.value))


def _json(text: str) -> Node:
    try:
        return json_text.parse(text, comments=True)
    except RecursionError:
        raise ValidationFailed("It is nested too deeply.", code="foreign_file") from None


def _toml(text: str) -> Node:
    if len(text) > TOML_BYTES_MAX:
        raise ValidationFailed(f"A TOML text of more than {TOML_BYTES_MAX >> 10} KB is not read.", code="too_large")
    if any(line.count(".") > _TOML_DOTS_MAX for line in text.splitlines()):
        raise ValidationFailed(f"A line of TOML has more than {_TOML_DOTS_MAX} dots.", code="foreign_file")
    try:
        return _node(toml_text.parse(text))
    except ValidationFailed as error:
        raise ValidationFailed(f"It is no JSON, and as TOML: {error.message}", code=error.code) from None
    except RecursionError:
        raise ValidationFailed("It is nested too deeply.", code="foreign_file") from None


def _node(value: Any) -> Node:
    """A TOML value in the shape of JSON's; the places are not needed any more."""
    members = [(name, 0, _node(inner)) for name, inner in value.items()] if isinstance(value, dict) else []
    return Node(0, 0, value, members)


def _entries(root: Node) -> Iterator[Entry]:
    found = False
    for path in _HOLDERS:
        holder = _at(root, path)
        if holder is not None:
            found = True
            yield from _members(holder, "")
    for project, _, node in _projects(root):
        holder = _at(node, ("mcpServers",))
        if holder is not None:
            found = True
            yield from _members(holder, project)
    if found:
        return
    if not _ALONE.isdisjoint(root.value):
        yield Entry("server", "", root.value)
    elif root.members and all(_is_entry(node.value) for _, _, node in root.members):
        yield from _members(root, "")


def _projects(root: Node) -> list[tuple[str, int, Node]]:
    holder = _at(root, ("projects",))
    return holder.members if holder is not None else []


def _members(holder: Node, project: str) -> Iterator[Entry]:
    names = [name for name, _, _ in holder.members]
    for place, (name, _, node) in enumerate(holder.members):
        # Of several of one name readers of JSON take the last: so do we, and say so.
        if name not in names[place + 1 :]:
            key = f"{project} > {name}" if project else name
            yield Entry(key, name, node.value, project, doubled=names.count(name) > 1)


def _at(node: Node, path: tuple[str, ...]) -> Node | None:
    for name in path:
        places = node.places(name)
        if not places:
            return None
        node = node.members[places[-1]][2]
    return node if isinstance(node.value, dict) else None


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and not _ALONE.isdisjoint(value)


def _inputs(root: dict[str, Any]) -> dict[str, Input]:
    outer = root.get("inputs")
    if outer is None and isinstance(root.get("mcp"), dict):
        outer = root["mcp"].get("inputs")
    found: dict[str, Input] = {}
    for one in outer if isinstance(outer, list) else ():
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            text, default = one.get("description"), one.get("default")
            found[one["id"]] = Input(
                one["id"],
                text if isinstance(text, str) else "",
                one.get("password") is True,
                default if isinstance(default, str) else None,
            )
    return found
