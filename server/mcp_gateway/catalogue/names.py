"""Names of tools for clients: `server__tool` and `tool`, at most 64 of the characters that every client accepts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

MAX_LENGTH = 64
SEPARATOR = "__"
_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")
_HASH_LENGTH = 8


def public_name(server: str, tool: str) -> str:
    """The name of `tool` of `server` on the endpoint that serves all servers.

    A name that is too long or has other characters is cut and gets a hash of the whole name, so that it stays
    unique, stable over restarts and callable.
    """
    return _accepted(f"{server}{SEPARATOR}{tool}", f"{server}\0{tool}")


def own_name(tool: str) -> str:
    """The name of a tool on the endpoint of its server alone: its own, where every client accepts it."""
    return _accepted(tool, tool) if tool else ""


def free_name(server: str, tool: str, taken: Collection[str]) -> str:
    """As `own_name`, but none of `taken`, which are such names of the same server, on neither endpoint."""
    public = {public_name(server, name) for name in taken}
    name, tries = own_name(tool), 0
    while name in taken or public_name(server, name) in public:
        tries += 1
        name = _with_hash(_FOREIGN.sub("_", tool), f"{tool}\0{tries}")
    return name


def is_accepted(name: str) -> bool:
    """Whether every client accepts it as it is."""
    return 0 < len(name) <= MAX_LENGTH and _FOREIGN.search(name) is None


def server_of(name: str) -> str | None:
    """The server part of a public name; server names have no underscore, so the first separator ends it."""
    server, separator, tool = name.partition(SEPARATOR)
    return server if separator and server and tool else None


def _accepted(name: str, hashed: str) -> str:
    return name if is_accepted(name) else _with_hash(_FOREIGN.sub("_", name), hashed)


def _with_hash(plain: str, hashed: str) -> str:
    digest = hashlib.sha256(hashed.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    return f"{plain[: MAX_LENGTH - _HASH_LENGTH - 1]}_{digest}"
