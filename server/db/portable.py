"""Records as lines of JSON that any engine can read: every column of every row, typed as the API types them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Table

from server.db.connection import connect
from server.db.statements import row_json

_BATCH_ROWS = 500


def portable_lines(path: Path, table: Table) -> Generator[bytes]:
    """The rows of `table` in a file that nobody changes, by id, some lines at a time.

    Hidden and write-only columns are there too, sealed values as they are sealed. Raises sqlite3.Error.
    """
    row = row_json(table, [str(column.name) for column in table.columns])
    with closing(connect(path, read_only=True)) as connection:
        cursor = connection.execute(f'SELECT {row} FROM "{table.name}" ORDER BY id')
        while rows := cursor.fetchmany(_BATCH_ROWS):
            yield "".join(f"{text}\n" for (text,) in rows).encode()
