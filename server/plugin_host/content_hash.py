"""The hash of a plugin's files: what a person said yes to, so that a change of it can be told."""

from __future__ import annotations

import hashlib
from pathlib import Path

IGNORED = frozenset(("__pycache__", ".git", ".mypy_cache", ".ruff_cache", ".DS_Store"))
MAX_FILES = 5000


def plugin_files(folder: Path) -> list[Path]:
    """The files of a plugin, in order of their path; caches are none. Links are not followed."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or IGNORED.intersection(path.relative_to(folder).parts):
            continue
        found.append(path)
        if len(found) > MAX_FILES:
            raise OSError(f"{folder.name} has more than {MAX_FILES} files")
    return found


def content_hash(folder: Path) -> str:
    """SHA-256 over names and contents, as 64 hexadecimal digits. Raises OSError."""
    digest = hashlib.sha256()
    for path in plugin_files(folder):
        name = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        digest.update(len(name).to_bytes(4, "big") + name)
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
