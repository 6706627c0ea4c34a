"""Read an archive that may come from anywhere: nothing in it is believed before it was checked."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from server.backup.archive_format import (
    DATABASE,
    LINES_ENDING,
    MANIFEST,
    MANIFEST_MAX_BYTES,
    MEMBERS_MAX,
    RECORDS,
    BadArchive,
    Manifest,
    Member,
    parse_manifest,
)
from server.backup.archive_writer import CHUNK_BYTES, Step, Stopped
from server.db.facts import damage, database_facts
from server.db.file_header import SCHEMA_VERSION
from server.errors import StartupError, StorageFull

FreeBytes = Callable[[Path], int]
RESERVE_BYTES = 64 << 20
"""Left free on the disk, whatever is unpacked."""


def free_bytes(folder: Path) -> int:
    """What the disk of `folder` has left."""
    return shutil.disk_usage(folder).free


class Archive:
    """An open archive. Making one reads the table of contents and the manifest, nothing else.

    Raises BadArchive for anything that `write_archive` would not write.
    """

    def __init__(self, path: Path, called: str | None = None) -> None:
        """called: how messages name the file, unless by its own name."""
        self.path = path
        self._stack = contextlib.ExitStack()
        try:
            self._zip = self._stack.enter_context(zipfile.ZipFile(path))
            self.manifest = self._checked_contents()
        except BaseException as error:
            self._stack.close()
            if isinstance(error, (FileNotFoundError, IsADirectoryError, PermissionError)):
                raise BadArchive(f"{called or path} can't be read ({error.strerror}).") from error
            if isinstance(error, _UNREADABLE):
                raise BadArchive(f"{called or path.name} is no backup, or not whole ({error}).") from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @property
    def size(self) -> int:
        """Bytes that all members have when unpacked."""
        return sum(member.size for member in self.manifest.members)

    def read(self, name: str, limit: int) -> bytes:
        """A small member whole, checked. Raises BadArchive."""
        member = self._members[name]
        if member.size > limit:
            raise BadArchive(f"The member {name} of the backup is too large.")
        return b"".join(self._chunks(member, threading.Event(), lambda _: None))

    def has(self, name: str) -> bool:
        return name in self._members

    def extract(self, member: Member, target: Path, stop: threading.Event, step: Step = lambda _: None) -> None:
        """Write one member to `target`, which must not exist. Raises BadArchive when it is not what the manifest says.

        The target's folder is the caller's choice; nothing of the archive decides where it lies.
        """
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for chunk in self._chunks(member, stop, step):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if self._zip.getinfo(member.name).external_attr >> 16 & stat.S_IXUSR and os.name == "posix":
            target.chmod(0o700)

    def check(self, member: Member, stop: threading.Event, step: Step = lambda _: None) -> None:
        """Read one member. Raises BadArchive when it is not what the manifest says."""
        lines = sum(chunk.count(b"\n") for chunk in self._chunks(member, stop, step))
        if member.name.startswith(RECORDS) and member.name.endswith(LINES_ENDING):
            model = member.name.removeprefix(RECORDS).removesuffix(LINES_ENDING)
            if lines != self.manifest.counts.get(model):
                raise BadArchive(f"The member {member.name} of the backup has not the rows that the manifest says.")

    def verify(
        self,
        folder: Path,
        stop: threading.Event,
        step: Step = lambda _: None,
        free: FreeBytes = free_bytes,
        look: Callable[[Path], None] = lambda _: None,
    ) -> None:
        """Check every hash, and the database unpacked into `folder` for damage and row counts.

        `look` gets the unpacked database when it was found good; it may do with it what it likes.

        Raises BadArchive; StorageFull when `folder` has no room; Stopped.
        """
        database = self._members[DATABASE]
        if database.size + RESERVE_BYTES > free(folder):
            raise StorageFull(
                f"Checking the backup needs {database.size >> 20} MB for a moment, and {folder} has not that much room."
            )
        for member in self.manifest.members:
            if member.name != DATABASE:
                self.check(member, stop, step)
        copy = folder / f"check-{os.getpid()}-{threading.get_ident()}.db"
        copy.unlink(missing_ok=True)
        try:
            self.extract(database, copy, stop, step)
            check_database(copy, self.manifest)
            look(copy)
        finally:
            for left in folder.glob(f"{copy.name}*"):
                left.unlink(missing_ok=True)

    def _chunks(self, member: Member, stop: threading.Event, step: Step) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        try:
            with self._open(member.name) as file:
                while chunk := file.read(CHUNK_BYTES):
                    size += len(chunk)
                    if size > member.size:
                        break
                    if stop.is_set():
                        raise Stopped("Checking the backup was stopped; nothing was changed.")
                    digest.update(chunk)
                    step(len(chunk))
                    yield chunk
        except _UNREADABLE as error:
            raise BadArchive(f"The member {member.name} of the backup is damaged ({error}).") from error
        if size != member.size or digest.hexdigest() != member.sha256:
            raise BadArchive(f"The member {member.name} of the backup is not what the manifest says.")

    def _open(self, name: str) -> IO[bytes]:
        return self._zip.open(name)

    def _checked_contents(self) -> Manifest:
        infos = self._zip.infolist()
        if len(infos) > MEMBERS_MAX:
            raise BadArchive(f"The backup has more than {MEMBERS_MAX} members.")
        by_name = {info.filename: info for info in infos}
        if len(by_name) != len(infos) or MANIFEST not in by_name:
            raise BadArchive("The file has no manifest, or names a member twice: it is no backup.")
        if sum(info.compress_size for info in infos) > self.path.stat().st_size:
            raise BadArchive("The backup's members overlap: it was made to do harm.")
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG) or info.is_dir() or info.flag_bits & 1:
                raise BadArchive(f"The backup's member {info.filename[:200]!r} is no plain file.")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise BadArchive(f"The backup's member {info.filename[:200]!r} is packed in an unknown way.")
        if by_name[MANIFEST].file_size > MANIFEST_MAX_BYTES:
            raise BadArchive("The backup's manifest is too large.")
        with self._zip.open(MANIFEST) as file:
            data = file.read(MANIFEST_MAX_BYTES + 1)
        manifest = parse_manifest(data)
        self._members = {member.name: member for member in manifest.members}
        if set(by_name) - {MANIFEST} != set(self._members):
            raise BadArchive("The backup's members are not those of its manifest.")
        for name, member in self._members.items():
            if by_name[name].file_size != member.size:
                raise BadArchive(f"The member {name} of the backup is not what the manifest says.")
        if manifest.schema_version > SCHEMA_VERSION:
            raise BadArchive(
                f"A newer GridBear made this backup (schema {manifest.schema_version}, this program knows "
                f"{SCHEMA_VERSION}). Install the newer program to restore it.",
                code="newer_backup",
            )
        return manifest


_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError)


def check_database(path: Path, manifest: Manifest) -> None:
    """Compare an unpacked database with the manifest. Raises BadArchive."""
    found = damage(path)
    if found is not None:
        raise BadArchive(f"The database in the backup is damaged ({found}).")
    try:
        facts = database_facts(path)
    except StartupError as error:
        raise BadArchive(f"The database in the backup can't be used: {error.message}") from error
    if facts.schema_version != manifest.schema_version or facts.counts != manifest.counts:
        raise BadArchive("The database in the backup has not the rows that the manifest says.")
