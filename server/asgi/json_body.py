"""JSON bodies of REST requests."""

from __future__ import annotations

import json
from typing import Any

import orjson

from server.errors import BadRequest, ValidationFailed

_DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises BadRequest for what is no JSON, ValidationFailed for another kind of value."""
    try:
        # orjson turns integers over 64 bits into floats; the standard parser keeps them, so that they are refused.
        value = _lenient(body) if _LONG_NUMBER in body.translate(_DIGITS_AS_ZEROS) else orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _lenient(body)
    if not isinstance(value, dict):
        raise ValidationFailed('The body must be a JSON object such as {"title": "…"}.')
    return value


def _lenient(body: bytes) -> Any:
    """What strict JSON refuses and Python reads (NaN, lone surrogates) is refused later, by the field's name."""
    try:
        # Decoded here: the parser would guess UTF-16 and UTF-32 by themselves.
        return json.loads(body.decode("utf-8-sig", "surrogatepass"))
    except UnicodeDecodeError:
        raise ValidationFailed("The body is no valid UTF-8.", code="invalid_utf8") from None
    except (ValueError, RecursionError):
        raise BadRequest("The body is no valid JSON.", code="invalid_json") from None
