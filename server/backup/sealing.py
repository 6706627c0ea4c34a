"""What backups want of the secrets, and what of them travels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SealedSecrets:
    """The secrets of a backup: nothing in it can be read without the phrase."""

    key_ring: bytes | None
    """Wrapped by the recovery phrase; None before a person has kept one."""
    key_ids: tuple[str, ...]
    """The keys that the sealed values of the database need; none where there is no secret."""

    @property
    def any(self) -> bool:
        """Whether there is any secret at all."""
        return bool(self.key_ids)


class Sealer(Protocol):
    """What making a backup needs."""

    def sealed(self, database: Path) -> SealedSecrets:
        """The secrets of a copy of the database."""
        ...


class SecretsKeeper(Sealer, Protocol):
    """What restoring needs besides."""

    @property
    def has_phrase(self) -> bool: ...

    def needs_phrase(self, secrets: SealedSecrets) -> bool: ...

    def unreadable(self, secrets: SealedSecrets, database: Path) -> dict[str, int]: ...

    def check(self, secrets: SealedSecrets, phrase: str | None, *, without_secrets: bool = False) -> None: ...

    def stage(
        self, secrets: SealedSecrets, phrase: str | None, present: Path, target: Path, *, without_secrets: bool = False
    ) -> None: ...

    def forget(self, database: Path, folder: Path) -> dict[str, int]: ...
