"""What a table is declared as, what it is in a file, and the stored hash that tells at start whether the two agree."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Mapping

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from server.db.search import search_ddl, search_table

_DIALECT = sqlite.dialect()
META_TABLE = "gridbear_meta"
_META = f"CREATE TABLE IF NOT EXISTS {META_TABLE} (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_PREFIX = "table:"

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|\S""")


def quoted(name: str) -> str:
    """`name` as an identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def create_table_sql(table: Table, name: str | None = None) -> str:
    """The CREATE TABLE of `table`, in SQLite's dialect; under another `name` it keeps the names of its constraints."""
    # The general dialect leaves AUTOINCREMENT out, and ids would be given again.
    compiled = CreateTable(table).compile(dialect=_DIALECT)
    body = str(compiled).strip()
    head = f"CREATE TABLE {compiled.preparer.format_table(table)} ("
    if not body.startswith(head):
        raise ValueError(f"{table.name} is no plain table")
    return body if name is None else f"CREATE TABLE {quoted(name)} (" + body[len(head) :]


def index_sql(table: Table) -> dict[str, str]:
    """The CREATE INDEX of each index of `table`, by name. Raises ValueError for an index without a name."""
    statements = {}
    for index in table.indexes:
        if index.name is None:
            raise ValueError(f"an index of {table.name} has no name")
        statements[str(index.name)] = str(CreateIndex(index).compile(dialect=_DIALECT))
    return dict(sorted(statements.items()))


def normalised(statement: str) -> str:
    """The text of a statement that is the same for the same meaning.

    One space between tokens, no needless quotes, and the constraints of a table in the order of their texts: those of
    a table that was copied from one MetaData to another come in any order.
    """
    tokens = [token[1:-1] if token[0] == '"' else token for token in _TOKEN.findall(statement)]
    if tokens[:2] != ["CREATE", "TABLE"] or "(" not in tokens:
        return " ".join(tokens)
    begin = tokens.index("(") + 1
    parts, tail = _parts(tokens[begin:])
    parts = [part for part in parts if not _is_constraint(part)] + sorted(filter(_is_constraint, parts))
    return " ".join([*tokens[:begin], " , ".join(parts), *tail])


def _parts(tokens: list[str]) -> tuple[list[str], list[str]]:
    """What lies between the commas up to the bracket that closes the list, and what follows from there on."""
    parts: list[list[str]] = [[]]
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth < 0:
            return [" ".join(part) for part in parts], tokens[index:]
        if token == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [" ".join(part) for part in parts], []


def _is_constraint(part: str) -> bool:
    return part.startswith("CONSTRAINT ")


def fingerprint(table: Table) -> str:
    """A hash of the declaration: columns, constraints, indexes and full-text index."""
    return _hash([create_table_sql(table), *index_sql(table).values(), *search_ddl(table)])


def schema_of(connection: sqlite3.Connection) -> dict[str, str]:
    """The statement that made each table, index and trigger of the file, by name."""
    # Triggers first: a trigger may have the name of a table, which then counts.
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type != 'trigger'")
    return {str(name): str(sql) for name, sql in rows}


def record_fingerprint(connection: sqlite3.Connection, table: Table) -> None:
    """Store that the file has `table` as it is declared."""
    connection.execute(_META)
    connection.execute(f"INSERT OR REPLACE INTO {META_TABLE} VALUES (?, ?)", (_PREFIX + table.name, fingerprint(table)))


def recorded_fingerprints(connection: sqlite3.Connection) -> dict[str, str]:
    """The stored fingerprints, by table."""
    rows = connection.execute(f"SELECT name, value FROM {META_TABLE} WHERE name GLOB ?", (f"{_PREFIX}*",))
    return {str(name).removeprefix(_PREFIX): str(value) for name, value in rows}


def is_as_declared(table: Table, schema: Mapping[str, str]) -> bool:
    """Whether a file with this `schema` (see `schema_of`) has `table`, its indexes and full-text index as declared."""
    statements = [create_table_sql(table), *index_sql(table).values(), *search_ddl(table)]
    present = {normalised(statement) for statement in schema.values()}
    searched = bool(search_ddl(table)) == (search_table(table.name) in schema)
    return searched and all(normalised(statement) in present for statement in statements)


def forget_fingerprint(connection: sqlite3.Connection, table_name: str) -> None:
    """Remove what is stored of a table that is gone."""
    connection.execute(f"DELETE FROM {META_TABLE} WHERE name = ?", (_PREFIX + table_name,))


def _hash(statements: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(map(normalised, statements)).encode()).hexdigest()
