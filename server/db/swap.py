"""Putting one database file in the place of another: the last step of a migration, a restore and a move.

A write-ahead log or a journal that outlives its file would be replayed into the next one of that name. So both files
are alone, whole and on disk before the rename, which is the one moment at which the old becomes the new.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from server.db.connection import connect
from server.db.file_header import check_file, write_header
from server.durable import sync_file, sync_folder
from server.errors import StartupError

_COMPANIONS = ("-wal", "-shm", "-journal")
_PARTIAL = ".db-part"


def replacement_path(live: Path) -> Path:
    """Where to make the file that is to replace `live`. What lies there at a start was left by a crash."""
    return live.with_name(live.name + ".new")


def remove_database(path: Path) -> None:
    """Delete a database that nobody has open, with its write-ahead log and journal; it may be gone already."""
    # The file first: without it the others mean nothing, with it they may hold the latest commits.
    for name in (path, *_companions(path)):
        name.unlink(missing_ok=True)


def swap_database(live: Path, replacement: Path, keep_as: Path | None) -> None:
    """Put `replacement` in the place of `live`, and keep the old file as `keep_as` (None: it is gone).

    Nobody has either file open, and the caller holds the data folder. `replacement` is a whole database of this
    program in the folder of `live` (see `replacement_path`); its version stays what it is. `live` may be missing, and
    may be damaged: then it is kept together with its log, as far as there is one.

    After a crash at any step there is a database at `live`, and it is the old one or the new one, whole:

    1. The replacement gets its header and is written to disk. `live` is untouched.
    2. The log of `live` is folded into it and deleted. `live` is the old one; its next start switches the log on again.
    3. The old file gets a second name, `keep_as`. A crash here leaves two names of one file: `finish_interrupted`
       takes the second away, before somebody takes for a backup what changes with the original.
    4. The replacement is renamed over `live`, and the folder is written to disk: the new one.

    Raises StartupError when the replacement is not of this program, or `live` is in use; FileExistsError for `keep_as`;
    OSError or sqlite3.Error when the disk is full or fails. `live` is then the old one, and can be opened again.
    """
    if not replacement.is_file() or replacement.stat().st_size == 0:
        raise FileNotFoundError(f"there is no database {replacement} to put in place")
    if replacement.parent != live.parent:
        raise ValueError("only a file of the same folder can be renamed over another")
    if keep_as is not None and keep_as.exists():
        raise FileExistsError(f"{keep_as} exists already")
    check_file(replacement)
    _settle_replacement(replacement)
    if live.exists():
        shutil.copymode(live, replacement)
        try:
            damaged = not _settle(live)
            if keep_as is not None:
                _keep(live, keep_as)
                for companion, kept in _pairs(live, keep_as) if damaged else ():
                    if companion.exists():
                        _copy(companion, kept)
                sync_folder(keep_as.parent)
        except BaseException:
            _log_again(live)
            raise
    for companion in _companions(live):
        companion.unlink(missing_ok=True)
    # Else a power cut could bring back the deleted log beside the new file.
    sync_folder(live.parent)
    os.replace(replacement, live)
    sync_folder(live.parent)


def finish_interrupted(live: Path, kept_in: Iterable[Path] = ()) -> None:
    """Clean up what a crash in `swap_database`, or before it, has left: at a start, with nothing open.

    kept_in: the folders where old files are kept. Costs one look at the file when there is nothing to do.
    """
    remove_database(replacement_path(live))
    for folder in kept_in:
        for partial in folder.glob(f"*{_PARTIAL}"):
            partial.unlink()
    if not live.exists() or live.stat().st_nlink < 2:
        return
    for folder in (live.parent, *kept_in):
        for other in folder.iterdir() if folder.is_dir() else ():
            if other != live and other.is_file() and other.samefile(live):
                for companion, kept in _pairs(live, other):
                    if kept.exists() and not companion.exists():
                        os.replace(kept, companion)
                remove_database(other)
                sync_folder(folder)


def _companions(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in _COMPANIONS]


def _pairs(live: Path, keep_as: Path) -> list[tuple[Path, Path]]:
    return list(zip(_companions(live), _companions(keep_as), strict=True))


def _settle_replacement(path: Path) -> None:
    with closing(connect(path)) as connection:
        _leave_log(connection, path)
        write_header(connection, connection.execute("PRAGMA user_version").fetchone()[0])
        connection.execute("PRAGMA journal_mode = WAL")
    _check_alone(path)
    sync_file(path)


def _settle(live: Path) -> bool:
    """Fold the log of a file into it. False when it is damaged, and this can't be done."""
    try:
        with closing(connect(live)) as connection:
            _leave_log(connection, live)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise _in_use(live) from error
        raise
    except sqlite3.DatabaseError:
        return False
    _check_alone(live)
    return True


def _leave_log(connection: sqlite3.Connection, path: Path) -> None:
    [busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    [mode] = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    if busy or mode != "delete":
        raise _in_use(path)


def _check_alone(path: Path) -> None:
    if any(companion.exists() for companion in _companions(path)):
        raise _in_use(path)


def _in_use(path: Path) -> StartupError:
    return StartupError(f"The database {path} is in use by another program. Close it and try again.")


def _keep(live: Path, keep_as: Path) -> None:
    try:
        os.link(live, keep_as)
    except OSError:
        # A file system without hard links, or another one.
        _copy(live, keep_as)


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(target.name + _PARTIAL)
    try:
        shutil.copy2(source, partial)
        sync_file(partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def _log_again(live: Path) -> None:
    with contextlib.suppress(sqlite3.Error), closing(connect(live)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
