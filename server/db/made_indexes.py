"""Indexes that admins have made at run time. Their names say what they are; the program's own are declared."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from server.db.schema_fingerprint import quoted

_PREFIX = "made"
# Names of tables and columns have no dots, so that a name can be read back.
MADE_SQL = f"SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB '{_PREFIX}.*' ORDER BY name"

_ENTRY_BYTES = 10
"""Of an entry beside its values: lengths, types, the row's id, its place in the page."""
_SAMPLE = 500

Fields = tuple[str, ...]
"""Columns of an index in order, those that run downwards with a minus, as in `sort`."""


def index_name(table: str, fields: Sequence[str]) -> str:
    """The name of the index of these fields."""
    return ".".join((_PREFIX, table, *fields))


def is_made(name: str) -> bool:
    """Whether an index of this name was made at run time."""
    return name.startswith(f"{_PREFIX}.")


def fields_of(name: str) -> tuple[str, Fields]:
    """Table and fields of a made index."""
    _, table, *fields = name.split(".")
    return table, tuple(fields)


def by_table(names: Iterable[str]) -> dict[str, tuple[Fields, ...]]:
    """The fields of made indexes, by table."""
    found: dict[str, list[Fields]] = {}
    for name in names:
        table, fields = fields_of(name)
        found.setdefault(table, []).append(fields)
    return {table: tuple(fields) for table, fields in found.items()}


def create_sql(table: str, fields: Sequence[str]) -> str:
    """The CREATE INDEX of these fields."""
    parts = ", ".join(quoted(column_of(field)) + (" DESC" if field.startswith("-") else "") for field in fields)
    return f"CREATE INDEX {quoted(index_name(table, fields))} ON {quoted(table)} ({parts})"


def drop_sql(table: str, fields: Sequence[str]) -> str:
    """The DROP INDEX of these fields."""
    return f"DROP INDEX {quoted(index_name(table, fields))}"


def entry_bytes_sql(table: str, fields: Sequence[str]) -> str:
    """About how many bytes an entry of an index takes, by the first rows; NULL where there is none."""
    lengths = " + ".join(f"coalesce(length(CAST({quoted(column)} AS BLOB)), 0)" for column in columns_of(fields))
    first = f"SELECT {_ENTRY_BYTES} + {lengths} AS bytes FROM {quoted(table)} NOT INDEXED LIMIT {_SAMPLE}"
    return f"SELECT avg(bytes) FROM ({first})"


def column_of(field: str) -> str:
    """The column of a field of an index."""
    return field.removeprefix("-")


def columns_of(fields: Sequence[str]) -> tuple[str, ...]:
    """The columns of an index, without their directions."""
    return tuple(map(column_of, fields))


def carried(fields: Fields, columns: Collection[str], renamed: Mapping[str, str]) -> Fields | None:
    """The fields of an index after its table was changed; None when a column is gone. `renamed`: new name by old."""
    now = []
    for field in fields:
        old = column_of(field)
        new = renamed.get(old, old)
        if new not in columns or (new == old and old in renamed.values()):
            return None
        now.append(field.replace(old, new))
    return tuple(now)


def present_indexes(connection: sqlite3.Connection, table: str) -> list[tuple[str, Fields]]:
    """Every index of a table that a search can use for any row: name and fields, constraints' own included."""
    found = []
    listed = connection.execute(
        "SELECT name FROM pragma_index_list(?) WHERE NOT partial ORDER BY name", (table,)
    ).fetchall()
    for (name,) in listed:
        parts = connection.execute(
            'SELECT name, "desc", coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno', (name,)
        ).fetchall()
        if all(column is not None and collation == "BINARY" for column, _, collation in parts):
            found.append((str(name), tuple(f"{'-' if down else ''}{column}" for column, down, _ in parts)))
    return found


def serves(index: Sequence[str], fields: Sequence[str]) -> bool:
    """Whether an index does all that one of `fields` would: it begins with them, or with their reverse."""
    first = tuple(index[: len(fields)])
    return first in (tuple(fields), tuple(_reverse(field) for field in fields))


def _reverse(field: str) -> str:
    return field[1:] if field.startswith("-") else f"-{field}"
