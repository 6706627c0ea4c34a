"""SQLite's errors as errors that a caller can act on."""

from __future__ import annotations

import logging
import re
import sqlite3

from server.errors import Busy, Conflict, FieldError, GridBearError, InternalError, StorageFull, ValidationFailed

log = logging.getLogger(__name__)

_UNIQUE = re.compile(r"UNIQUE constraint failed: (?P<columns>.+)")
_CHECK = re.compile(r"CHECK constraint failed: ck_(?P<rest>\w+)")
_NOT_NULL = re.compile(r"NOT NULL constraint failed: (?P<column>[\w.]+)")


def translate(error: sqlite3.Error, hidden: frozenset[str] = frozenset({"owner_id"})) -> GridBearError:
    """The error to show for `error`. Columns in `hidden` are left out of conflicts when others name them as well."""
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return _integrity(text, hidden)
    if "disk is full" in text or "disk I/O error" in text:
        log.error("storage failed: %s", text)
        return StorageFull("The disk is full or failing, so nothing was saved. Free some space and try again.")
    if "readonly" in text or "read-only" in text:
        return StorageFull("The database can't be written (read-only). Check the data folder's permissions.")
    if "locked" in text or "busy" in text:
        return Busy("The database is locked by another program. Close it and try again.", retry_after=1.0)
    if "interrupted" in text:
        return Busy("The query was stopped because it took too long.", retry_after=1.0)
    if "integer overflow" in text:
        return ValidationFailed("A sum has more than 64 bits.", code="out_of_range")
    if "too large" in text or "too big" in text:
        return ValidationFailed("A value is too large to be stored.")
    log.error("database error: %s", text)
    if "malformed" in text or "not a database" in text:
        return InternalError(
            "The database file is damaged. Nothing was changed; stop GridBear and restore a backup.",
            code="database_damaged",
        )
    return InternalError("The database could not do this. The log has the details.")


def _integrity(text: str, hidden: frozenset[str]) -> GridBearError:
    if match := _UNIQUE.search(text):
        columns = [name.strip().rpartition(".")[2] for name in match["columns"].split(",")]
        shown = [name for name in columns if name not in hidden] or columns
        fields = {name: FieldError("not_unique", "another record already has this value") for name in shown}
        return Conflict(f"{' and '.join(shown)}: another record already has this value.", fields=fields)
    if "FOREIGN KEY" in text:
        return Conflict(
            "A record that this one refers to does not exist, or other records still refer to this one.",
            code="reference_conflict",
        )
    if match := _NOT_NULL.search(text):
        column = match["column"].rpartition(".")[2]
        return ValidationFailed.of(column, "required", "a value is required")
    if match := _CHECK.search(text):
        return ValidationFailed(f"A value is not in its stored form (check {match['rest']}).")
    return Conflict("The change contradicts what is stored.")
