"""Public names of tools: `server__tool`, at most 64 of the characters that every client accepts."""

from __future__ import annotations

import hashlib
import re

MAX_LENGTH = 64
SEPARATOR = "__"
_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")
_HASH_LENGTH = 8


def public_name(server: str, tool: str) -> str:
    """The name of `tool` of `server` on the endpoint that serves all servers.

    A name that is too long or has other characters is cut and gets a hash of the whole name, so that it stays
    unique, stable over restarts and callable.
    """
    plain = _FOREIGN.sub("_", f"{server}{SEPARATOR}{tool}")
    if plain == f"{server}{SEPARATOR}{tool}" and len(plain) <= MAX_LENGTH:
        return plain
    digest = hashlib.sha256(f"{server}\0{tool}".encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    return f"{plain[: MAX_LENGTH - _HASH_LENGTH - 1]}_{digest}"


def server_of(name: str) -> str | None:
    """The server part of a public name; server names have no underscore, so the first separator ends it."""
    server, separator, tool = name.partition(SEPARATOR)
    return server if separator and server and tool else None
