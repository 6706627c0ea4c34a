"""One member of a JSON text set or removed, every other character kept: comments, order, spaces and line ends."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.errors import ValidationFailed

_SPACE = re.compile(r"[ \t\r\n]+")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_PLAIN = re.compile(r"-?\d[\d.eE+-]*|true|false|null")
DEPTH_MAX = 200


@dataclass(slots=True)
class Node:
    """A value and where it stands. `members` of an object: name, start of the name, value."""

    start: int
    end: int = 0
    value: Any = None
    members: list[tuple[str, int, Node]] = field(default_factory=list)

    def places(self, name: str) -> list[int]:
        """Where a member stands; of several most readers of JSON take the last."""
        return [place for place, (own, _, _) in enumerate(self.members) if own == name]


def parse(text: str, *, comments: bool) -> Node:
    """The value in `text`. Raises ValidationFailed with line and column."""
    return _Parser(text, comments).whole()


def loaded(text: str, *, comments: bool) -> Any:
    """The value alone. Fast where the text is plain JSON: Claude Code keeps its history in the same file."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return parse(text, comments=comments).value


def set_member(text: str, path: tuple[str, str], value: Any, *, comments: bool) -> str:
    """`text` with `path[0].path[1]` set, once. Raises ValidationFailed where the text is broken or not of that form."""
    outer, name = path
    if not text.strip():
        text = "{}" + ("\r\n" if "\r\n" in text else "\n")
    while True:
        root, holder, places = _held(text, path, comments=comments)
        if len(places) < 2:
            break
        # Readers differ in which of two they take.
        assert holder is not None
        text = _without(text, holder, places[0])
    if holder is None:
        return _inserted(text, root, outer, {name: value}, 1)
    if not places:
        return _inserted(text, holder, name, value, 2)
    node = holder.members[places[0]][2]
    return text[: node.start] + _rendered(text, value, 2) + text[node.end :]


def remove_member(text: str, path: tuple[str, str], *, comments: bool) -> str:
    """`text` without `path[0].path[1]`, however often it is there; unchanged where it is not."""
    left = 1 if text.strip() else 0
    while left:
        _, holder, places = _held(text, path, comments=comments)
        if holder is not None and places:
            text = _without(text, holder, places[0])
        left = len(places) - 1 if places else 0
    return text


def _held(text: str, path: tuple[str, str], *, comments: bool) -> tuple[Node, Node | None, list[int]]:
    """The whole, the object called `path[0]` and the places in it of `path[1]`."""
    root = _object(parse(text, comments=comments), "the file")
    outer = root.places(path[0])
    if not outer:
        return root, None, []
    holder = _object(root.members[outer[-1]][2], path[0])
    return root, holder, holder.places(path[1])


def _without(text: str, holder: Node, own: int) -> str:
    """`text` without the member of `holder` at the place `own`, and without the comma that it had."""
    _, start, node = holder.members[own]
    after = _after_comma(text, node.end)
    if after is not None:
        end = after
    else:
        end = node.end
        if own:
            comma = _after_comma(text, holder.members[own - 1][2].end)
            if comma is not None:
                text = text[: comma - 1] + text[comma:]
                start, end = start - 1, end - 1
    before = text[:start].rstrip(" \t")
    if before.endswith("\n") and re.match(r"[ \t]*\r?\n", text[end:]):
        start = len(before) - (2 if before.endswith("\r\n") else 1)
    return text[:start] + text[end:]


def _object(node: Node, what: str) -> Node:
    if not isinstance(node.value, dict):
        raise ValidationFailed(f"{what} is no JSON object: it is left alone.", code="foreign_file")
    return node


def _after_comma(text: str, at: int) -> int | None:
    """The place behind the comma that follows, or None where the object ends."""
    at = _skip(text, at, comments=True)
    return at + 1 if text[at : at + 1] == "," else None


def _skip(text: str, at: int, *, comments: bool) -> int:
    while True:
        found = _SPACE.match(text, at) or (_COMMENT.match(text, at) if comments else None)
        if found is None:
            return at
        at = found.end()


def _inserted(text: str, holder: Node, name: str, value: Any, depth: int) -> str:
    eol = "\r\n" if "\r\n" in text else "\n"
    indent = _indent(text)
    member = f"{json.dumps(name, ensure_ascii=False)}: {_rendered(text, value, depth)}"
    close = holder.end - 1
    head = text[:close].rstrip(" \t\r\n")
    if holder.members:
        last = holder.members[-1][2].end
        if _after_comma(text, last) is None:
            head = f"{head[:last]},{head[last:]}"
        else:
            member += ","
    return f"{head}{eol}{indent * depth}{member}{eol}{indent * (depth - 1)}{text[close:]}"


def _rendered(text: str, value: Any, depth: int) -> str:
    indent = _indent(text)
    lines = json.dumps(value, indent=indent, ensure_ascii=False).split("\n")
    return ("\r\n" if "\r\n" in text else "\n").join([lines[0], *(indent * depth + line for line in lines[1:])])


def _indent(text: str) -> str:
    found = re.search(r"\n([ \t]+)\"", text)
    return found[1] if found else "  "


class _Parser:
    def __init__(self, text: str, comments: bool) -> None:
        self._text = text
        self._comments = comments

    def whole(self) -> Node:
        node = self._value(self._skip(0), 0)
        at = self._skip(node.end)
        if at < len(self._text):
            raise self._broken(at, "the end is wanted")
        return node

    def _skip(self, at: int) -> int:
        return _skip(self._text, at, comments=self._comments)

    def _value(self, at: int, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise self._broken(at, "it is nested too deeply")
        opening = self._text[at : at + 1]
        if opening == "{":
            return self._collection(at, "}", depth)
        if opening == "[":
            return self._collection(at, "]", depth)
        found = _STRING.match(self._text, at) or _PLAIN.match(self._text, at)
        if found is None:
            raise self._broken(at, "a value is wanted")
        return Node(at, found.end(), self._loaded(found[0], at))

    def _collection(self, at: int, closing: str, depth: int) -> Node:
        node = Node(at, value={} if closing == "}" else [])
        at = self._skip(at + 1)
        while self._text[at : at + 1] != closing:
            start, name = at, ""
            if closing == "}":
                found = _STRING.match(self._text, at)
                if found is None:
                    raise self._broken(at, "a name in double quotes is wanted")
                name = self._loaded(found[0], at)
                at = self._skip(found.end())
                if self._text[at : at + 1] != ":":
                    raise self._broken(at, "a colon is wanted")
                at = self._skip(at + 1)
            inner = self._value(at, depth + 1)
            if closing == "}":
                node.members.append((name, start, inner))
                node.value[name] = inner.value
            else:
                node.value.append(inner.value)
            at = self._skip(inner.end)
            if self._text[at : at + 1] == ",":
                comma = at
                at = self._skip(at + 1)
                if self._text[at : at + 1] == closing and not self._comments:
                    raise self._broken(comma, "a comma too many")
            elif self._text[at : at + 1] != closing:
                raise self._broken(at, f"a comma or {closing} is wanted")
        node.end = at + 1
        return node

    def _loaded(self, text: str, at: int) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            raise self._broken(at, "this is no JSON value") from None

    def _broken(self, at: int, reason: str) -> ValidationFailed:
        line = self._text.count("\n", 0, at) + 1
        column = at - (self._text.rfind("\n", 0, at) + 1) + 1
        return ValidationFailed(f"line {line}, column {column}: {reason}", code="foreign_file")
