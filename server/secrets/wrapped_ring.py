"""A key ring wrapped for a recovery phrase, as it lies in the data folder and in every backup."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.errors import FieldError, ValidationFailed
from server.secrets.key_ring import Unreadable

PUBLIC_KEY_BYTES = 32
_FORMAT = "gridbear-wrapped-key-ring"


class WrongPhrase(ValidationFailed):
    """The words are no recovery phrase, or not the one that is wanted. Nothing was changed."""

    code = "wrong_phrase"

    def __init__(self, message: str) -> None:
        super().__init__(message, fields={"phrase": FieldError(self.code, message)})


@dataclass(frozen=True, slots=True)
class WrappedRing:
    """A key ring that a phrase opens. `public_key` tells which phrase, and nothing of it."""

    public_key: bytes
    kept_at: str
    """When a person kept the phrase: UTC, ISO 8601."""
    sealed: bytes

    def to_bytes(self) -> bytes:
        """As it lies in the data folder and in every backup."""
        fields = {"public_key": _b64(self.public_key), "kept_at": self.kept_at, "sealed": _b64(self.sealed)}
        return json.dumps({"format": _FORMAT, "version": 1, **fields}, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> WrappedRing:
        """The other way round. Raises Unreadable."""
        try:
            found: Any = json.loads(data)
            if found["format"] != _FORMAT or found["version"] != 1:
                raise ValueError("another format")
            wrapped = cls(
                base64.b64decode(found["public_key"], validate=True),
                datetime.fromisoformat(found["kept_at"]).isoformat(timespec="seconds").replace("+00:00", "Z"),
                base64.b64decode(found["sealed"], validate=True),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable("The wrapped key ring is damaged, or a newer GridBear made it.") from error
        if len(wrapped.public_key) != PUBLIC_KEY_BYTES:
            raise Unreadable("The wrapped key ring is damaged.")
        return wrapped


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
