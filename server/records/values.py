"""JSON values to stored values: checked by the field's type, refused with a sentence that names the remedy."""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from server.access.actor import Actor
from server.errors import FieldError, Forbidden, ValidationFailed
from server.models.labels import in_sentence
from server.models.registry import FieldSpec, ModelSpec
from server.records.times import to_text

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]]{1,64}@[^\s@.,;:<>()\[\]]+(\.[^\s@.,;:<>()\[\]]+)*")


class BadValue(Exception):
    """A value that its field can't hold."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def clean_text(value: Any) -> str:
    """A text without NUL and lone surrogates. Raises BadValue."""
    if not isinstance(value, str):
        raise BadValue("wrong_type", "a text is wanted")
    if "\x00" in value:
        raise BadValue("nul_character", "the character NUL can't be stored")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise BadValue("lone_surrogate", "the text is no valid Unicode (a lone surrogate)") from None
    return value


def _text(field: FieldSpec, value: Any) -> str:
    text = clean_text(value)
    info = field.info
    if info.max_length is not None and len(text) > info.max_length:
        raise BadValue("too_long", f"at most {info.max_length} characters, these are {len(text)}")
    if info.required and not text.strip():
        raise BadValue("required", "a value is required")
    if info.pattern is not None and re.fullmatch(info.pattern, text) is None:
        raise BadValue("wrong_form", info.pattern_help or f"must match {info.pattern}")
    return text


def _integer(field: FieldSpec, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("wrong_type", "a whole number is wanted")
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise BadValue("out_of_range", "whole numbers have at most 64 bits")
    return _ranged(field, value)


def _number(field: FieldSpec, value: Any) -> Any:
    return _ranged(field, finite(value))


def finite(value: Any) -> float:
    """A number as a finite double. Raises BadValue."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadValue("wrong_type", "a number is wanted")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadValue("not_finite", "a finite number is wanted")
    # SQLite keeps no negative zero; what is answered first must be what is read later.
    return number + 0.0


def _ranged(field: FieldSpec, value: Any) -> Any:
    info = field.info
    if info.minimum is not None and value < info.minimum:
        raise BadValue("too_small", f"at least {info.minimum}")
    if info.maximum is not None and value > info.maximum:
        raise BadValue("too_large", f"at most {info.maximum}")
    return value


def _boolean(_field: FieldSpec, value: Any) -> int:
    if not isinstance(value, bool):
        raise BadValue("wrong_type", "true or false is wanted")
    return int(value)


def _datetime(_field: FieldSpec, value: Any) -> str:
    text = clean_text(value)
    try:
        return to_text(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise BadValue("wrong_form", "a moment like 2026-01-02T03:04:05Z is wanted") from None


def _date(_field: FieldSpec, value: Any) -> str:
    text = clean_text(value)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadValue("wrong_form", "a day like 2026-01-02 is wanted") from None


def _choice(field: FieldSpec, value: Any) -> str:
    if value not in (field.choices or ()):
        raise BadValue("unknown_choice", f"one of {', '.join(field.choices or ())}")
    return str(value)


def _json(_field: FieldSpec, value: Any) -> str:
    check_json(value)
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, TypeError):
        raise BadValue("wrong_type", "a JSON value is wanted") from None


