"""Small files for this account alone, whole on disk or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

from server.durable import sync_folder


def write_private(path: Path, data: bytes) -> None:
    """Write `path` (0600, its folder 0700 when it is made), atomically and durably. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def read_private(path: Path) -> bytes | None:
    """What is in `path`, or None where there is no such file. Raises OSError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def erase(path: Path) -> None:
    """Overwrite a file of this account, then delete it. Raises OSError."""
    with path.open("r+b") as file:
        file.write(b"\x00" * path.stat().st_size)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_folder(path.parent)
