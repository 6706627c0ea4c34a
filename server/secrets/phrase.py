"""The recovery phrase: twelve words that open what the key ring was wrapped into, and are kept by nobody but a person.

A key pair is derived from the words. Wrapping needs its public half alone, so that later keys and later backups need no
phrase.
"""

from __future__ import annotations

import functools
import json
import re
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic

from server.secrets.key_ring import KeyRing, Unreadable
from server.secrets.wrapped_ring import WrappedRing, WrongPhrase

WORDS = 12
_INFO = b"gridbear key ring 1"
_PAIR_INFO = b"gridbear recovery phrase 1"
_WORD = re.compile(r"[^\W\d_]+")


def new_phrase() -> str:
    """A new phrase: 128 random bits and a checksum, as twelve words."""
    return _words().generate(128)


def public_key(phrase: str) -> bytes:
    """The public half of a phrase's key pair. Raises WrongPhrase for words that are no phrase."""
    return _pair(phrase).public_key().public_bytes_raw()


def wrap_for(ring: KeyRing, public: bytes, now: datetime | None = None) -> WrappedRing:
    """`ring` for the phrase with this public half, kept by a person just `now`."""
    moment = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return WrappedRing(public, moment, _sealed(ring, public))


def wrap_again(wrapped: WrappedRing, ring: KeyRing) -> WrappedRing:
    """Another ring for the phrase of `wrapped`."""
    return WrappedRing(wrapped.public_key, wrapped.kept_at, _sealed(ring, wrapped.public_key))


def wrap(ring: KeyRing, phrase: str) -> bytes:
    """`ring` so that only `phrase` opens it. Raises WrongPhrase for words that are no phrase."""
    return wrap_for(ring, public_key(phrase)).to_bytes()


def unwrap(blob: bytes, phrase: str) -> KeyRing:
    """The ring in `blob`. Raises WrongPhrase when `phrase` is not its phrase, Unreadable when it is damaged."""
    wrapped = WrappedRing.from_bytes(blob)
    pair = _pair(phrase)
    if pair.public_key().public_bytes_raw() != wrapped.public_key:
        raise WrongPhrase(
            f"This is not the recovery phrase that was kept on {wrapped.kept_at[:10]}. Nothing was changed."
        )
    try:
        return KeyRing.from_json(json.loads(_suite().decrypt(wrapped.sealed, pair, _INFO)))
    except (InvalidTag, ValueError) as error:
        raise Unreadable("The wrapped key ring is damaged: the phrase is right, and it does not open.") from error


def _sealed(ring: KeyRing, public: bytes) -> bytes:
    return _suite().encrypt(json.dumps(ring.to_json()).encode(), X25519PublicKey.from_public_bytes(public), _INFO)


def _pair(phrase: str) -> X25519PrivateKey:
    seed = Mnemonic.to_seed(_checked(phrase))
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PAIR_INFO).derive(seed)
    return X25519PrivateKey.from_private_bytes(key)


def _checked(phrase: str) -> str:
    """The words as the list has them, one space between two. Numbers and commas between them do no harm."""
    words = [word.lower() for word in _WORD.findall(phrase)]
    known = _words()
    for place, word in enumerate(words[: 2 * WORDS], 1):
        if word not in known.wordlist:
            raise WrongPhrase(f"Word {place}, “{word[:20]}”, is not in the list of words. Look at how it is spelt.")
    if len(words) != WORDS:
        raise WrongPhrase(f"A recovery phrase has {WORDS} words, and these are {len(words)}.")
    text = " ".join(words)
    if not known.check(text):
        raise WrongPhrase("These words don't belong together: one of them is wrong, or two have changed places.")
    return text


@functools.cache
def _words() -> Mnemonic:
    return Mnemonic("english")


@functools.cache
def _suite() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
