"""A copy of the database, kept before a change of models takes values away."""

from __future__ import annotations

import asyncio
from pathlib import Path

from server.db.copying import copy_database, keep_latest
from server.records.times import now_text

KEPT_COPIES = 5


async def keep_copy(database: Path, backups: Path, name: str) -> None:
    """Keep `backups/before-change-<moment>-<name>.db`; the oldest beyond five go."""
    backups.mkdir(mode=0o700, exist_ok=True)
    moment = now_text().replace("-", "").replace(":", "").replace(".", "")
    target = backups / f"before-change-{moment}-{name}.db"
    await asyncio.to_thread(copy_database, database, target)
    target.chmod(0o600)
    keep_latest(backups, "before-change-*.db", KEPT_COPIES)
