"""Which uploaded files somebody may read, as a WHERE clause."""

from __future__ import annotations

from dataclasses import dataclass

FILES = "files"


@dataclass(frozen=True, slots=True)
class Holder:
    """A column that refers to files."""

    table: str
    column: str
    owned_by: str | None = None
    """The column of the table that must be `:actor_id`, for somebody who reads only their own rows."""


@dataclass(frozen=True, slots=True)
class FileReach:
    """Which files somebody may read: all, their own, those that the rows of the holders refer to."""

    everything: bool
    own: bool
    holders: tuple[Holder, ...]

    def condition(self, source: str = FILES) -> str:
        """The WHERE clause for the table under the name `source`. Parameter: `actor_id`."""
        if self.everything:
            return "1"
        parts = [f'"{source}".owner_id = :actor_id'] if self.own else []
        parts += [referred(holder, source) for holder in self.holders]
        return f"({' OR '.join(parts)})" if parts else "0"


def referred(holder: Holder, source: str) -> str:
    owned = "" if holder.owned_by is None else f' AND holder."{holder.owned_by}" = :actor_id'
    return f'EXISTS (SELECT 1 FROM "{holder.table}" AS holder WHERE holder."{holder.column}" = "{source}".id{owned})'
