"""Making a table from its declaration, and making one again that has rows: the only way a table ever changes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Table

from server.db.made_indexes import carried, create_sql, fields_of, is_made
from server.db.schema_fingerprint import (
    create_table_sql,
    forget_fingerprint,
    index_sql,
    normalised,
    quoted,
    record_fingerprint,
)
from server.db.search import create_search, drop_search, search_table
from server.db.types import type_name

_TEMPORARY = "gridbear_rebuild_"
# What SQLite's typing leaves in a column of this affinity when the value is of its kind.
_KINDS = {"TEXT": ("text",), "INTEGER": ("integer",), "REAL": ("real", "integer"), "NUMERIC": ("real", "integer")}


class DoesNotFit(Exception):
    """The rows or columns that are there can't be kept under the new declaration. The message says which and why."""


def create_table(connection: sqlite3.Connection, table: Table) -> None:
    """Make `table`, its indexes and its full-text index, and record it. Raises sqlite3.OperationalError if it exists.

    Call it inside a transaction: a table without its indexes must not be seen.
    """
    connection.execute(create_table_sql(table))
    for statement in index_sql(table).values():
        connection.execute(statement)
    create_search(connection, table)
    record_fingerprint(connection, table)


def drop_table(connection: sqlite3.Connection, table_name: str) -> None:
    """Drop a table with its full-text index, and forget it. Foreign keys must not be enforced, as in a rebuild."""
    _check_connection(connection)
    drop_search(connection, table_name)
    connection.execute(f"DROP TABLE {quoted(table_name)}")
    forget_fingerprint(connection, table_name)


def rebuild_table(connection: sqlite3.Connection, table: Table, *, convert: Mapping[str, str] | None = None) -> None:
    """Make `table` again as it is declared, with all rows of the one that has its name now, and record it.

    Columns of both are copied; `convert` gives a column as an SQL expression over the old row's columns. A new column
    that must not be empty gets its default; without rows it can do without one. Old columns that are not declared any
    more are gone. Ids that were given stay given; indexes and triggers that somebody added stay. An index that an admin
    made follows renamed columns, and goes with a column that goes.

    The caller has begun a transaction on a connection with `PRAGMA foreign_keys = OFF` (SQLite ignores that pragma
    inside one, and with it on, dropping the old table would delete what refers to it); RuntimeError otherwise.
    Raises DoesNotFit, sqlite3.IntegrityError when a row breaks a constraint; roll back then. ValueError: no such table.
    """
    _check_connection(connection)
    old = column_types(connection, table.name)
    if not old:
        raise ValueError(f"there is no table {table.name} to rebuild")
    name, temporary = quoted(table.name), quoted(_TEMPORARY + table.name)
    filled = connection.execute(f"SELECT EXISTS (SELECT 1 FROM {name})").fetchone()[0]
    sources = _sources(table, old, convert or {}, filled=bool(filled))
    kept = [*_foreign_objects(connection, table), *_made_indexes(connection, table, convert or {})]
    sequence = _sequence(connection, table.name)

    connection.execute(create_table_sql(table, _TEMPORARY + table.name))
    columns = ", ".join(map(quoted, sources))
    connection.execute(f"INSERT INTO {temporary} ({columns}) SELECT {', '.join(sources.values())} FROM {name}")
    _check_types(connection, table, old, convert or {})
    drop_search(connection, table.name)
    connection.execute(f"DROP TABLE {name}")
    _rename(connection, temporary, name)
    _set_sequence(connection, table.name, sequence)

    create_indexes_again(connection, table)
    create_search(connection, table)
    for statement in kept:
        connection.execute(statement)
    broken = connection.execute(f"PRAGMA foreign_key_check({name})").fetchone()
    if broken is not None:
        raise DoesNotFit(f"{table.name}: row {broken[1]} refers to a record of {broken[2]} that does not exist")
    record_fingerprint(connection, table)


def create_indexes_again(connection: sqlite3.Connection, table: Table) -> None:
    """Drop those of the program's indexes on `table` that are not declared so, and make the missing ones."""
    wanted = index_sql(table)
    present = {
        str(name): str(sql)
        for name, sql in connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
            (table.name,),
        )
    }
    for name, sql in present.items():
        if name in wanted and normalised(sql) == normalised(wanted[name]):
            del wanted[name]
        elif name in wanted or _is_ours(name, table):
            connection.execute(f"DROP INDEX {quoted(name)}")
    for statement in wanted.values():
        connection.execute(statement)


def _is_ours(index: str, table: Table) -> bool:
    return index.startswith((f"ix_{table.name}_", f"uq_{table.name}_"))


def _check_connection(connection: sqlite3.Connection) -> None:
    if not connection.in_transaction or connection.execute("PRAGMA foreign_keys").fetchone()[0]:
        raise RuntimeError("rebuild_table wants a transaction, begun with PRAGMA foreign_keys = OFF")


def column_types(connection: sqlite3.Connection, table_name: str) -> dict[str, str]:
    """The declared type of each column of a table; empty when there is no such table."""
    rows = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table_name,))
    return {str(name): str(declared) for name, declared in rows}


