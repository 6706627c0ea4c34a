"""The vault: the key ring that is in force, and the recovery phrase that it is wrapped for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from server.errors import Conflict, StartupError
from server.secrets.key_ring import KeyRing, Place
from server.secrets.key_store import WAY_OUT, KeyStore
from server.secrets.private_file import read_private, write_private
from server.secrets.wrapped_ring import WrappedRing, WrongPhrase

WRAPPED_FILE = "key-ring.wrapped"
PHRASE_WAITS_SECONDS = 3600.0


class Vault:
    """Seals and opens texts. `seal` and `open` may be called from any thread."""

    def __init__(self, store: KeyStore, ring: KeyRing, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._lock = threading.Lock()
        self._wrapped_path = store.path.with_name(WRAPPED_FILE)
        self._waiting: tuple[bytes, float] | None = None

    @property
    def key_ids(self) -> frozenset[str]:
        return self._ring.ids

    @property
    def current(self) -> str:
        """The id of the key that new values are sealed under."""
        return self._ring.current

    def seal(self, text: str, place: Place) -> str:
        """`text` sealed for `place`."""
        return self._ring.seal(text, place)

    def open(self, sealed: str, place: Place) -> str:
        """What `seal` was given. Raises Unreadable."""
        return self._ring.open(sealed, place)

    def add_key(self) -> None:
        """Seal under a new key from now on. The old ones stay: values, backups and their undoing may need them."""
        with self._lock:
            self._keep(self._ring.with_new_key())

    def adopt(self, ring: KeyRing, wrapped: bytes | None = None) -> None:
        """Take the keys of a backup too. Where no phrase is in force, the one that `wrapped` was made for is now."""
        given = None if wrapped is None else WrappedRing.from_bytes(wrapped)
        with self._lock:
            self._keep(self._ring.joined(ring), given)

    # The recovery phrase

    def wrapped(self) -> bytes | None:
        """The ring wrapped by the recovery phrase, or None before a person has kept one."""
        return read_private(self._wrapped_path)

    @property
    def phrase_kept_at(self) -> str | None:
        """When the phrase in force was kept (UTC, ISO 8601), or None."""
        wrapped = self._wrapped()
        return None if wrapped is None else wrapped.kept_at

    @property
    def phrase_waits(self) -> bool:
        """Whether a new phrase was shown and not yet typed back."""
        return self._waiting is not None and self._clock() < self._waiting[1]

    def propose_phrase(self) -> str:
        """A new phrase to show. It is kept nowhere, and in force only once it comes back."""
        from server.secrets.phrase import new_phrase, public_key  # ciphers and words, which few starts need

        phrase = new_phrase()
        self._waiting = (public_key(phrase), self._clock() + PHRASE_WAITS_SECONDS)
        return phrase

    def confirm_phrase(self, phrase: str) -> str:
        """Put the proposed phrase in force; it replaces an older one. Returns since when.

        Raises WrongPhrase when it is not the one that was shown, Conflict when none waits.
        """
        from server.secrets.phrase import public_key

        if self._waiting is None or not self.phrase_waits:
            raise Conflict("No new recovery phrase waits to be typed back. Make one first.", code="no_phrase_waits")
        public = public_key(phrase)
        if public != self._waiting[0]:
            raise WrongPhrase("These are not the words that were shown. The recovery phrase is not in force yet.")
        return self.keep_phrase(public)

    def keep_phrase(self, public: bytes) -> str:
        """Put the phrase with this public half in force: a person has typed it back. Returns since when."""
        from server.secrets.phrase import wrap_for

        with self._lock:
            wrapped = wrap_for(self._ring, public)
            write_private(self._wrapped_path, wrapped.to_bytes())
            self._waiting = None
        return wrapped.kept_at

    def _wrapped(self) -> WrappedRing | None:
        data = self.wrapped()
        return None if data is None else WrappedRing.from_bytes(data)

    def _keep(self, ring: KeyRing, given: WrappedRing | None = None) -> None:
        # Wrapped first: a key that seals a value must be in every backup that is made from then on.
        wrapped = self._wrapped() or given
        if wrapped is not None:
            from server.secrets.phrase import wrap_again

            write_private(self._wrapped_path, wrap_again(wrapped, ring).to_bytes())
        self._store.save(ring)
        self._ring = ring


def open_vault(store: KeyStore, needed: frozenset[str]) -> Vault:
    """The vault of a data folder whose values need the keys `needed`.

    Makes the first key where nothing was ever sealed. Raises StartupError with the way out when a key is missing.
    """
    ring = store.load()
    if ring is None:
        if needed or store.path.with_name(WRAPPED_FILE).exists():
            raise StartupError(f"The key of the secrets is missing: there is no {store.path}. {WAY_OUT}")
        ring = KeyRing.new()
        try:
            store.save(ring)
        except OSError as error:
            raise StartupError(
                f"The key of the secrets can't be written to {store.path} ({error.strerror or error}). Nothing was "
                "changed; free some space, or look at who may write there."
            ) from error
    missing = needed - ring.ids
    if missing:
        raise StartupError(
            f"Secrets are sealed under the key {', '.join(sorted(missing))}, which {store.path} has not. {WAY_OUT}"
        )
    return Vault(store, ring)


def recover_vault(store: KeyStore, ring: KeyRing, wrapped: bytes | None = None) -> Vault:
    """The vault after `ring` came back from a backup or a phrase; keys that can still be read stay in it."""
    try:
        present = store.load()
    except StartupError:
        present = None
    if present is None:
        _put_aside(store, wrapped)
        store.save(ring, anew=True)
        present = ring
    vault = Vault(store, present)
    vault.adopt(ring, wrapped)
    return vault


def _put_aside(store: KeyStore, wrapped: bytes | None) -> None:
    """Keep a wrapped ring of lost keys that another phrase opens: wrapping anew would lose them for ever."""
    path = store.path.with_name(WRAPPED_FILE)
    present = read_private(path)
    if present is not None and (
        wrapped is None or WrappedRing.from_bytes(present).public_key != WrappedRing.from_bytes(wrapped).public_key
    ):
        path.replace(path.with_name(f"{WRAPPED_FILE}.lost-{int(time.time())}"))
