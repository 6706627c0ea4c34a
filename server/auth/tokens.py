"""Random tokens: 256 bits, only their SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets

API_TOKEN_PREFIX = "gb_"
ACCESS_TOKEN_PREFIX = "gba_"
REFRESH_TOKEN_PREFIX = "gbr_"
SHOWN_PREFIX_LENGTH = 9


def new_token(prefix: str = "") -> str:
    """A fresh token."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
