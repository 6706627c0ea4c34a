"""Opening SQLite connections, all with the same pragmas, functions and collations."""

from __future__ import annotations

import binascii
import math
import sqlite3
from pathlib import Path

CACHE_KIBIBYTES = 16 * 1024
MMAP_BYTES = 256 << 20
BUSY_MILLISECONDS = 5000
JOURNAL_LIMIT_BYTES = 64 << 20
# What was acknowledged survives a power cut.
SYNCHRONOUS = "FULL"

NUMBER_FUNCTION = "gridbear_number"
BASE64_FUNCTION = "gridbear_base64"
CASEFOLD_FUNCTION = "gridbear_casefold"
NOCASE_COLLATION = "gridbear_nocase"


def connect(path: Path, *, read_only: bool = False, must_exist: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode (transactions are begun by hand), for any one thread at a time.

    With `must_exist` a missing file is an error; else SQLite makes an empty one.
    """
    name = f"{path.absolute().as_uri()}?mode=rw" if must_exist else str(path)
    connection = sqlite3.connect(
        name, isolation_level=None, check_same_thread=False, cached_statements=1024, uri=must_exist
    )
    try:
        _prepare(connection, read_only=read_only)
    except BaseException:
        # A file that is no database says so at the first word.
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, *, read_only: bool) -> None:
    execute = connection.execute
    execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    execute("PRAGMA foreign_keys = ON")
    execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
    execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT_BYTES}")
    # `like` is case-sensitive by contract; `ilike` folds both sides itself.
    execute("PRAGMA case_sensitive_like = ON")
    if read_only:
        execute("PRAGMA query_only = ON")
    connection.create_function(NUMBER_FUNCTION, 1, _number, deterministic=True)
    connection.create_function(BASE64_FUNCTION, 1, _base64, deterministic=True)
    connection.create_function(CASEFOLD_FUNCTION, 1, _casefold, deterministic=True)
    connection.create_collation(NOCASE_COLLATION, _compare_nocase)


def _number(value: float | None) -> str | None:
    # SQLite prints 15 significant digits; a double needs up to 17 to survive the way out and back.
    if value is None:
        return None
    return repr(float(value)) if math.isfinite(value) else None


def _base64(value: bytes | None) -> str | None:
    return None if value is None else binascii.b2a_base64(value, newline=False).decode("ascii")


def _casefold(value: object) -> str | None:
    return None if value is None else str(value).casefold()


def _compare_nocase(left: str, right: str) -> int:
    folded_left, folded_right = left.casefold(), right.casefold()
    return (folded_left > folded_right) - (folded_left < folded_right)
