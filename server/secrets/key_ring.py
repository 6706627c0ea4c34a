"""The data keys of one GridBear, and texts sealed under them with AES-256-GCM."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from server.errors import Conflict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
KEY_ID_LENGTH = 16
SEALED_PREFIX = "gb1:"
SEALED_START = len(SEALED_PREFIX) + KEY_ID_LENGTH + 1
"""Characters of a sealed text before what is sealed: enough for `key_id_in`."""
_NONCE_BYTES = 12
_START = re.compile(rf"{SEALED_PREFIX}([0-9a-f]{{{KEY_ID_LENGTH}}}):")
_SEALED = re.compile(rf"{_START.pattern}([A-Za-z0-9_-]{{38,}})")


class Unreadable(Conflict):
    """A sealed value can't be opened: its key is not in the ring, or it was changed or moved from elsewhere."""

    code = "secret_unreadable"


class Place(NamedTuple):
    """Where a sealed text belongs. Elsewhere it can't be opened."""

    model: str
    field: str
    row: int

    def __str__(self) -> str:
        return f"{self.model}.{self.field} of record {self.row}"


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """One or more 256-bit keys by id. New texts are sealed under `current`; the others open older ones."""

    keys: Mapping[str, bytes]
    current: str

    @classmethod
    def new(cls) -> KeyRing:
        """A ring with one new key."""
        return cls.of(os.urandom(KEY_BYTES))

    @classmethod
    def of(cls, key: bytes) -> KeyRing:
        """A ring with this one key of `KEY_BYTES`."""
        return cls({key_id(key): key}, key_id(key))

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self.keys)

    def with_new_key(self) -> KeyRing:
        """The same ring with a new key, which is the current one."""
        return KeyRing.new().joined(self)

    def joined(self, other: KeyRing) -> KeyRing:
        """The keys of both; the current one stays this ring's."""
        return KeyRing({**other.keys, **self.keys}, self.current)

    def seal(self, text: str, place: Place) -> str:
        """`gb1:<key id>:<nonce and ciphertext>`, for `place` alone."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + _cipher(self.keys[self.current]).encrypt(nonce, text.encode(), _bound_to(place))
        return f"{SEALED_PREFIX}{self.current}:{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def open(self, sealed: str, place: Place) -> str:
        """The text. Raises Unreadable."""
        found = _SEALED.fullmatch(sealed)
        if found is None:
            raise Unreadable(f"{place} is not sealed as it should be. Set it again.")
        key = self.keys.get(found[1])
        if key is None:
            raise Unreadable(
                f"{place} is sealed under the key {found[1]}, which this data folder has not. Bring the key back with "
                "`gridbear secrets recover` and the recovery phrase, or set the value again."
            )
        from cryptography.exceptions import InvalidTag

        try:
            data = base64.urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4))
            return _cipher(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound_to(place)).decode()
        except (InvalidTag, ValueError):
            raise Unreadable(
                f"{place} was changed or moved from elsewhere and can't be opened. Set it again."
            ) from None

    def to_json(self) -> dict[str, Any]:
        """The ring with its keys in clear."""
        keys = {name: base64.b64encode(key).decode() for name, key in self.keys.items()}
        return {"current": self.current, "keys": keys}

    @classmethod
    def from_json(cls, data: Any) -> KeyRing:
        """The other way round. Raises ValueError for anything that `to_json` would not give."""
        try:
            keys = {str(name): base64.b64decode(key, validate=True) for name, key in data["keys"].items()}
            ring = cls(keys, str(data["current"]))
        except (TypeError, KeyError, AttributeError, binascii.Error) as error:
            raise ValueError("no key ring") from error
        if ring.current not in keys or any(len(key) != KEY_BYTES or key_id(key) != name for name, key in keys.items()):
            raise ValueError("a key of the ring is not the one that its id names")
        return ring


def key_id(key: bytes) -> str:
    """The id of a key, which tells whether it is the right one and nothing else of it."""
    return hashlib.sha256(b"gridbear key id\x00" + key).hexdigest()[:KEY_ID_LENGTH]


def sealed_under(text: str) -> str | None:
    """The id of the key that `text` is sealed under, or None when it is in clear."""
    found = _SEALED.fullmatch(text)
    return None if found is None else found[1]


def key_id_in(start: str) -> str | None:
    """The same for the beginning of a text."""
    found = _START.match(start)
    return None if found is None else found[1]


def _cipher(key: bytes) -> AESGCM:
    # Takes 8 MB, which a server that keeps no secrets does without.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _bound_to(place: Place) -> bytes:
    return json.dumps(["gridbear", *place]).encode()
