"""`run/server.json`: how the other programs of this user find the running server and prove who they are."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "server.json"
UPGRADE_FILE_NAME = "upgrading.json"


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One running server. `url` has the base path and no trailing slash; `started_at` is UTC, ISO 8601.

    `certificate` is the file that its clients here have to trust, empty without https. In `safe_mode` no plugin, MCP
    server and schedule runs. One `of_tray` ends with the tray that started it.
    """

    pid: int
    port: int
    host: str
    url: str
    control_token: str
    started_at: str
    version: str
    certificate: str = ""
    safe_mode: bool = False
    of_tray: bool = False


def read(run: Path) -> RunInfo | None:
    """What the file says, or None when there is none or it is not whole."""
    try:
        return RunInfo(**json.loads((run / FILE_NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def upgrading(run: Path, pid: int) -> str:
    """What the server `pid` says of the upgrade that it is busy with; empty when it is not."""
    try:
        note = json.loads((run / UPGRADE_FILE_NAME).read_text("utf-8"))
        return str(note["text"]) if note["pid"] == pid else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


@contextlib.contextmanager
def written(run: Path, info: RunInfo) -> Iterator[None]:
    """Keep the file while the server runs: 0600, put in place at once, gone at the end."""
    target = run / FILE_NAME
    draft = run / f"{FILE_NAME}.{info.pid}"
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(info), file)
    draft.replace(target)
    try:
        yield
    finally:
        current = read(run)
        if current is not None and current.pid == info.pid:
            target.unlink(missing_ok=True)
