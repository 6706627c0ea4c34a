"""The secrets of a backup: what it carries of them, and how they come back into a data folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from server.backup.making import SealedSecrets
from server.models.registry import ModelRegistry
from server.records.sealing import look_at_values
from server.secrets.key_store import KeyStore
from server.secrets.phrase import WrongPhrase, unwrap
from server.secrets.vault import Vault, recover_vault


class Archived(Protocol):
    """The secrets of an archive, still sealed."""

    @property
    def key_ring(self) -> bytes | None: ...

    @property
    def key_ids(self) -> tuple[str, ...]: ...


class Keeper:
    """Backup and restore of the secrets of one data folder. Its methods block: call them in a thread."""

    def __init__(
        self, database: Path, registry: ModelRegistry, vault: Vault, store_at: Callable[[Path], KeyStore] = KeyStore
    ) -> None:
        """store_at: the key store of a secrets folder."""
        self._database = database
        self._registry = registry
        self._vault = vault
        self._store_at = store_at

    @property
    def has_phrase(self) -> bool:
        """Whether a person has kept a recovery phrase."""
        return self._vault.wrapped() is not None

    def sealed(self) -> SealedSecrets:
        """The wrapped key ring, and what it is for. Plugins' secrets are records like others: no file has any."""
        keys = look_at_values(self._database, self._registry).keys
        return SealedSecrets(self._vault.wrapped(), None, tuple(sorted(keys)), bool(keys))

    def needs_phrase(self, secrets: Archived) -> bool:
        """Whether the archive's secrets can be read with its phrase only: their keys are not on this computer."""
        return secrets.key_ring is not None and not self._vault.key_ids.issuperset(secrets.key_ids)

    def check(self, secrets: Archived, phrase: str | None) -> None:
        """Raises WrongPhrase when the phrase is missing and needed, or not the one of the archive."""
        if secrets.key_ring is None:
            return
        if phrase is not None:
            unwrap(secrets.key_ring, phrase)
        elif self.needs_phrase(secrets):
            raise WrongPhrase("This backup's secrets were sealed elsewhere: its recovery phrase is wanted.")

    def stage(self, secrets: Archived, phrase: str | None, present: Path, target: Path) -> None:
        """Fill `target` with the files of the secrets folder `present`, and with the archive's keys.

        Raises WrongPhrase, Unreadable.
        """
        shutil.copytree(present, target, dirs_exist_ok=True)
        target.chmod(0o700)
        if secrets.key_ring is not None and phrase is not None:
            recover_vault(self._store_at(target), unwrap(secrets.key_ring, phrase), secrets.key_ring)
