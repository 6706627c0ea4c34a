"""SQLite's errors as errors that a caller can act on, and what each says of the disk and the file."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from server.errors import (
    Busy,
    Conflict,
    FieldError,
    GridBearError,
    InternalError,
    StartupError,
    StorageFull,
    ValidationFailed,
)

log = logging.getLogger(__name__)

Fault = Literal[
    "constraint", "full", "write_failed", "read_only", "locked", "interrupted", "too_large", "overflow",
    "damaged", "read_failed", "moved", "unreachable", "other",
]  # fmt: skip

DOUBTS: frozenset[Fault] = frozenset(("damaged", "read_failed", "moved"))
"""Faults that put the file itself in doubt; all others leave it as it was."""
DAMAGE_WAY_OUT = (
    "Nothing more is written. `gridbear restore` brings a backup back; an admin sees the choices on Server."
)

_UNIQUE = re.compile(r"UNIQUE constraint failed: (?P<columns>.+)")
_CHECK = re.compile(r"CHECK constraint failed: ck_(?P<rest>\w+)")
_NOT_NULL = re.compile(r"NOT NULL constraint failed: (?P<column>[\w.]+)")

_BY_CODE: dict[int, Fault] = {
    sqlite3.SQLITE_CONSTRAINT: "constraint",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_INTERRUPT: "interrupted",
    sqlite3.SQLITE_TOOBIG: "too_large",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_IOERR: "read_failed",
    sqlite3.SQLITE_CANTOPEN: "unreachable",
}
# What a quota or a limit on file sizes looks like, and shared memory that can't grow: the file itself is as it was.
_WRITE_FAILED = frozenset(
    (
        sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_NOMEM,
    )
)  # fmt: skip
_BY_TEXT: tuple[tuple[str, Fault], ...] = (
    ("disk is full", "full"),
    ("readonly", "read_only"),
    ("locked", "locked"),
    ("interrupted", "interrupted"),
    ("too large", "too_large"),
    ("too big", "too_large"),
    ("malformed", "damaged"),
    ("not a database", "damaged"),
)


def fault_of(error: sqlite3.Error) -> Fault:
    """What kind of trouble `error` is."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.IntegrityError):
        return "constraint"
    if code is None:
        # The driver's own errors have no code.
        text = str(error)
        return next((fault for part, fault in _BY_TEXT if part in text), "other")
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return "moved"
    if code in _WRITE_FAILED:
        return "write_failed"
    if code & 0xFF == sqlite3.SQLITE_ERROR:
        # Its text may hold names that people gave, so nothing else is read out of it.
        return "overflow" if "integer overflow" in str(error) else "other"
    return _BY_CODE.get(code & 0xFF, "other")


def translate(error: sqlite3.Error, unknown: Collection[str] = ()) -> GridBearError:
    """The error to show for `error`. Columns that are `unknown` to who hears it are not named."""
    text = str(error)
    fault = fault_of(error)
    match fault:
        case "constraint":
            return _integrity(text, unknown)
        case "locked":
            return Busy("The database is locked by another program. Close it and try again.", retry_after=1.0)
        case "interrupted":
            return Busy("The query was stopped because it took too long.", retry_after=1.0)
        case "overflow":
            return ValidationFailed("A sum has more than 64 bits.", code="out_of_range")
        case "too_large":
            return ValidationFailed("A value is too large to be stored.")
    log.error("database error (%s): %s", fault, text)
    match fault:
        case "full":
            return StorageFull("The disk is full, so nothing was saved. Free some space and try again.")
        case "write_failed":
            return StorageFull(
                "The disk took no more data (a quota, a limit or a failing disk), so nothing was saved.",
                code="write_failed",
            )
        case "read_only":
            return StorageFull(
                "The database can't be written (read-only). Check the permissions of the data folder.",
                code="folder_read_only",
            )
        case "unreachable":
            return Busy("The database file can't be opened now. Check that the data folder is there.", retry_after=5.0)
        case "damaged":
            return StorageFull(f"The database file is damaged. {DAMAGE_WAY_OUT}", code="recovery_mode")
        case "read_failed":
            return StorageFull(f"The disk failed while reading. {DAMAGE_WAY_OUT}", code="recovery_mode")
        case "moved":
            return StorageFull(f"The database file was moved away. {DAMAGE_WAY_OUT}", code="recovery_mode")
    return InternalError("The database could not do this. The log has the details.")


def checked_column(error: sqlite3.IntegrityError, table: str) -> str | None:
    """The column of `table` whose stored form was refused, None where the error is about something else."""
    match = _CHECK.search(str(error))
    if match is None or not match["rest"].startswith(f"{table}_"):
        return None
    return match["rest"].removeprefix(f"{table}_")


def cannot_open(path: Path, error: sqlite3.Error) -> StartupError:
    """Why the server does not start on a database, and the way out."""
    match fault_of(error):
        case "damaged" | "read_failed":
            what = f"is damaged ({error}). Nothing was changed; restore a backup with `gridbear restore`"
        case "locked":
            what = "is held by another program. Nothing was changed; close that program, then start GridBear again"
        case "full" | "write_failed":
            what = f"can't be opened: the disk is full ({error}). Nothing was changed; free some space"
        case "read_only" | "unreachable":
            what = f"can't be opened for writing ({error}). Nothing was changed; check the folder's permissions"
        case _:
            what = f"can't be opened ({error}). Nothing was changed; check that the file is whole"
    return StartupError(f"The database {path} {what}.")


def _integrity(text: str, unknown: Collection[str]) -> GridBearError:
    if match := _UNIQUE.search(text):
        columns = [name.strip().rpartition(".")[2] for name in match["columns"].split(",")]
        shown = [name for name in columns if name != "owner_id"] or columns
        if any(name in unknown for name in shown):
            return Conflict("Another record already has a value of this one, in a field that is not yours to see.")
        fields = {name: FieldError("not_unique", "another record already has this value") for name in shown}
        return Conflict(f"{' and '.join(shown)}: another record already has this value.", fields=fields)
    if "FOREIGN KEY" in text:
        return Conflict(
            "A record that this one refers to does not exist, or other records still refer to this one.",
            code="reference_conflict",
        )
    if match := _NOT_NULL.search(text):
        column = match["column"].rpartition(".")[2]
        if column in unknown:
            return ValidationFailed("A value is required, in a field that is not yours to see.", code="required")
        return ValidationFailed.of(column, "required", "a value is required")
    if match := _CHECK.search(text):
        which = "" if any(match["rest"].endswith(f"_{name}") for name in unknown) else f" (check {match['rest']})"
        return ValidationFailed(f"A value is not in its stored form{which}.")
    return Conflict("The change contradicts what is stored.")
