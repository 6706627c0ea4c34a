"""Column types with one stored form each, enforced by CHECK, so that SQLite can render and sort them as they lie."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Float, Integer, LargeBinary, Text
from sqlalchemy.types import TypeDecorator


class LongText(TypeDecorator[str]):
    """Text that may be long; grids clip it, forms give it room."""

    impl = Text
    cache_ok = True


class DateTimeText(TypeDecorator[str]):
    """A moment in UTC, stored as `2026-01-02T03:04:05.678Z`, which sorts as it reads."""

    impl = Text
    cache_ok = True


class DateText(TypeDecorator[str]):
    """A calendar day, stored as `2026-01-02`."""

    impl = Text
    cache_ok = True


class JsonText(TypeDecorator[str]):
    """Any JSON value, stored as its text."""

    impl = Text
    cache_ok = True


class TagsText(TypeDecorator[str]):
    """A list of short texts, stored as a JSON array."""

    impl = Text
    cache_ok = True


class ChoiceText(TypeDecorator[str]):
    """One of a fixed set of words."""

    impl = Text
    cache_ok = True

    def __init__(self, *choices: str) -> None:
        super().__init__()
        self.choices = choices


class UrlText(TypeDecorator[str]):
    """An http or https address."""

    impl = Text
    cache_ok = True


class EmailText(TypeDecorator[str]):
    """An e-mail address."""

    impl = Text
    cache_ok = True


class FileReference(TypeDecorator[int]):
    """The id of an uploaded file."""

    impl = Integer
    cache_ok = True


class Bytes(TypeDecorator[bytes]):
    """Bytes as they are; JSON and files carry them as Base64."""

    impl = LargeBinary
    cache_ok = True


class SecretText(TypeDecorator[str]):
    """Text that goes in and never comes out."""

    impl = Text
    cache_ok = True


FieldType = str
"""One of: text long_text integer number boolean date datetime choice json tags url email secret relation file bytes."""

_NAMES: tuple[tuple[type[Any], FieldType], ...] = (
    (LongText, "long_text"),
    (DateTimeText, "datetime"),
    (DateText, "date"),
    (TagsText, "tags"),
    (JsonText, "json"),
    (ChoiceText, "choice"),
    (UrlText, "url"),
    (EmailText, "email"),
    (FileReference, "file"),
    (SecretText, "secret"),
    (Bytes, "bytes"),
    (Boolean, "boolean"),
    (Integer, "integer"),
    (Float, "number"),
    (Text, "text"),
)


def type_name(column_type: Any) -> FieldType:
    """The public name of a column type, as `/api/v1/models` shows it. Raises TypeError for a type we don't store."""
    for kind, name in _NAMES:
        if isinstance(column_type, kind):
            return name
    raise TypeError(f"{column_type!r} is no type that GridBear stores")


def check_clause(column: str, column_type: Any) -> str | None:
    """The CHECK that keeps `column` in the stored form of its type, or None where SQLite's own typing is enough."""
    match type_name(column_type):
        case "boolean":
            return f"{column} IN (0, 1)"
        case "choice":
            words = ", ".join("'" + word.replace("'", "''") + "'" for word in column_type.choices)
            return f"{column} IN ({words})"
        case "json":
            # SQLite 3.40 answers 0, not NULL, for json_valid(NULL).
            return f"{column} IS NULL OR json_valid({column})"
        case "tags":
            return f"{column} IS NULL OR (json_valid({column}) AND json_type({column}) = 'array')"
        case "integer" | "file":
            return f"typeof({column}) IN ('integer', 'null')"
        case "bytes":
            return f"typeof({column}) IN ('blob', 'null')"
        case "datetime":
            return f"length({column}) = 24 AND substr({column}, 24) = 'Z'"
        case "date":
            return f"length({column}) = 10"
        case _:
            return None
