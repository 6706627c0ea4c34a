"""Conditional requests: entity tags that the caller has, or wants to be the present one."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Scope


def header(scope: Scope, wanted: bytes) -> bytes | None:
    """A header of the request."""
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return None


def is_known(scope: Scope, etag: str) -> bool:
    """Whether `If-None-Match` says that the caller has this version."""
    given = header(scope, b"if-none-match")
    return given is not None and (etag in _tags(given) or given == b"*")


def if_match(scope: Scope) -> Callable[[str], bool] | None:
    """Whether an entity tag is one of `If-Match`; None without that header."""
    given = header(scope, b"if-match")
    if given is None:
        return None
    tags = _tags(given)
    return lambda etag: "*" in tags or etag in tags


def _tags(value: bytes) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in value.decode("latin-1").split(",")]
