"""The secrets of a backup: what it carries of them, and how they come back into a data folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from server.backup.archive_format import BadArchive
from server.backup.sealing import SealedSecrets
from server.errors import Conflict, StartupError
from server.models.registry import ModelRegistry
from server.records.sealing import forget_unreadable, look_at_values, unreadable_values
from server.secrets.key_ring import KeyRing, Unreadable
from server.secrets.key_store import KeyStore
from server.secrets.vault import Vault, recover_vault
from server.secrets.wrapped_ring import WrongPhrase


class Keeper:
    """Backup and restore of the secrets of one data folder. Its methods block: call them in a thread."""

    def __init__(
        self, registry: ModelRegistry, vault: Vault | None, store_at: Callable[[Path], KeyStore] = KeyStore
    ) -> None:
        """vault: None where this data folder's key is gone. store_at: the key store of a secrets folder."""
        self._registry = registry
        self._vault = vault
        self._store_at = store_at

    @property
    def has_phrase(self) -> bool:
        """Whether a person has kept a recovery phrase."""
        return self._wrapped() is not None

    def sealed(self, database: Path) -> SealedSecrets:
        """The wrapped key ring, and what it is for. Plugins' secrets are records like others: no file has any."""
        keys = look_at_values(database, self._registry).keys
        return SealedSecrets(self._wrapped(), tuple(sorted(keys)))

    def needs_phrase(self, secrets: SealedSecrets) -> bool:
        """Whether the archive's secrets can be read with its phrase only: their keys are not on this computer."""
        return secrets.key_ring is not None and self._lacks(secrets)

    def unreadable(self, secrets: SealedSecrets, database: Path) -> dict[str, int]:
        """How many values of each `model.field` of the archive's database this computer has no key for."""
        return unreadable_values(database, self._registry, self._present) if self._lacks(secrets) else {}

    def check(self, secrets: SealedSecrets, phrase: str | None, *, without_secrets: bool = False) -> None:
        """Raises WrongPhrase when the phrase is missing and needed, or not the one of the archive; BadArchive when it
        opens nothing that helps; Conflict (`keys_missing`) when nothing can open the secrets here.

        `without_secrets` does without what can't be opened; a phrase that is given must be right all the same.
        """
        self._opened(secrets, phrase, without_secrets)
        if secrets.key_ring is None and self._lacks(secrets) and not without_secrets:
            raise Conflict(
                "This backup was made before a recovery phrase was kept: its secrets can be read on the computer that "
                "made it and nowhere else. Nothing was changed. Keep a phrase there and make another backup, or "
                "restore this one without its secrets (without_secrets, --without-secrets).",
                code="keys_missing",
            )

    def stage(
        self, secrets: SealedSecrets, phrase: str | None, present: Path, target: Path, *, without_secrets: bool = False
    ) -> None:
        """Fill `target` with the files of the secrets folder `present`, and with the archive's keys. Raises as `check`.

        Where no phrase is in force yet, the archive's is from then on.
        """
        if present.is_dir():
            shutil.copytree(present, target, dirs_exist_ok=True)
        target.mkdir(exist_ok=True)
        target.chmod(0o700)
        ring = self._opened(secrets, phrase, without_secrets)
        if ring is not None:
            recover_vault(self._store_at(target), ring, secrets.key_ring)

    def forget(self, database: Path, folder: Path) -> dict[str, int]:
        """Empty what the keys in the staged secrets folder `folder` can't open. Returns how many of each `model.field`.

        Makes a first key where there is none that can be read. Raises StartupError.
        """
        store = self._store_at(folder)
        try:
            ring = store.load()
        except StartupError:
            ring = None
        vault = recover_vault(store, ring or KeyRing.new())
        return forget_unreadable(database, self._registry, vault)

    def _wrapped(self) -> bytes | None:
        return None if self._vault is None else self._vault.wrapped()

    @property
    def _present(self) -> frozenset[str]:
        return frozenset() if self._vault is None else self._vault.key_ids

    def _lacks(self, secrets: SealedSecrets) -> bool:
        return not self._present.issuperset(secrets.key_ids)

    def _opened(self, secrets: SealedSecrets, phrase: str | None, without_secrets: bool) -> KeyRing | None:
        if secrets.key_ring is None or (without_secrets and not phrase):
            return None
        if not phrase:
            if self._lacks(secrets):
                raise WrongPhrase(
                    "This backup's secrets were sealed elsewhere: its recovery phrase is wanted. If it is lost, "
                    "restore without the secrets (without_secrets, --without-secrets)."
                )
            return None
        from server.secrets.phrase import unwrap  # ciphers and words, which only this needs

        try:
            ring = unwrap(secrets.key_ring, phrase)
        except Unreadable as error:
            raise BadArchive(error.message) from error
        if not without_secrets and not ring.ids.issuperset(secrets.key_ids):
            raise BadArchive("The backup does not hold every key that its secrets need.")
        return ring
