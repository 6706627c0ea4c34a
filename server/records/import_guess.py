"""What a file holds: its columns, their types by the look of their values, and a model that would fit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from server.errors import ValidationFailed
from server.models.own_definition import MAX_NAME, PARAMETER_NAMES
from server.records.import_files import RowFile
from server.records.import_plan import ImportOptions
from server.records.import_values import MISSING
from server.records.importing import opened_file
from server.records.literals import json_value
from server.records.values import INTEGER_MAX, INTEGER_MIN, BadValue, base64_text, is_email, is_url

SAMPLE_BYTES = 1 << 20
SAMPLE_ROWS = 5000
MAX_CHOICES = 12
_EXAMPLES = 3
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?([0-9]+\.[0-9]+|[0-9]+)([eE][+-]?[0-9]+)?")
_KEPT = ("id", "created_at", "updated_at", "owner_id")


def guess_file(path: Path, options: ImportOptions, name: str) -> dict[str, Any]:
    """Columns with type, examples, empty cells and the field made of each, and a definition for `POST /api/v1/models`.

    Raises ValidationFailed for a file that can't be read.
    """
    with opened_file(path, options, any_table=True) as file:
        names = file.header
        report = {"format": file.format, "delimiter": file.delimiter, "table": file.table, "tables": file.tables}
        if names is not None:
            columns, rows = _sample(file, names)
    if names is None:
        # Each row names its own columns: once over the file for the names, then again for the values.
        with opened_file(path, options, any_table=True) as file:
            keys, _ = _sample(file, [])
            names = list(dict.fromkeys(key for row in keys[0] for key in row))
        with opened_file(path, options, any_table=True) as file:
            columns, rows = _sample(file, names)
    described = [_describe(column, values) for column, values in zip(names, columns, strict=False)]
    for number, column in enumerate(described, 1):
        if not all(map(_is_unicode, (column["name"], *column["examples"], *column.get("choices", ())))):
            raise ValidationFailed(
                f"Column {number} has text that is no valid Unicode (a lone surrogate).", code="lone_surrogate"
            )
    model = _definition(name, described)
    return {**report, "rows_looked_at": rows, "columns": described, "model": model}


def _sample(file: RowFile, names: list[str]) -> tuple[list[list[Any]], int]:
    columns: list[list[Any]] = [[] for _ in range(len(names) + 1)]
    rows = 0
    try:
        for batch in file.batches(names):
            for found, values in zip(columns, batch.columns, strict=False):
                found.extend(values)
            rows += len(batch.numbers)
            if rows >= SAMPLE_ROWS:
                break
    except ValidationFailed:
        # The sample may end within a row.
        if not rows:
            raise
    return columns, rows


def _describe(name: str, values: list[Any]) -> dict[str, Any]:
    given = [value for value in values if value is not None and value is not MISSING and value != ""]
    kind = guessed_type(given)
    described = {
        "name": name,
        "type": kind,
        "empty": len(values) - len(given),
        "examples": list(dict.fromkeys(_shown(value)[:100] for value in given))[:_EXAMPLES],
    }
    if kind == "choice":
        described["choices"] = sorted(set(map(str, given)))
    return described


def _is_unicode(text: str) -> bool:
    # What a CSV brings as bytes that are no UTF-8 is told by the reader; JSON may spell halves of characters out.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(value: Any) -> str:
    return base64_text(value) if isinstance(value, bytes) else str(value)


def guessed_type(values: list[Any]) -> str:
    """The narrowest type that holds every one of `values` (no empty ones among them)."""
    if not values:
        return "text"
    for kind, fits in _KINDS:
        if all(map(fits, values)):
            return kind
    if any(isinstance(value, bytes) for value in values):
        return "bytes" if all(isinstance(value, bytes) for value in values) else "text"
    texts = list(map(str, values))
    if max(map(len, texts)) > 200 or any("\n" in text for text in texts):
        return "long_text"
    different = len(set(texts))
    if (
        different <= MAX_CHOICES
        and different * 5 <= len(texts)
        and max(map(len, texts)) <= 40
        and "\\" not in "".join(texts)
    ):
        return "choice"
    return "text"


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false", "yes", "no"))


def _is_integer(value: Any) -> bool:
    if isinstance(value, str):
        # A number that begins with 0 is a name: a telephone, a post code.
        return bool(_WHOLE.fullmatch(value)) and INTEGER_MIN <= int(value) <= INTEGER_MAX
    return isinstance(value, int) and not isinstance(value, bool) and INTEGER_MIN <= value <= INTEGER_MAX


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_NUMBER.fullmatch(value)) and not re.match(r"-?0[0-9]", value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _parses(parse: Callable[[str], Any]) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        try:
            parse(value)
        except (ValueError, TypeError, BadValue):
            return False
        return True

    return fits


def _is_json(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return True
    return isinstance(value, str) and value[:1] in ("{", "[") and _parses(json_value)(value)


def _day(value: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError
    return date.fromisoformat(value)


def _moment(value: str) -> datetime:
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]", value):
        raise ValueError
    return datetime.fromisoformat(value)


_KINDS: list[tuple[str, Callable[[Any], bool]]] = [
    ("boolean", _is_boolean),
    ("integer", _is_integer),
    ("number", _is_number),
    ("date", _parses(_day)),
    ("datetime", _parses(_moment)),
    ("json", _is_json),
    ("email", is_email),
    ("url", is_url),
]


def _definition(name: str, columns: list[dict[str, Any]]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = []
    for column in columns:
        field = snake_case(str(column["name"])) or f"column_{len(fields) + 1}"
        if field in _KEPT:
            column["field"] = None
            continue
        if field in PARAMETER_NAMES:
            field += "_field"
        plain, number = field, 2
        while any(known["name"] == field for known in fields):
            field, number = f"{plain}_{number}", number + 1
        column["field"] = field
        made = {
            "name": field,
            "type": column["type"],
            "label": str(column["name"]).strip()[:100],
            "required": column["empty"] == 0 and column["type"] != "boolean",
        }
        if "choices" in column:
            made["choices"] = column["choices"]
        fields.append(made)
    model = snake_case(name) or "rows"
    return {"name": model, "label": model.replace("_", " ").capitalize(), "fields": fields}


def snake_case(text: str) -> str:
    """`text` as the name of a field: small letters, digits and _, beginning with a letter; "" when nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_").lstrip("0123456789_")[: MAX_NAME - 8].rstrip("_")
