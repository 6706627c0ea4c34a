"""The backups in a folder: what each says of itself, read once per file."""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path
from typing import Any

from server.backup.archive_format import BadArchive, Manifest
from server.backup.archive_reader import Archive
from server.errors import NotFound

PATTERN = "backup-*.zip"
"""Those that retention thins out. Move files and uploads stay until somebody deletes them."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.zip")


class Library:
    """Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}

    def path(self, name: str) -> Path:
        """The file of a backup. Raises NotFound."""
        path = self.folder / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise _unknown(name)
        return path

    def entries(self) -> list[dict[str, Any]]:
        """Every backup, the newest first. One that can't be read is there with its `problem`."""
        found = []
        for path in self.folder.glob("*.zip"):
            if _NAME.fullmatch(path.name):
                with contextlib.suppress(FileNotFoundError):
                    found.append(self.entry(path))
        return sorted(found, key=lambda entry: (entry["made_at"] or "", entry["name"]), reverse=True)

    def present(self, path: Path) -> dict[str, Any]:
        """As `entry`. Raises NotFound for one that somebody has deleted meanwhile."""
        try:
            return self.entry(path)
        except FileNotFoundError as error:
            raise _unknown(path.name) from error

    def entry(self, path: Path) -> dict[str, Any]:
        """One backup. Raises FileNotFoundError."""
        about = path.stat()
        stamp = (about.st_size, about.st_mtime_ns)
        with self._lock:
            known = self._known.get(path.name)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            with Archive(path) as archive:
                entry = described(path.name, about.st_size, archive.manifest, None)
        except BadArchive as error:
            if not path.exists():
                raise FileNotFoundError(path) from error
            entry = described(path.name, about.st_size, None, error.message)
        with self._lock:
            self._known[path.name] = (stamp, entry)
        return entry

    def delete(self, name: str) -> None:
        """Delete a backup. Raises NotFound."""
        self.path(name).unlink(missing_ok=True)
        with self._lock:
            self._known.pop(name, None)


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no backup {name[:200]!r}. GET /api/v1/backups lists them.", code="unknown_backup")


def described(name: str, size: int, manifest: Manifest | None, problem: str | None) -> dict[str, Any]:
    """What is told of a backup."""
    about = None if manifest is None else manifest.model_dump(exclude={"members", "format", "key_ids"})
    empty = dict.fromkeys(
        ("format_version", "kind", "reason", "program_version", "schema_version", "made_at", "made_by", "secrets")
    )
    return {"name": name, "size": size, **(about or {**empty, "counts": {}, "not_included": []}), "problem": problem}
