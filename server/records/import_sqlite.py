"""Tables of SQLite files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from server.db.foreign import ForeignDatabase
from server.errors import ValidationFailed
from server.records.import_files import BATCH_ROWS, Batch, RowFile


def open_sqlite(path: Path, database: ForeignDatabase, table: str | None, *, any_table: bool = False) -> RowFile:
    """A table of a SQLite file. Raises ValidationFailed when there is no such table, or it is to be named.

    `any_table`: the first will do where none is named.
    """
    tables = database.tables()
    if table is None and (len(tables) == 1 or (any_table and tables)):
        table = tables[0]
    if table is None or table not in tables:
        known = ", ".join(tables[:50]) or "none"
        raise ValidationFailed.of("table", "unknown_table", f"one of the file's tables is wanted: {known}")
    chosen = table
    read = 0

    def batches(names: list[str]) -> Iterator[Batch]:
        nonlocal read
        rows = database.rows(chosen, names)
        number = 0
        while part := list(islice(rows, BATCH_ROWS)):
            yield Batch(range(number + 1, number + len(part) + 1), [list(c) for c in zip(*part, strict=True)])
            number += len(part)
        read = path.stat().st_size

    return RowFile("sqlite", False, database.columns(chosen), batches, lambda: read, table=chosen, tables=tables)
