"""Which values of an imported server are secrets: by the name of the variable, or by their own look."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from server.mcp_gateway.activity.redaction import looks_secret, named_secret

_SECRET_HEADERS = frozenset(("authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "apikey"))
_LAST_WORDS = re.compile(r"(?:^|[_.-])(?:key|pass|pat|auth|dsn|credentials?)$", re.IGNORECASE)
_RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_+=~-]{24,}")
_PLAIN = frozenset(("", "true", "false", "yes", "no", "on", "off", "none", "0", "1"))
_SCHEME = re.compile(r"(Bearer|Basic|Token|token|bearer)\s+(\S.*)", re.DOTALL)


def is_secret(name: str, value: str) -> bool:
    """Whether `value` of the variable or header `name` belongs into the vault."""
    if value.lower() in _PLAIN:
        return False
    named = named_secret(name) or _LAST_WORDS.search(name) is not None or name.lower() in _SECRET_HEADERS
    return named or looks_secret_value(value)


def looks_secret_value(value: str) -> bool:
    """Whether a value looks like a secret whatever its name is."""
    return looks_secret(value) or _RANDOM.fullmatch(value) is not None or _has_password(value)


def scheme_of(value: str) -> tuple[str, str]:
    """What stands before a header's secret and need not be hidden (`Bearer `), and the secret."""
    found = _SCHEME.fullmatch(value)
    return (f"{found[1]} ", found[2]) if found else ("", value)


def _has_password(value: str) -> bool:
    try:
        return "://" in value and bool(urlsplit(value).password)
    except ValueError:
        return False
