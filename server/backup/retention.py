"""Which backups go when there are more than are wanted. The newest always stays."""

from __future__ import annotations

import contextlib
from pathlib import Path


def surplus(files: list[tuple[str, int]], keep: int, max_bytes: int) -> list[str]:
    """The names to delete of `files` (name, bytes), whose names sort by time: all but the newest `keep`, and of
    those the oldest until the rest has at most `max_bytes`."""
    ordered = sorted(files, reverse=True)
    gone: list[str] = []
    total = 0
    for index, (name, size) in enumerate(ordered):
        total += size
        if index > 0 and (index >= keep or total > max_bytes or gone):
            gone.append(name)
    return gone


def thin_out(folder: Path, pattern: str, keep: int, max_bytes: int) -> list[str]:
    """Delete what is surplus among the files of `folder` that match `pattern`. Returns the deleted names."""
    files = []
    for path in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            files.append((path.name, path.stat().st_size))
    gone = surplus(files, keep, max_bytes)
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    return gone
