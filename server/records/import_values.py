"""Columns of values from files to stored values: whole columns at once where nothing is in doubt.

The quick ways accept only what `stored_value` accepts, with the same result; everything else is its to decide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from server.models.registry import FieldSpec
from server.records.literals import DECIMAL, decimal, json_value
from server.records.values import INTEGER_MAX, INTEGER_MIN, BadValue, base64_text, default_column, stored_value

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUTH = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "t": True, "f": False}
_UTF8_ERROR = re.compile("[\udc80-\udcff]")
_TEXTS = frozenset(("text", "long_text", "secret", "url", "email", "choice"))
_PLAIN_TEXTS = frozenset(("text", "long_text"))
_INTEGERS = frozenset(("integer", "relation", "file"))
_STR = frozenset((str,))
MAX_REMEMBERED = 20_000


class Missing:
    """Stands where a row of a file says nothing about a field."""


MISSING = Missing()


class Remembered(dict[Any, Any]):
    """Results of a conversion by value: most columns of real files repeat themselves."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, value: Any) -> Any:
        result = self._convert(value)
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        self[value] = result
        return result


def typed_value(field: FieldSpec, value: Any) -> Any:
    """A cell of a CSV or SQLite file as the JSON value that it means. Raises BadValue."""
    if value is None or not isinstance(value, str):
        return _from_number(field, value)
    if _UTF8_ERROR.search(value):
        raise BadValue("invalid_utf8", "no valid UTF-8 (a file in Latin-1 or Windows-1252? Save it as UTF-8)")
    if field.type in _TEXTS or field.type == "bytes":
        return value
    text = value.strip()
    if not text:
        return None
    return _TYPED.get(field.type, _as_is)(text)


def stored_cell(field: FieldSpec, value: Any, *, typed: bool) -> Any:
    """The stored form of a value of a file; the slow way, exact in every case. Raises BadValue.

    `typed`: the file knows JSON types; else a text stands for every type.
    """
    if value is MISSING:
        return missing_column(field)
    if typed:
        return stored_value(field, value)
    found = typed_value(field, value)
    if found is None and not field.nullable and not field.info.required:
        # An empty cell has no value, so a field that can't be empty gets its default, as when it is not sent.
        return default_column(field)
    return stored_value(field, found)


def missing_column(field: FieldSpec) -> Any:
    """The stored form of a field that is not sent. Raises BadValue when one is required."""
    if field.info.required:
        raise BadValue("required", "a value is required")
    return default_column(field)


class Column:
    """Converts the values of one field, a batch at a time."""

    def __init__(self, field: FieldSpec, *, typed: bool) -> None:
        self.field = field
        self._typed = typed
        self._remembered = Remembered(lambda value: stored_cell(field, value, typed=typed))
        self._quick: Callable[[list[Any]], Sequence[Any] | None] | None = None
        if field.type in _PLAIN_TEXTS and field.info.pattern is None:
            self._quick = self._texts
        elif typed and field.type in _INTEGERS:
            self._quick = self._integers
        elif typed and field.type == "number":
            self._quick = self._numbers
        elif typed and field.type == "boolean":
            self._quick = self._booleans
        self._single: Callable[[Any], Any] | None = None
        if field.type == "datetime":
            self._single = self._moment
        elif field.type == "number" and not typed:
            self._single = self._number
        elif field.type == "date":
            self._single = self._day

    def batch(self, values: list[Any]) -> Sequence[Any] | None:
        """The stored forms of `values`, or None when one of them is refused or in doubt."""
        given = [value for value in values if value is not None and value is not MISSING]
        found = self._given(given)
        if found is None or len(given) == len(values):
            return found
        try:
            fillers = {value: self._exact(value) for value in (None, MISSING) if value in values}
        except BadValue:
            return None
        following = iter(found)
        return [fillers[value] if value is None or value is MISSING else next(following) for value in values]

    def _given(self, values: list[Any]) -> Sequence[Any] | None:
        if self._quick is not None:
            found = self._quick(values)
            if found is not None:
                return found
        try:
            if self._single is not None:
                return list(map(self._single, values))
            if not self._typed and set(map(type, values)) <= _STR:
                return list(map(self._remembered.__getitem__, values))
            # Lists can't be remembered, and 1, 1.0 and True would be taken for one another.
            return list(map(self._exact, values))
        except BadValue:
            return None

    def _exact(self, value: Any) -> Any:
        return stored_cell(self.field, value, typed=self._typed)

    def _texts(self, values: list[Any]) -> Sequence[Any] | None:
        try:
            joined = "".join(values)
            if not joined.isascii():
                joined.encode()
        except (TypeError, UnicodeEncodeError):
            return None
        info = self.field.info
        if "\x00" in joined or (info.max_length is not None and max(map(len, values), default=0) > info.max_length):
            return None
        if info.required and not all(map(str.strip, values)):
            return None
        return values

    def _integers(self, values: list[Any]) -> Sequence[Any] | None:
        if not values or set(map(type, values)) != {int}:
            return None
        low, high, info = min(values), max(values), self.field.info
        least = INTEGER_MIN if info.minimum is None else info.minimum
        most = INTEGER_MAX if info.maximum is None else info.maximum
        return values if max(least, INTEGER_MIN) <= low and high <= min(most, INTEGER_MAX) else None

    def _numbers(self, values: list[Any]) -> Sequence[Any] | None:
        info = self.field.info
        if info.minimum is not None or info.maximum is not None or set(map(type, values)) != {float}:
            return None
        return values if all(map(math.isfinite, values)) else None

    def _booleans(self, values: list[Any]) -> Sequence[Any] | None:
        return list(map(int, values)) if set(map(type, values)) == {bool} else None

    def _moment(self, value: Any) -> Any:
        if type(value) is str and (match := _MOMENT.fullmatch(value)):
            try:
                datetime.fromisoformat(value)
            except ValueError:
                return self._exact(value)
            return value if match[1] else value[:-1] + ".000Z"
        return self._exact(value)

    def _day(self, value: Any) -> Any:
        if type(value) is str and _DAY.fullmatch(value):
            try:
                date.fromisoformat(value)
            except ValueError:
                return self._exact(value)
            return value
        return self._exact(value)

    def _number(self, value: Any) -> Any:
        info = self.field.info
        if type(value) is str and info.minimum is None and info.maximum is None and DECIMAL.fullmatch(value):
            number = float(value)
            if math.isfinite(number):
                return number
        return self._exact(value)


def _from_number(field: FieldSpec, value: Any) -> Any:
    """What SQLite's own types mean for a field: it has neither booleans nor JSON."""
    if isinstance(value, bytes):
        if field.type != "bytes":
            raise BadValue("wrong_type", "binary data goes into fields of bytes alone")
        return base64_text(value)
    if field.type == "boolean" and isinstance(value, int) and value in (0, 1):
        return bool(value)
    if field.type in _TEXTS and isinstance(value, (int, float)):
        return str(value)
    if field.type in _INTEGERS and isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise BadValue("wrong_type", "a whole number is wanted")
    return int(text)


def _truth(text: str) -> bool:
    found = _TRUTH.get(text.lower())
    if found is None:
        raise BadValue("wrong_type", "true or false is wanted")
    return found


def _tags(text: str) -> Any:
    return json_value(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]


def _as_is(text: str) -> str:
    return text


_TYPED: dict[str, Callable[[str], Any]] = {
    "integer": _whole,
    "relation": _whole,
    "file": _whole,
    "number": decimal,
    "boolean": _truth,
    "json": json_value,
    "tags": _tags,
}
