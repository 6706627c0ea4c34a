"""The `Idempotency-Key` of a request, with a hash of the request that it came with."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from server.errors import BadRequest, Conflict, ValidationFailed

HEADER = b"idempotency-key"
REPLAYED = b"idempotency-replayed", b"true"
"""What was asked for was done by an earlier request with the same key."""
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A key with the request that it came with, as far as either is kept: a hash of the key, and one of the request
    that says nothing to whoever does not have the key."""

    key_hash: str
    request_hash: str

    @classmethod
    def of(cls, key: bytes, target: str, body: bytes) -> RequestKey:
        """`target` is what the request is about, such as a model. Raises BadRequest for what can't be a key."""
        digest = key_digest(key, target)
        digest.update(body)
        return cls.made(key, digest)

    @classmethod
    def made(cls, key: bytes, digest: hmac.HMAC) -> RequestKey:
        """Of a body that `digest` was fed with."""
        return cls(hashlib.sha256(key).hexdigest(), digest.hexdigest())

    def check(self, request_hash: str) -> None:
        """Raise ValidationFailed unless what came with the key before is this request."""
        if not hmac.compare_digest(request_hash, self.request_hash):
            raise ValidationFailed(
                "This Idempotency-Key was sent before with other content. Take a new key for a new request.",
                code="idempotency_key_reused",
            )


def key_digest(key: bytes, target: str) -> hmac.HMAC:
    """What a body is fed into that comes in pieces. Raises BadRequest for what can't be a key."""
    if not _KEY.fullmatch(key):
        raise BadRequest(
            "Idempotency-Key wants 1 to 255 visible ASCII characters, such as a random UUID.",
            code="idempotency_key_invalid",
        )
    return hmac.new(key, target.encode() + b"\0", hashlib.sha256)


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The key that was sent, unlooked at."""
    return next((value for name, value in headers if name == HEADER), None)


def key_parameter(promise: str) -> dict[str, Any]:
    """The header in the OpenAPI document."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "description": f"A random key of yours: {promise}",
    }


def interrupted(what: str) -> Conflict:
    """`what` was begun by an earlier request with the key, and nobody knows how far it came."""
    return Conflict(
        f"{what} Look at what is there, and take a new key to do it once more.", code="idempotency_interrupted"
    )
