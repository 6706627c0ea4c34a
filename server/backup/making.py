"""Make one backup: copy the database, write the archive, open it again and check it. Runs in a thread."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from server import __version__
from server.backup.archive_format import (
    DATABASE,
    FILES,
    FORMAT_VERSION,
    KEY_RING,
    Kind,
    Manifest,
    Member,
    Missing,
)
from server.backup.archive_reader import RESERVE_BYTES, Archive, FreeBytes, free_bytes
from server.backup.archive_writer import Source, Stopped, write_archive
from server.backup.contents import folder_contents
from server.backup.portable import not_portable, portable_sources
from server.backup.sealing import SealedSecrets, Sealer
from server.backup.unmovable import unmovable
from server.db.copying import copy_database
from server.db.facts import DatabaseFacts, column_rows, database_facts
from server.db.faults import translate
from server.errors import GridBearError, StorageFull
from server.models.registry import ModelSpec
from server.models.stored_file import FILES_TABLE
from server.records.times import to_text

Fraction = Callable[[float], None]
"""Told how far the work is, from 0 to 1. Called in the working thread."""


@dataclass(frozen=True, slots=True)
class Order:
    """One backup to make: where, what for, by whom, at which moment (UTC)."""

    target: Path
    kind: Kind
    reason: str
    made_by: str
    made_at: datetime


class Maker:
    """Makes backups of one data folder. One at a time: the caller sees to that."""

    def __init__(
        self,
        data: Path,
        sealer: Sealer,
        fixed_settings: Collection[str] = (),
        specs: Callable[[], Iterable[ModelSpec]] = tuple,
        *,
        free: FreeBytes = free_bytes,
        failure: Callable[[sqlite3.Error], GridBearError] = translate,
    ) -> None:
        """specs: the models that a move file describes. failure: the error for one that the database itself gave."""
        self._data = data
        self._tmp = data / "tmp"
        self._sealer = sealer
        self._fixed = fixed_settings
        self._specs = specs
        self._free = free
        self._failure = failure

    def make(self, order: Order, stop: threading.Event, told: Fraction = lambda _: None) -> Manifest:
        """Write `order.target`. It appears only when it was whole and checked.

        Raises StorageFull, Stopped, OSError (the folder can't be written), BadArchive when what was written does not
        hold. None of them leaves anything behind.
        """
        database = self._data / "gridbear.db"
        expected = folder_contents(self._data).bytes
        size = database.stat().st_size + _size_of(database.with_name("gridbear.db-wal"))
        self._require_room(order.target.parent, size, expected)
        copy = self._tmp / f"backup-{os.getpid()}-{threading.get_ident()}.db"
        draft = order.target.with_name(f".{order.target.name}.unchecked")
        # Written once and read once; the database's copy counts for both of its ways through the disk.
        whole, done = 2 * (size + expected) + size, 0

        def step(count: int) -> None:
            nonlocal done
            done += count
            told(min(1.0, done / max(1, whole)))

        copy.unlink(missing_ok=True)
        try:
            self._copy(database, copy, stop)
            step(copy.stat().st_size)
            facts = database_facts(copy)
            # Listed after the copy: what it names was in the folder before, however late it was uploaded.
            contents = folder_contents(self._data)
            named = {str(sha256) for (sha256,) in column_rows(copy, FILES_TABLE, "sha256")}
            missing = [*contents.missing, *unmovable(copy, self._fixed)]
            specs = list(self._specs()) if order.kind == "move" else []
            records = portable_sources(copy, specs, facts.counts) if order.kind == "move" else ()
            if order.kind == "move":
                missing += not_portable(specs, facts.counts)
            secrets = self._sealer.sealed(copy)
            manifest = write_archive(
                draft,
                [Source(DATABASE, copy), *_secret_sources(secrets), *records, *contents.sources],
                lambda members: _manifest(order, facts, secrets, [*missing, *_missing_files(named, members)], members),
                stop,
                step,
            )
            # Gone before its second copy comes: a small disk may not hold both.
            copy.unlink()
            with Archive(draft) as archive:
                archive.verify(self._tmp, stop, step, self._free)
            draft.replace(order.target)
        finally:
            with contextlib.suppress(OSError):
                for left in (draft, *self._tmp.glob(f"{copy.name}*")):
                    left.unlink(missing_ok=True)
        return manifest

    def _copy(self, database: Path, copy: Path, stop: threading.Event) -> None:
        def still_wanted(_: float) -> None:
            if stop.is_set():
                raise Stopped("The backup was stopped; nothing remains of it.")

        try:
            copy_database(database, copy, still_wanted)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _require_room(self, folder: Path, database: int, files: int) -> None:
        needed = {folder: database + files, self._tmp: database}
        if folder.stat().st_dev == self._tmp.stat().st_dev:
            needed = {folder: 2 * database + files}
        for place, wanted in needed.items():
            free = self._free(place)
            if wanted + RESERVE_BYTES > free:
                raise StorageFull(
                    f"A backup needs up to {_mega(wanted + RESERVE_BYTES)} in {place}, and {_mega(free)} are free. "
                    "Nothing was written. Free some space, or delete old backups."
                )


def moment_name(prefix: str, moment: datetime) -> str:
    """The name of a file made at `moment`; such names sort by time."""
    return f"{prefix}-{moment.astimezone(UTC):%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z"


def _manifest(
    order: Order, facts: DatabaseFacts, secrets: SealedSecrets, missing: list[Missing], members: list[Member]
) -> Manifest:
    if secrets.any and secrets.key_ring is None:
        why = "nobody has kept a recovery phrase yet; values stay readable on this computer alone"
        missing = [Missing(what="secrets", why=why), *missing]
    return Manifest(
        format="gridbear-backup",
        format_version=FORMAT_VERSION,
        kind=order.kind,
        reason=order.reason,
        program_version=__version__,
        schema_version=facts.schema_version,
        made_at=to_text(order.made_at),
        made_by=order.made_by,
        counts=facts.counts,
        secrets="none" if not secrets.any else "not included" if secrets.key_ring is None else "included",
        key_ids=list(secrets.key_ids),
        members=members,
        not_included=missing,
    )


def _secret_sources(secrets: SealedSecrets) -> list[Source]:
    return [] if secrets.key_ring is None else [Source(KEY_RING, secrets.key_ring, squeeze=False)]


def _missing_files(named: set[str], members: list[Member]) -> list[Missing]:
    """Uploads that the database names and the archive has not: better told now than found after a restore."""
    there = {member.name.rpartition("/")[2] for member in members if member.name.startswith(FILES)}
    return [
        Missing(what=f"file {sha256}", why="its bytes are not in the data folder") for sha256 in sorted(named - there)
    ]


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _mega(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MB"
