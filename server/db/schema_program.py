"""Which release of the program has made the schema of a file what it is: an older one must not change it back."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from server import __version__
from server.db.schema_fingerprint import META_TABLE
from server.errors import StartupError

_NAME = "program"


def record_program(connection: sqlite3.Connection) -> None:
    """Store that this program did, or leave it at a newer one that did before."""
    if _recorded(connection) > _release(__version__):
        return
    connection.execute(f"INSERT OR REPLACE INTO {META_TABLE} VALUES (?, ?)", (_NAME, __version__))


def check_program(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StartupError when a newer program did. To be asked before a table that is there changes."""
    newer = _recorded(connection)
    if newer > _release(__version__):
        name = ".".join(map(str, newer))
        raise StartupError(
            f"The database {path} was upgraded by GridBear {name}, and this is {__version__}. Nothing was changed; "
            "install the newer program, or go back to the file from before its upgrade with "
            "`gridbear restore --before-upgrade`."
        )


def _recorded(connection: sqlite3.Connection) -> tuple[int, ...]:
    row = connection.execute(f"SELECT value FROM {META_TABLE} WHERE name = ?", (_NAME,)).fetchone()
    return _release(str(row[0])) if row is not None else ()


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
