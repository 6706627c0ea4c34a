"""Byte caps of log-like models: the oldest rows go first, and only rows of that model."""

from __future__ import annotations

from server.db.writer import Transaction
from server.records.prepared import PreparedModel

SLACK = 0.9
"""A model over its cap is cut down to this part of it, so that not every new row has to cut."""


class LogCap:
    """Keeps count of one model's bytes inside the writer thread; counted once, then estimated."""

    def __init__(self, prepared: PreparedModel) -> None:
        self._prepared = prepared
        self._bytes: int | None = None

    def added(self, transaction: Transaction, size: int, cap: int) -> None:
        """A row of about `size` bytes was inserted by `transaction`: drop the oldest when over `cap` bytes."""
        if self._bytes is None:
            self._bytes = self._measure(transaction)
        else:
            self._bytes += size
        if self._bytes <= cap:
            return
        self._bytes = self._measure(transaction)
        while self._bytes > cap * SLACK:
            rows = int(transaction.execute(self._prepared.count_all).fetchone()[0])
            if rows <= 1:
                return
            part = max(1, min(rows - 1, int(rows * (1 - cap * SLACK / self._bytes)) + 1))
            transaction.execute(self._prepared.drop_oldest, {"n": part})
            self._bytes = self._measure(transaction)

    def _measure(self, transaction: Transaction) -> int:
        return int(transaction.execute(self._prepared.size).fetchone()[0])
