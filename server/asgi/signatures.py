"""HMAC signatures of webhook bodies. Pure; here, below the plugin API, so that plugins and webhooks share it."""

from __future__ import annotations

import hashlib
import hmac

_PREFIX = "sha256="
_HEX_DIGITS = frozenset("0123456789abcdef")


def sign_sha256(secret: str, body: bytes) -> str:
    """The value of GitHub's `X-Hub-Signature-256` header for the raw `body`: `sha256=` and 64 hex digits.

    Raises ValueError on an empty secret: such a signature could be made by anybody.
    """
    if not secret:
        raise ValueError("an empty secret signs nothing")
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify_sha256(secret: str | None, body: bytes, header: str | None) -> bool:
    """Whether `header` is the `sha256=<hex>` signature of the raw `body`, compared in constant time.

    A missing header, a malformed one and an empty or missing secret are always False.
    """
    if not secret or not header:
        return False
    given = header.strip().lower()
    digest = given.removeprefix(_PREFIX)
    if not given.startswith(_PREFIX) or len(digest) != 64 or not _HEX_DIGITS.issuperset(digest):
        return False
    return hmac.compare_digest(sign_sha256(secret, body).encode(), given.encode())
