"""How often each table was changed: what is cached of a table is good for one version of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class TableVersions:
    """While a group that touches a table is open, the table has no version."""

    _versions: dict[str, int] = field(default_factory=dict)
    _open: frozenset[str] = frozenset()

    def of(self, table: str) -> int | None:
        """The version of `table`, or None while a change may be half visible: nothing may be cached then."""
        return None if table in self._open else self._versions.get(table, 0)

    def begin(self, tables: frozenset[str]) -> None:
        self._open = tables

    def end(self) -> None:
        for table in self._open:
            self._versions[table] = self._versions.get(table, 0) + 1
        self._open = frozenset()
