"""From an archive to a state that is ready to be exchanged with the present one. Nothing in force changes here."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from server import __version__
from server.backup.archive_format import DATABASE, FILES, KEY_RING, PLUGINS, BadArchive
from server.backup.archive_reader import RESERVE_BYTES, Archive, FreeBytes, check_database, free_bytes
from server.backup.exchange import DATABASE_NAME, FOLDERS
from server.backup.intent import KEPT_FOLDER, RESTORE_FOLDER, Intent, ModelRows, Papers, lost_secrets
from server.backup.making import Fraction, moment_name
from server.backup.sealing import SealedSecrets, SecretsKeeper
from server.db.facts import damage, database_facts
from server.durable import sync_folder
from server.errors import Conflict, StartupError, StorageFull
from server.records.times import to_text

INCOMING = f"{RESTORE_FOLDER}/incoming"
SECRETS_MAX_BYTES = 16 << 20


def compared(backup: dict[str, int], database: Path) -> list[ModelRows]:
    """The table model / rows in the backup / rows now, by model. A database that can't be read has no rows."""
    now: dict[str, int] = {}
    if database.exists() and database.stat().st_size:
        with contextlib.suppress(sqlite3.Error, StartupError):
            now = database_facts(database).counts
    return [ModelRows(model=name, backup=backup.get(name), now=now.get(name)) for name in sorted({*backup, *now})]


def archived_secrets(archive: Archive) -> SealedSecrets:
    """What of secrets the archive brings, still sealed."""
    wrapped = archive.read(KEY_RING, SECRETS_MAX_BYTES) if archive.has(KEY_RING) else None
    return SealedSecrets(wrapped, tuple(archive.manifest.key_ids))


class Stager:
    """Prepares restores of one data folder."""

    def __init__(self, data: Path, keeper: SecretsKeeper, *, free: FreeBytes = free_bytes) -> None:
        self._data = data
        self._keeper = keeper
        self._free = free
        self._papers = Papers(data)

    def stage(
        self,
        archive: Archive,
        phrase: str | None,
        asked_by: str,
        moment: datetime,
        stop: threading.Event,
        told: Fraction = lambda _: None,
        *,
        without_secrets: bool = False,
    ) -> Intent:
        """Unpack the archive beside the data and check all of it, then write the intent. The next start does the rest.

        `without_secrets` empties the sealed values that nothing opens here, and leaves everything else as it is.
        Raises WrongPhrase, BadArchive, StorageFull, Stopped, OSError, and Conflict when a restore is under way already.
        Nothing is left behind then.
        """
        self._refuse_a_second()
        secrets = archived_secrets(archive)
        self._keeper.check(secrets, phrase, without_secrets=without_secrets)
        needed = archive.size + RESERVE_BYTES
        if needed > self._free(self._data):
            raise StorageFull(
                f"Restoring needs {needed >> 20} MB in {self._data} for the restored data beside the present. "
                "Nothing was changed. Free some space."
            )
        incoming = self._data / INCOMING
        shutil.rmtree(incoming, ignore_errors=True)
        try:
            self._unpack(archive, incoming, stop, told)
            check_database(incoming / DATABASE_NAME, archive.manifest)
            self._keeper.stage(
                secrets, phrase, self._data / "secrets", incoming / "secrets", without_secrets=without_secrets
            )
            lost = self._keeper.forget(incoming / DATABASE_NAME, incoming / "secrets") if without_secrets else {}
            _sync_tree(incoming)
        except BaseException:
            shutil.rmtree(incoming, ignore_errors=True)
            raise
        return self._intend("restore", INCOMING, archive.manifest.counts, archive.path.name, asked_by, moment, lost)

    def stage_undo(self, kept: Path, name: str, asked_by: str, moment: datetime) -> Intent:
        """Write the intent that brings the kept state `kept` back. Raises Conflict, BadArchive when it is not whole."""
        self._refuse_a_second()
        database = kept / DATABASE_NAME
        if not database.exists():
            raise BadArchive("The kept state has no database.")
        if (found := damage(database)) is not None:
            raise BadArchive(f"The database of the kept state is damaged ({found}). Nothing was changed.")
        counts = database_facts(database).counts
        relative = kept.relative_to(self._data).as_posix()
        return self._intend("undo", relative, counts, name, asked_by, moment)

    def _intend(
        self,
        kind: str,
        incoming: str,
        counts: dict[str, int],
        name: str,
        asked_by: str,
        moment: datetime,
        lost: Mapping[str, int] | None = None,
    ) -> Intent:
        key = moment_name("state", moment)
        intent = Intent.model_validate(
            {
                "id": key,
                "kind": kind,
                "state": "apply",
                "incoming": incoming,
                "outgoing": f"{KEPT_FOLDER}/{key}",
                "brings_database": True,
                "had_database": (self._data / DATABASE_NAME).exists(),
                "counts": counts,
                "lost_secrets": lost_secrets(lost or {}),
                "name": name,
                "asked_by": asked_by,
                "asked_at": to_text(moment),
                "program_version": __version__,
            }
        )
        self._papers.put_intent(intent)
        return intent

    def _refuse_a_second(self) -> None:
        if self._papers.intent() is not None:
            raise Conflict("A restore is under way already; the server starts again for it.", code="restore_running")

    def _unpack(self, archive: Archive, incoming: Path, stop: threading.Event, told: Callable[[float], None]) -> None:
        done, whole = 0, max(1, archive.size)

        def step(count: int) -> None:
            nonlocal done
            done += count
            told(min(1.0, done / whole))

        for name in FOLDERS:
            (incoming / name).mkdir(mode=0o700, parents=True)
        for member in archive.manifest.members:
            if member.name == DATABASE:
                target = incoming / DATABASE_NAME
            elif member.name.startswith((FILES, PLUGINS)):
                target = incoming / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
            else:
                archive.check(member, stop, step)
                continue
            archive.extract(member, target, stop, step)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
    sync_folder(folder)
    sync_folder(folder.parent)
