"""The way back: the files that upgrades have kept, and putting the latest of them in place again."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from server.data_folder import DataFolder
from server.db.copying import copy_database, keep_latest
from server.db.facts import damage
from server.db.file_header import check_file
from server.db.swap import finish_interrupted, remove_database, replacement_path, swap_database
from server.errors import NotFound, StartupError, StorageFull

KEPT_FILES = 3
_UPGRADE = "before-upgrade"
_RETURN = "before-return"


def kept_path(backups: Path, reason: str = _UPGRADE) -> Path:
    """The name under which a file that is about to be replaced is kept. Makes the folder."""
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    return backups / f"{reason}-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S%fZ')}.db"


def keep_only_latest(backups: Path, reason: str = _UPGRADE) -> None:
    """Delete all but the latest few of the files kept for that reason."""
    keep_latest(backups, f"{reason}-*.db", KEPT_FILES)


def restore_before_upgrade(folder: DataFolder) -> Path:
    """Put the database from before the latest upgrade in place again. Returns the kept file that it was.

    The database of now is kept as `before-return-<moment>.db` beside it. Only for a folder that the caller has locked.
    Raises NotFound when no upgrade has kept a file, StartupError when it is damaged or newer than this program, or the
    database is in use, StorageFull.
    """
    backups = folder.backups
    finish_interrupted(folder.database, [backups])
    kept = max(backups.glob(f"{_UPGRADE}-*.db"), default=None)
    if kept is None:
        raise NotFound(f"No upgrade has kept a file in {backups}. `gridbear restore` takes a backup.")
    check_file(kept)
    found = damage(kept)
    if found is not None:
        raise StartupError(f"The file {kept} is damaged ({found}). Nothing was changed; restore a backup instead.")
    copy = replacement_path(folder.database)
    try:
        copy_database(kept, copy)
        now = kept_path(backups, _RETURN)
        swap_database(folder.database, copy, now)
    except (sqlite3.OperationalError, OSError) as error:
        raise StorageFull(f"The file {kept} can't be put in place ({error}). Nothing was changed.") from error
    finally:
        remove_database(copy)
    if now.exists():
        now.chmod(0o600)
    keep_only_latest(backups, _RETURN)
    return kept
