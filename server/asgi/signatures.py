"""HMAC signatures of webhook bodies. Pure; here, below the plugin API, so that plugins and webhooks share it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

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


STANDARD_PREFIX = "whsec_"
REPLAY_SECONDS = 300
"""How far the time of a signed message may lie from now, before and after."""


def new_standard_secret() -> str:
    """A fresh secret of the Standard Webhooks form: `whsec_` and 32 bytes in Base64."""
    return STANDARD_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def is_standard_secret(secret: str) -> bool:
    """Whether it has that form, with 24 to 64 bytes."""
    return 24 <= len(_standard_key(secret)) <= 64


def sign_standard(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of the raw `body` (Standard Webhooks): `v1,` and Base64. `timestamp`: seconds.

    Raises ValueError when `secret` is no `whsec_…`.
    """
    key = _standard_key(secret)
    if not key:
        raise ValueError("whsec_ and Base64 is wanted")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def verify_standard(
    secret: str | None,
    body: bytes,
    *,
    message_id: str | None,
    timestamp: str | None,
    signature: str | None,
    now: float,
) -> bool:
    """Whether the values of `webhook-id`, `-timestamp` and `-signature` sign the raw `body`.

    Their time may lie 5 minutes from `now` (seconds), so that what was overheard can't be sent again later. Of several
    signatures (while a secret is changed) one has to be right. A missing header is always False.
    """
    if not secret or not message_id or not timestamp or not signature or not _standard_key(secret):
        return False
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(now - int(timestamp)) > REPLAY_SECONDS:
        return False
    wanted = sign_standard(secret, message_id, int(timestamp), body).encode()
    given = signature.encode("utf-8", "replace").split(b" ")[:10]
    return any(hmac.compare_digest(wanted, one) for one in given)


def _standard_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
