"""Where the key ring lies: `<data>/secrets/key-ring`, in clear (0600) or sealed under a key in the OS keychain.

The file itself records which of the two was chosen, so that the choice is made once.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from server.errors import StartupError
from server.secrets.key_ring import KEY_BYTES, KeyRing, Place, Unreadable
from server.secrets.keychain import (
    CHOOSING_SECONDS,
    OPENING_SECONDS,
    Keychain,
    KeychainFailed,
    SystemKeychain,
    has_somebody_to_ask,
)
from server.secrets.private_file import read_private, write_private

log = logging.getLogger(__name__)

Choice = Literal["auto", "file", "keychain"]
KEY_RING_FILE = "key-ring"
_FORMAT = "gridbear-key-ring"
_PLACE = Place("key-ring", "ring", 0)

WAY_OUT = (
    "Bring it back with `gridbear secrets recover` and the recovery phrase, or with `gridbear restore` and a backup; "
    "without either, `gridbear secrets forget` empties the values that can't be read. Nothing was changed."
)


class KeyStore:
    """The key ring of one data folder, as it lies on this computer."""

    def __init__(
        self, folder: Path, choice: Choice = "auto", keychain: Callable[[float], Keychain] = SystemKeychain
    ) -> None:
        """folder: `<data>/secrets`. choice: where a ring goes that is stored for the first time."""
        self.path = folder / KEY_RING_FILE
        self._choice: Choice = choice
        self._keychain = keychain
        self._entry: str | None = None
        self._master: KeyRing | None = None
        """The ring with the one key that lies in the keychain; None for a ring in clear."""

    def load(self) -> KeyRing | None:
        """The ring, or None where there is none yet. Raises StartupError when it can't be read."""
        try:
            data = read_private(self.path)
        except OSError as error:
            raise StartupError(f"The key {self.path} can't be read ({error.strerror or error}).") from error
        if data is None:
            return None
        try:
            found: Any = json.loads(data)
            if found["format"] != _FORMAT or found["version"] != 1:
                raise ValueError("another format")
            if found["kept_in"] == "file":
                ring = KeyRing.from_json(found["ring"])
            else:
                self._entry = str(found["entry"])
                self._master = self._master_of(self._entry)
                ring = KeyRing.from_json(json.loads(self._master.open(found["ring"], _PLACE)))
        except (ValueError, KeyError, TypeError) as error:
            raise StartupError(f"The key of the secrets in {self.path} is damaged. {WAY_OUT}") from error
        except Unreadable as error:
            raise StartupError(f"The keychain has another key than the one of this data folder. {WAY_OUT}") from error
        return ring

    def save(self, ring: KeyRing, *, anew: bool = False) -> None:
        """Keep `ring` where it was kept before; the first time, or `anew`, where the choice says.

        Raises OSError, StartupError.
        """
        if anew or not self.path.exists():
            self._choose()
        content: dict[str, Any] = {"format": _FORMAT, "version": 1}
        if self._master is None:
            content |= {"kept_in": "file", "ring": ring.to_json()}
        else:
            sealed = self._master.seal(json.dumps(ring.to_json()), _PLACE)
            content |= {"kept_in": "keychain", "entry": self._entry, "ring": sealed}
        write_private(self.path, json.dumps(content, indent=1).encode())

    def keychain_entry(self) -> str | None:
        """The entry of the keychain that the ring on disk needs; None for one in clear, or none. Raises nothing."""
        try:
            found = json.loads(read_private(self.path) or b"")
            return str(found["entry"]) if found["kept_in"] == "keychain" else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remove_keychain_entry(self, entry: str) -> None:
        """Raises KeychainFailed."""
        self._keychain(OPENING_SECONDS).remove(entry)

    def _choose(self) -> None:
        self._entry = self._master = None
        if self._choice == "file" or (self._choice == "auto" and not has_somebody_to_ask()):
            return
        entry, key = f"data key {secrets.token_hex(8)}", os.urandom(KEY_BYTES)
        keychain = self._keychain(CHOOSING_SECONDS)
        try:
            keychain.put(entry, key.hex())
            if keychain.get(entry) != key.hex():
                raise KeychainFailed("it does not give back what it was given")
        except KeychainFailed as error:
            if self._choice == "keychain":
                raise StartupError(
                    f"The keychain can't be used ({error}). Unlock it, or set GRIDBEAR_KEY_STORE to file."
                ) from error
            log.info("the key of the secrets is kept in a file: the keychain can't be used (%s)", error)
            return
        self._entry, self._master = entry, KeyRing.of(key)

    def _master_of(self, entry: str) -> KeyRing:
        try:
            kept = self._keychain(OPENING_SECONDS).get(entry)
        except KeychainFailed as error:
            raise StartupError(
                f"The key of the secrets is in this computer's keychain, which can't be read ({error}). Sign in to the "
                f"computer, unlock the keychain and start again. {WAY_OUT}"
            ) from error
        if kept is None:
            raise StartupError(
                f"The key of the secrets is gone from this computer's keychain (entry “{entry}”). {WAY_OUT}"
            )
        return KeyRing.of(bytes.fromhex(kept))
