"""Names for what is imported: safe, free, and as near to the old ones as can be."""

from __future__ import annotations

import re
from collections.abc import Container

from server.models.mcp_server import OWN_NAMES

_SERVER_LENGTH = 32
_SECRET_LENGTH = 100


def server_name(wanted: str, taken: Container[str]) -> str:
    """A free name of an MCP server like `wanted`."""
    plain = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:_SERVER_LENGTH].strip("-") or "server"
    return _free(plain, _SERVER_LENGTH, taken, OWN_NAMES)


def secret_name(server: str, variable: str, taken: Container[str]) -> str:
    """A free name of a secret: the server's, then the variable's."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{server}-{variable}").strip("-")[:_SECRET_LENGTH]
    return _free(plain, _SECRET_LENGTH, taken, ())


def _free(plain: str, length: int, *taken: Container[str]) -> str:
    name, number = plain, 1
    while any(name in names for names in taken):
        number += 1
        name = f"{plain[: length - len(str(number)) - 1]}-{number}"
    return name
