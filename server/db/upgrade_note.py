"""Telling how far an upgrade is: in the log, and in a file that the tray reads while nobody answers yet."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from server.db.upgrade import Progress

log = logging.getLogger(__name__)


@contextlib.contextmanager
def upgrade_note(path: Path) -> Iterator[Progress]:
    """Gives a progress that keeps the file at `path` (JSON: `pid`, `text`) while the upgrade lasts."""
    draft = path.with_name(f"{path.name}.draft")

    def tell(stage: str, fraction: float) -> None:
        text = f"Upgrading: {stage} ({fraction:.0%})"
        log.info("%s. Do not switch off.", text)
        draft.write_text(json.dumps({"pid": os.getpid(), "text": text}), "utf-8")
        draft.replace(path)

    try:
        yield tell
    finally:
        draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
