"""What of a data folder goes into an archive, and what can't."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from server.backup.archive_format import FILES, PLUGINS, Missing, is_member_name
from server.backup.archive_writer import Source

_LEFT_OUT_FOLDERS = frozenset(("__pycache__", ".git", ".venv", "node_modules"))
_LEFT_OUT_ENDINGS = (".part", ".pyc")


@dataclass(slots=True)
class Contents:
    """The files of one data folder, beside its database."""

    sources: list[Source] = field(default_factory=list)
    bytes: int = 0
    missing: list[Missing] = field(default_factory=list)


def folder_contents(data: Path) -> Contents:
    """Uploaded files and plugins below `data`."""
    found = Contents()
    for prefix, folder in ((FILES, data / "files"), (PLUGINS, data / "plugins")):
        for path in _walk(folder, found):
            name = prefix + path.relative_to(folder).as_posix()
            if not is_member_name(name):
                found.missing.append(Missing(what=name, why="its name can't be used on every system"))
                continue
            try:
                about = path.lstat()
            except FileNotFoundError:
                continue
            code = prefix == PLUGINS
            # Uploads are pictures and archives more often than not, which nothing makes smaller.
            found.sources.append(
                Source(name, path, squeeze=code, may_vanish=True, executable=code and bool(about.st_mode & 0o100))
            )
            found.bytes += about.st_size
    return found


def _walk(folder: Path, found: Contents) -> Iterator[Path]:
    for root, folders, names in os.walk(folder, onerror=lambda error: _unreadable(error, found)):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT_FOLDERS)
        for name in sorted(names):
            path = Path(root, name)
            if name.endswith(_LEFT_OUT_ENDINGS):
                continue
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            if stat.S_ISREG(mode):
                yield path
            else:
                found.missing.append(Missing(what=str(path.relative_to(folder.parent)), why="it is no plain file"))
        for name in list(folders):
            if Path(root, name).is_symlink():
                folders.remove(name)
                found.missing.append(
                    Missing(what=str(Path(root, name).relative_to(folder.parent)), why="it is a link to elsewhere")
                )


def _unreadable(error: OSError, found: Contents) -> None:
    if not isinstance(error, FileNotFoundError):
        found.missing.append(Missing(what=str(error.filename), why=error.strerror or "it can't be read"))
