"""Copies of backups in another folder, on another disk for example. A folder that is not there is no failure."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from server.backup.archive_writer import CHUNK_BYTES, Stopped
from server.backup.retention import surplus, thin_out
from server.durable import sync_folder


@dataclass(frozen=True, slots=True)
class Copying:
    """How copying ended."""

    folder: str
    copied: list[str] = field(default_factory=list)
    problem: str | None = None


def copy_backups(
    source: Path, folder: Path, keep: int, max_bytes: int, stop: threading.Event, *, pattern: str
) -> Copying:
    """Bring the newest backups of `source` into `folder`, those that an unplugged disk missed too, and thin it out.

    Only names that match `pattern` count, here and there: the others in `folder` are somebody else's.
    """
    if not folder.is_dir():
        # Not made: where a disk is to be, a new folder would fill the disk below it.
        return Copying(str(folder), problem=f"The folder {folder} is not there. Is its disk plugged in?")
    files = []
    for path in source.glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            files.append((path.name, path.stat().st_size))
    unwanted = set(surplus(files, keep, max_bytes))
    copied: list[str] = []
    try:
        for name, size in sorted(files):
            target = folder / name
            if name in unwanted or (target.exists() and target.stat().st_size == size):
                continue
            try:
                _copy(source / name, target, stop)
            except FileNotFoundError:
                if (source / name).exists():
                    raise
                # Somebody has deleted it meanwhile.
                continue
            copied.append(name)
        thin_out(folder, pattern, keep, max_bytes)
    except OSError as error:
        return Copying(str(folder), copied, f"{folder} can't be written ({error.strerror or error}).")
    return Copying(str(folder), copied)


def _copy(source: Path, target: Path, stop: threading.Event) -> None:
    part = target.with_name(f".{target.name}.part")
    try:
        with source.open("rb") as given, part.open("wb") as out:
            wanted = hashlib.sha256()
            while chunk := given.read(CHUNK_BYTES):
                if stop.is_set():
                    raise Stopped("Copying was stopped; the next backup copies the rest.")
                wanted.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        with part.open("rb") as written:
            if hashlib.file_digest(written, "sha256").digest() != wanted.digest():
                raise OSError(0, f"{target.name} is not what was written")
        part.replace(target)
        sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)
