"""Byte caps of log-like models: the oldest rows go first, and only rows of that model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from server.db.log_sizes import LogStatements
from server.db.transaction import Transaction
from server.models.registry import ModelSpec

SLACK_PART = 64
SLACK_BYTES = 256 * 1024
"""A model over its cap is cut a little below it, so that not every new row has to cut, and no cut takes long."""
_CHUNK = 500


class LogCap:
    """Keeps one model below its cap, inside the writer thread."""

    def __init__(self, spec: ModelSpec) -> None:
        self._log = LogStatements(spec.table, spec.options.log_keeps)

    def changed(
        self, transaction: Transaction, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, cap: int
    ) -> None:
        """A row was inserted, changed or deleted (its columns before and after): drop the oldest when over `cap`."""
        size = self._log.size
        self.grown(transaction, (size.of(after) if after else 0) - (size.of(before) if before else 0), cap)

    def added(self, transaction: Transaction, rows: Iterable[Mapping[str, Any]], cap: int) -> None:
        """Rows were inserted: drop the oldest when over `cap` bytes."""
        self.grown(transaction, sum(map(self._log.size.of, rows)), cap)

    def size_of(self, row: Mapping[str, Any]) -> int:
        """The bytes of a row. Numbers always take the same."""
        return self._log.size.of(row)

    def grown(self, transaction: Transaction, by: int, cap: int) -> None:
        """The rows take `by` bytes more: drop the oldest when that is over `cap` bytes."""
        total = transaction.sizes.grow(self._log, by)
        if by > 0 and total > cap:
            self._cut(transaction, total, cap)

    def recount(self, transaction: Transaction, cap: int) -> None:
        """Many rows came at once: measure them, and drop the oldest when over `cap` bytes."""
        self._cut(transaction, transaction.sizes.measure(self._log), cap)

    def expire(self, transaction: Transaction, before: str, n: int) -> int:
        """Drop at most `n` rows from before a time. Returns how many went."""
        sizes = [int(row[0]) for row in transaction.execute(self._log.expire, {"before": before, "n": n})]
        transaction.sizes.grow(self._log, -sum(sizes))
        return len(sizes)

    def deleting(self, sql: str) -> str:
        """A statement that deletes rows of the model, so that it tells the bytes of each for `grown`."""
        return f"{sql} RETURNING {self._log.size.sql()}"

    def _cut(self, transaction: Transaction, total: int, cap: int) -> None:
        target = cap - min(cap // SLACK_PART, SLACK_BYTES)
        excess = total - target if total > cap else 0
        while excess > 0:
            last, freed = None, 0
            for record_id, size in transaction.execute(self._log.oldest, {"n": _CHUNK}).fetchall():
                last, freed = record_id, freed + size
                if freed >= excess:
                    break
            if last is None:
                # Nothing may go. Should the count be wrong, this puts it right.
                transaction.sizes.measure(self._log)
                return
            transaction.execute(self._log.drop, {"last": last})
            transaction.sizes.grow(self._log, -freed)
            excess -= freed
