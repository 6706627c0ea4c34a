"""What the server and a worker process say to each other: JSON objects, each after its length."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, BinaryIO

import orjson

from server import errors
from server.errors import GridBearError

MOST_BYTES = 64 << 20
_LENGTH = struct.Struct(">I")
_ERRORS = {
    kind.__name__: kind
    for kind in (
        errors.BadRequest, errors.Busy, errors.Conflict, errors.Forbidden, errors.NotFound, errors.TooLarge,
        errors.Unauthorized, errors.UpstreamFailed, errors.ValidationFailed,
    )
}  # fmt: skip


class TooMuch(ValueError):
    """What was to be said is no JSON, or more than 64 MiB."""


def packed(told: dict[str, Any]) -> bytes:
    """The bytes of a frame. Raises TooMuch."""
    try:
        body = orjson.dumps(told, option=orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        raise TooMuch(f"JSON is wanted: {error}") from None
    if len(body) > MOST_BYTES:
        raise TooMuch(f"these are {len(body)} bytes, and {MOST_BYTES} may be")
    return _LENGTH.pack(len(body)) + body


async def next_frame(stream: asyncio.StreamReader) -> dict[str, Any]:
    """The next one. Raises EOFError at the end, ValueError for what is none."""
    length = _length(await stream.readexactly(_LENGTH.size))
    return _understood(await stream.readexactly(length))


def next_frame_blocking(file: BinaryIO) -> dict[str, Any]:
    """As `next_frame`, from a file."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    return _understood(file.read(_length(head)))


def told_error(error: GridBearError) -> dict[str, Any]:
    """An error of the plugin API as JSON."""
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS]
    return {"kind": names[0] if names else "", "message": error.message, "code": error.code,
            "retry_after": error.retry_after}  # fmt: skip


def error_of(told: dict[str, Any]) -> GridBearError:
    """The error that `told_error` told of."""
    kind = _ERRORS.get(str(told.get("kind")), GridBearError)
    return kind(str(told["message"]), code=told.get("code"), retry_after=told.get("retry_after"))


def _length(head: bytes) -> int:
    (length,) = _LENGTH.unpack(head)
    if length > MOST_BYTES:
        raise ValueError(f"a frame of {length} bytes")
    return int(length)


def _understood(body: bytes) -> dict[str, Any]:
    found = orjson.loads(body)
    if not isinstance(found, dict):
        raise ValueError("a frame that is no object")
    return found