def _sources(table: Table, old: Mapping[str, str], convert: Mapping[str, str], *, filled: bool) -> dict[str, str]:
    """Where each column's values come from, as SQL. Raises DoesNotFit for one that must be `filled` and can't be."""
    unknown = set(convert) - set(table.c.keys())
    if unknown:
        raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))} to convert to")
    sources = {}
    for column in table.columns:
        if column.name in convert:
            sources[column.name] = convert[column.name]
        elif column.name in old:
            sources[column.name] = quoted(column.name)
        elif filled and column.server_default is None and not column.nullable:
            sources[column.name] = _default(column)
    return sources


def _default(column: Column[Any]) -> str:
    # The models' own `FieldInfo.default`, which this layer does not know by class.
    value = getattr(column.info.get("field"), "default", None)
    if value is None:
        raise DoesNotFit(f"{column.table.name}.{column.name} is new, must have a value and declares no default")
    if type_name(column.type) in ("json", "tags"):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, (bool, int, float)):
        return repr(int(value) if isinstance(value, bool) else value)
    return "'" + str(value).replace("'", "''") + "'"


def affinity(declared: str) -> str:
    """The affinity of a declared type, by the rules of SQLite."""
    upper = declared.upper()
    for affinity, parts in (("INTEGER", ("INT",)), ("TEXT", ("CHAR", "CLOB", "TEXT")), ("BLOB", ("BLOB",)),
                            ("REAL", ("REAL", "FLOA", "DOUB"))):  # fmt: skip
        if any(part in upper for part in parts):
            return affinity
    return "NUMERIC" if upper else "BLOB"


def _check_types(
    connection: sqlite3.Connection, table: Table, old: Mapping[str, str], convert: Mapping[str, str]
) -> None:
    """Raise DoesNotFit when a column's new type did not take every value as it was: SQLite itself never complains."""
    temporary = _TEMPORARY + table.name
    for name, declared in column_types(connection, temporary).items():
        if name in convert or name not in old or affinity(declared) == affinity(old[name]):
            continue
        keys = [column.name for column in table.primary_key]
        kinds = ", ".join(f"'{kind}'" for kind in ("null", *_KINDS.get(affinity(declared), ("blob",))))
        column = quoted(name)
        same = " AND ".join(f"o.{quoted(key)} = n.{quoted(key)}" for key in keys)
        # Cast back to what it was: '007' that became 7, or 2^53 + 1 that became a double, differ.
        back = f"CAST(n.{column} AS {affinity(old[name])})"
        [lost] = connection.execute(
            f"SELECT count(*) FROM {quoted(table.name)} o JOIN {quoted(temporary)} n ON {same} "
            f"WHERE typeof(n.{column}) NOT IN ({kinds}) OR {back} IS NOT o.{column}"
        ).fetchone()
        if lost:
            raise DoesNotFit(f"{table.name}.{name} becomes {declared}, which {lost} of its values are not")


def _foreign_objects(connection: sqlite3.Connection, table: Table) -> list[str]:
    """The statements of triggers and indexes on the table that the program did not make."""
    declared = set(index_sql(table))
    search = search_table(table.name)
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL "
        "AND type IN ('trigger', 'index') ORDER BY rowid",
        (table.name,),
    )
    return [
        str(sql)
        for kind, name, sql in rows
        if not (
            name.startswith(f"{search}_")
            if kind == "trigger"
            else name in declared or _is_ours(name, table) or is_made(name)
        )
    ]


def _made_indexes(connection: sqlite3.Connection, table: Table, convert: Mapping[str, str]) -> list[str]:
    """The statements that make the indexes of admins again."""
    old = column_types(connection, table.name)
    renamed = {source.strip('"'): name for name, source in convert.items() if source.strip('"') in old}
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (table.name,))
    fields = [carried(fields_of(name)[1], table.c.keys(), renamed) for (name,) in rows if is_made(name)]
    return [create_sql(table.name, known) for known in fields if known is not None]


def _rename(connection: sqlite3.Connection, temporary: str, name: str) -> None:
    # Today's ALTER TABLE rewrites what refers to the table and refuses while a view or a trigger of another table
    # names the one that was just dropped. The legacy one renames and does nothing else.
    [before] = connection.execute("PRAGMA legacy_alter_table").fetchone()
    connection.execute("PRAGMA legacy_alter_table = ON")
    try:
        connection.execute(f"ALTER TABLE {temporary} RENAME TO {name}")
    finally:
        connection.execute(f"PRAGMA legacy_alter_table = {before}")


def _sequence(connection: sqlite3.Connection, table_name: str) -> int | None:
    # The table of sequences comes with the first table that wants one.
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone() is None:
        return None
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table_name,)).fetchone()
    return None if row is None else int(row[0])


def _set_sequence(connection: sqlite3.Connection, table_name: str, sequence: int | None) -> None:
    if sequence is None:
        return
    changed = connection.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (sequence, table_name)
    ).rowcount
    if not changed:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table_name, sequence))
