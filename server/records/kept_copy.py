"""A copy of the database, kept before a change of models takes values away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

from server.db.copying import copy_database, keep_latest
from server.db.store import Store
from server.records.times import now_text

KEPT_COPIES = 5
MakeWhole = Callable[[], None]
"""Called in the unit that takes values away, before it does. Records that came since the copy are in it then."""


async def keep_copy(store: Store, backups: Path, name: str, models: Collection[str]) -> MakeWhole:
    """Keep `backups/before-change-<moment>-<name>.db` before `models` lose something; the oldest beyond five go."""
    backups.mkdir(mode=0o700, exist_ok=True)
    moment = now_text().replace("-", "").replace(":", "").replace(".", "")
    target = backups / f"before-change-{moment}-{name}.db"
    seen = {model: store.versions.of(model) for model in models}
    await asyncio.to_thread(copy_database, store.path, target)
    target.chmod(0o600)
    keep_latest(backups, "before-change-*.db", KEPT_COPIES)

    def make_whole() -> None:
        # Copied here, it keeps everybody waiting who writes; so that is done only where it has to be.
        if any(version is None or store.versions.of(model) != version for model, version in seen.items()):
            _copy_again(store.path, target)

    return make_whole


def _copy_again(path: Path, target: Path) -> None:
    again = target.with_name(f".{target.name}.again")
    again.unlink(missing_ok=True)
    try:
        copy_database(path, again)
        again.chmod(0o600)
        again.replace(target)
    finally:
        again.unlink(missing_ok=True)