def check_json(value: Any, depth: int = 0) -> None:
    """Raise BadValue for what no JSON can hold, or no record: NaN, numbers over 64 bits, broken Unicode, NUL."""
    if depth > 100:
        raise BadValue("too_deep", "JSON is nested more than 100 levels deep")
    if isinstance(value, str):
        clean_text(value)
    elif isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
        raise BadValue("out_of_range", "whole numbers have at most 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadValue("not_finite", "NaN and Infinity can't be stored")
    elif isinstance(value, dict):
        for key, inner in value.items():
            clean_text(key)
            check_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check_json(inner, depth + 1)


def _bytes(field: FieldSpec, value: Any) -> bytes:
    text = clean_text(value)
    try:
        found = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise BadValue("wrong_form", "bytes are wanted as Base64") from None
    # Bits that stand for nothing would make two texts of the same bytes.
    if base64_text(found) != text:
        raise BadValue("wrong_form", "bytes are wanted as Base64")
    if field.info.max_length is not None and len(found) > field.info.max_length:
        raise BadValue("too_long", f"at most {field.info.max_length} bytes, these are {len(found)}")
    return found


def base64_text(value: bytes) -> str:
    """Bytes as JSON carries them."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def _tags(_field: FieldSpec, value: Any) -> str:
    if not isinstance(value, list):
        raise BadValue("wrong_type", "a list of texts is wanted")
    if len(value) > 1000:
        raise BadValue("too_long", "at most 1000 entries")
    return orjson.dumps([clean_text(item) for item in value]).decode()


def is_url(value: Any) -> bool:
    """Whether `value` is an http or https address."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def is_email(value: Any) -> bool:
    """Whether `value` is an e-mail address."""
    return isinstance(value, str) and len(value) <= 254 and _EMAIL.fullmatch(value) is not None


def _url(field: FieldSpec, value: Any) -> str:
    text = _text(field, value)
    if not is_url(text):
        raise BadValue("wrong_form", "an address that begins with http:// or https:// is wanted")
    return text


def _email(field: FieldSpec, value: Any) -> str:
    text = _text(field, value)
    if not is_email(text):
        raise BadValue("wrong_form", "an address like name@example.org is wanted")
    return text


_STORE: dict[str, Callable[[FieldSpec, Any], Any]] = {
    "text": _text,
    "long_text": _text,
    "secret": _text,
    "integer": _integer,
    "relation": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
    "choice": _choice,
    "json": _json,
    "tags": _tags,
    "url": _url,
    "email": _email,
    "file": _integer,
    "bytes": _bytes,
}


def checker(field: FieldSpec) -> Callable[[FieldSpec, Any], Any]:
    """What gives the stored form of a value of `field` that is not null. It raises BadValue."""
    return _STORE[field.type]


def stored_value(field: FieldSpec, value: Any) -> Any:
    """`value` (JSON) in the stored form of `field`. Raises BadValue."""
    if value is None:
        if field.info.required or not field.nullable:
            raise BadValue("required", "a value is required")
        return None
    return _STORE[field.type](field, value)


def writable(actor: Actor, field: FieldSpec, *, creating: bool) -> bool:
    """Whether `actor` may send `field`."""
    if actor.kind == "system":
        return True
    info = field.info
    if info.read_only or (info.create_only and not creating):
        return False
    return actor.is_admin or not info.admin_only


def checked(
    actor: Actor,
    spec: ModelSpec,
    values: Mapping[str, Any],
    *,
    creating: bool,
    hidden: frozenset[str] = frozenset(),
    pending: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """`values` as columns to store; defaults are not added. Raises ValidationFailed naming every bad field.

    `hidden` fields are unknown to the actor; `pending` ones get their value later. Raises Forbidden where a new record
    can't do without one that is hidden.
    """
    errors: dict[str, FieldError] = {}
    columns: dict[str, Any] = {}
    for name, value in values.items():
        field = None if name in hidden else spec.fields.get(name)
        if field is None:
            if actor.kind == "system" and name in spec.table.c:
                columns[name] = value
                continue
            errors[str(name)] = FieldError("unknown_field", f"{spec.name} has no such field")
        elif not writable(actor, field, creating=creating):
            reason = "is fixed once the record is made" if field.info.create_only else "is kept by the server"
            errors[name] = FieldError("read_only", f"{name} {reason}")
        else:
            try:
                columns[name] = stored_value(field, value)
            except BadValue as bad:
                errors[name] = FieldError(bad.code, bad.message)
    if pending:
        _check_pending(actor, spec, pending, hidden, errors, creating=creating)
    if creating:
        given = columns.keys() | errors.keys() | pending
        for name, field in spec.fields.items():
            if field.info.required and name not in given | hidden and not field.info.read_only:
                errors[name] = FieldError("required", "a value is required")
    raise_for(errors)
    if creating:
        require_givable(spec, hidden)
    return columns


def require_givable(spec: ModelSpec, hidden: Iterable[str]) -> None:
    """Raise Forbidden where a new record can't do without a value of a `hidden` field, which is not named."""
    infos = [spec.fields[name].info for name in hidden]
    if any(info.required and not info.read_only and info.default is None for info in infos):
        plural = in_sentence(spec.options.label_plural)
        raise Forbidden(f"You can't create {plural}: they want a value that is not yours to give.")


def _check_pending(
    actor: Actor,
    spec: ModelSpec,
    pending: frozenset[str],
    hidden: frozenset[str],
    errors: dict[str, FieldError],
    *,
    creating: bool,
) -> None:
    for name in pending:
        field = None if name in hidden else spec.fields.get(name)
        if field is None:
            errors[name] = FieldError("unknown_field", f"{spec.name} has no such field")
        elif not writable(actor, field, creating=creating):
            errors[name] = FieldError("read_only", f"{name} is kept by the server")


def raise_for(errors: Mapping[str, FieldError]) -> None:
    """Raise ValidationFailed for `errors`, if there are any."""
    if errors:
        text = "; ".join(f"{name}: {error.message}" for name, error in errors.items())
        raise ValidationFailed(text, fields=errors)


def default_column(field: FieldSpec) -> Any:
    """The stored form of a field's default."""
    return None if field.info.default is None else stored_value(field, field.info.default)
