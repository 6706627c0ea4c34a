"""Answers that are kept until the next commit that touches their model: one writer makes that exact."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from server.db.table_versions import TableVersions

T = TypeVar("T")


class Fresh(Generic[T]):
    """A bounded cache of what was read of tables. It never holds what was read while a change was half visible."""

    def __init__(self, versions: TableVersions, limit: int) -> None:
        self._versions = versions
        self._limit = limit
        self._known: OrderedDict[Hashable, tuple[int, T]] = OrderedDict()

    def get(self, table: str, key: Hashable) -> T | None:
        """What is known under `key`, if nothing has changed in `table` since it was read."""
        known = self._known.get(key)
        if known is None or known[0] != self._versions.of(table):
            return None
        return known[1]

    def version(self, table: str) -> int | None:
        """To be taken before reading and given to `put`."""
        return self._versions.of(table)

    def put(self, table: str, key: Hashable, version: int | None, found: T) -> None:
        """Remember what was read at `version`, unless the table has changed meanwhile."""
        if version is None or version != self._versions.of(table):
            return
        self._known[key] = (version, found)
        self._known.move_to_end(key)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
