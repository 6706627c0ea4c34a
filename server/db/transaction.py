"""The open transaction, as a unit of work sees it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

from server.db.faults import translate
from server.db.log_sizes import LogSizes
from server.db.search import SearchIndexes
from server.errors import GridBearError


class Transaction:
    """Runs the statements of a unit, which says what tables it has changed."""

    __slots__ = ("_connection", "_indexes", "sizes", "touched")

    def __init__(
        self, connection: sqlite3.Connection, touched: set[str], indexes: SearchIndexes, sizes: LogSizes
    ) -> None:
        self._connection = connection
        self._indexes = indexes
        self.touched = touched
        self.sizes = sizes
        """Bytes of log-like tables; who changes their rows tells it."""

    @property
    def connection(self) -> sqlite3.Connection:
        """The writer's connection, for changes of tables themselves. Begin and end no transaction on it."""
        return self._connection

    def execute(self, sql: str, parameters: Mapping[str, Any] | tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement of this unit."""
        return self._connection.execute(sql, parameters)

    def settle_search(self) -> None:
        """Bring the full-text indexes up to date, for a unit that searches. Else it is done before the commit."""
        self._indexes.settle(self.touched)

    def attempt(
        self, sql: str, parameters: Mapping[str, Any], unknown: Collection[str] = ()
    ) -> tuple[int, GridBearError | None]:
        """Run one statement that a constraint may refuse; then nothing of it remains.

        Returns how many rows it changed, and what a refusal means, in which `unknown` columns have no name.
        """
        self._connection.execute("SAVEPOINT attempt")
        try:
            rows, error = self._connection.execute(sql, parameters).rowcount, None
        except sqlite3.IntegrityError as refusal:
            rows, error = 0, translate(refusal, unknown)
            self._connection.execute("ROLLBACK TO attempt")
        self._connection.execute("RELEASE attempt")
        return rows, error
