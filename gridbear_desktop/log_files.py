"""Log files that are kept small, and their last lines."""

from __future__ import annotations

from pathlib import Path

from server.log import LOG_BYTES, LOG_FILES

_TAIL_BYTES = 16_384


def rotate(path: Path) -> None:
    """Keep the log below LOG_BYTES, with a few older ones beside it. Only one process may do this."""
    try:
        if path.stat().st_size < LOG_BYTES:
            return
    except FileNotFoundError:
        return
    for number in range(LOG_FILES - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log that say something; none where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]
