"""Write an archive: a zip that grows member by member in constant memory, whole on disk before it has its name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from server.backup.archive_format import MANIFEST, Manifest, Member
from server.durable import sync_folder
from server.errors import Busy

CHUNK_BYTES = 1 << 20
# Fixed: two backups of the same content differ in what has changed and in nothing else.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_PRIVATE = 0o100600 << 16
_EXECUTABLE = 0o100700 << 16

Step = Callable[[int], None]
"""Told how many bytes were worked on since the last call."""


class Stopped(Busy):
    """A person or the end of the server stopped it. Nothing remains of it."""

    code = "stopped"


@dataclass(frozen=True, slots=True)
class Source:
    """One member to come: a file of this computer, bytes, or bytes piece by piece. `squeeze` compresses it."""

    name: str
    content: Path | bytes | Callable[[], Generator[bytes]]
    squeeze: bool = True
    may_vanish: bool = False
    """A file that is gone by now is left out: it was deleted while the backup was made."""
    executable: bool = False


def write_archive(
    target: Path,
    sources: Iterable[Source],
    manifest_of: Callable[[list[Member]], Manifest],
    stop: threading.Event,
    step: Step = lambda _bytes: None,
) -> Manifest:
    """Write `target`, which appears whole or not at all. Returns its manifest.

    Raises OSError (a full disk among them), and Stopped when `stop` is set.
    """
    part = target.with_name(f"{target.name}.part")
    members: list[Member] = []
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
                for source in sources:
                    member = _add(archive, source, stop, step)
                    if member is not None:
                        members.append(member)
                manifest = manifest_of(members)
                text = manifest.model_dump_json(indent=1).encode()
                archive.writestr(_info(Source(MANIFEST, text)), text, compresslevel=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return manifest


def _add(archive: zipfile.ZipFile, source: Source, stop: threading.Event, step: Step) -> Member | None:
    if isinstance(source.content, bytes):
        archive.writestr(_info(source), source.content, compresslevel=1)
        return Member(name=source.name, size=len(source.content), sha256=hashlib.sha256(source.content).hexdigest())
    try:
        pieces = _pieces(source.content)
    except FileNotFoundError:
        if source.may_vanish:
            return None
        raise
    digest, size = hashlib.sha256(), 0
    # Not `compresslevel` of the archive: it is read where a member is opened by name only.
    info = _info(source)
    info._compresslevel = 1  # type: ignore[attr-defined]  # public as compress_level from Python 3.13 on
    with contextlib.closing(pieces), archive.open(info, "w", force_zip64=True) as out:
        for piece in pieces:
            if stop.is_set():
                raise Stopped("The backup was stopped; nothing remains of it.")
            digest.update(piece)
            out.write(piece)
            size += len(piece)
            step(len(piece))
    return Member(name=source.name, size=size, sha256=digest.hexdigest())


def _pieces(content: Path | Callable[[], Generator[bytes]]) -> Generator[bytes]:
    """The content piece by piece, already opened: a file that is gone is found out here."""
    return _read(content.open("rb")) if isinstance(content, Path) else content()


def _read(file: BinaryIO) -> Generator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _info(source: Source) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(source.name, _MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED if source.squeeze else zipfile.ZIP_STORED
    info.external_attr = _EXECUTABLE if source.executable else _PRIVATE
    return info
