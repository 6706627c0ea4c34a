"""Where a browser may be sent with a code: exactly where the client said before, and only to what can't be abused."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from server.this_computer import is_loopback_host

MOST_REDIRECTS = 10
MOST_CHARACTERS = 2000
# Known programs whose scheme is no reversed domain name (RFC 8252, 7.1), which all others need.
APP_SCHEMES = frozenset(
    ("cursor", "vscode", "vscode-insiders", "vscodium", "windsurf", "zed", "claude", "raycast", "warp", "kiro", "trae")
)
_PLAIN = re.compile(r"[!#-;=?-Z_a-z~\[\]%]+")
_REVERSED_DOMAIN = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


def redirect_problem(uri: str) -> str | None:
    """Why `uri` can't be a redirect, as a sentence; None when it can."""
    parts = _split(uri)
    if parts is None or len(uri) > MOST_CHARACTERS or not _PLAIN.fullmatch(uri):
        return f"a redirect is an address of at most {MOST_CHARACTERS} plain characters"
    if "#" in uri or parts.username is not None or parts.password is not None:
        return "a redirect has no fragment and no user name"
    if parts.scheme == "https":
        return None if parts.hostname else "a redirect by https names a host"
    if parts.scheme == "http":
        return None if is_loopback_host(parts.hostname or "") else "a redirect by http goes to this computer alone"
    if parts.scheme in APP_SCHEMES or _REVERSED_DOMAIN.fullmatch(parts.scheme):
        return None
    return "a redirect begins with https, http to loopback, or an app's scheme such as com.example.app"


def is_redirect_of(registered: list[str], uri: str) -> bool:
    """Whether `uri` is one of the registered ones: letter for letter, but on loopback any port (RFC 8252, 7.3)."""
    return uri in registered or any(_same_but_port(known, uri) for known in registered)


def place_of(uri: str) -> str:
    """Where a redirect goes, as people should read it: a host, or an app's scheme."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def is_loopback_redirect(uri: str) -> bool:
    """Whether a redirect goes to a program of the browser's computer."""
    parts = _split(uri)
    return parts is not None and parts.scheme == "http" and is_loopback_host(parts.hostname or "")


def _same_but_port(known: str, uri: str) -> bool:
    if not is_loopback_redirect(known) or redirect_problem(uri) is not None:
        return False
    one, two = urlsplit(known), urlsplit(uri)
    return (one.scheme, one.hostname, one.path, one.query) == (two.scheme, two.hostname, two.path, two.query)


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme else None
