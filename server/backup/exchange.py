"""Put one whole state of a data folder in the place of another, and keep the other: safe to repeat at any moment."""

from __future__ import annotations

from pathlib import Path

from server.db.swap import finish_interrupted, remove_database, replacement_path, swap_database
from server.durable import sync_folder

DATABASE_NAME = "gridbear.db"
FOLDERS = ("files", "plugins", "secrets")
"""What is exchanged beside the database."""
_COMPANIONS = ("-wal", "-shm", "-journal", "")


def exchange(data: Path, incoming: Path, outgoing: Path, *, brings_database: bool = True) -> None:
    """Move what `incoming` holds into `data`, and what lay there into `outgoing`.

    All three are on one file system, nobody has anything in them open, and the caller holds the data folder. Run again
    after a crash at any step, it ends where it would have ended. Without `brings_database` the data folder has no
    database afterwards. Raises OSError, sqlite3.Error or StartupError; running it again later goes on from there.
    """
    outgoing.mkdir(mode=0o700, parents=True, exist_ok=True)
    if brings_database:
        _exchange_database(data / DATABASE_NAME, incoming / DATABASE_NAME, outgoing / DATABASE_NAME)
    else:
        _move_database(data / DATABASE_NAME, outgoing / DATABASE_NAME)
    for name in FOLDERS:
        _exchange_folder(data / name, incoming / name, outgoing / name)
    for folder in (data, incoming, outgoing):
        if folder.exists():
            sync_folder(folder)


def _exchange_database(live: Path, new: Path, old: Path) -> None:
    beside = replacement_path(live)
    # A crash left it there; `finish_interrupted` would throw it away.
    _move_database(beside, new)
    if not new.exists():
        return
    finish_interrupted(live, [old.parent])
    remove_database(old)
    _move_database(new, beside)
    try:
        swap_database(live, beside, old)
    except BaseException:
        # Back to where it counts as not exchanged: what is undone next has another incoming file.
        _move_database(beside, new)
        raise


def _move_database(source: Path, target: Path) -> None:
    # The file comes last: until then it is found where it was, and its log and journal follow at the next try.
    for suffix in _COMPANIONS:
        path = source.with_name(source.name + suffix)
        if path.exists():
            path.replace(target.with_name(target.name + suffix))


def _exchange_folder(live: Path, new: Path, old: Path) -> None:
    if not new.exists():
        return
    if not old.exists():
        live.mkdir(exist_ok=True)
        live.rename(old)
    elif live.exists():
        # A start after a crash makes the folders that are missing, empty.
        live.rename(old.with_name(f"{old.name}-between"))
    new.rename(live)
