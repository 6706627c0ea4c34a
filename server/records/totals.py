"""Totals of lists, kept until the next commit that touches the model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from server.db.writer import TableVersions

MAX_TOTALS = 2048


class Totals:
    """A cache of counts. It never holds one that was counted while a change was half visible."""

    def __init__(self, versions: TableVersions) -> None:
        self._versions = versions
        self._counts: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def get(self, table: str, key: Hashable) -> int | None:
        """The count of `key`, if nothing has changed in `table` since it was counted."""
        known = self._counts.get(key)
        if known is None or known[0] != self._versions.of(table):
            return None
        return known[1]

    def version(self, table: str) -> int | None:
        """To be taken before counting and given to `put`."""
        return self._versions.of(table)

    def put(self, table: str, key: Hashable, version: int | None, count: int) -> None:
        """Remember a count that was made at `version`, unless the table has changed meanwhile."""
        if version is None or version != self._versions.of(table):
            return
        self._counts[key] = (version, count)
        self._counts.move_to_end(key)
        if len(self._counts) > MAX_TOTALS:
            self._counts.popitem(last=False)
