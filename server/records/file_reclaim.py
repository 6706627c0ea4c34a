"""Files that nothing refers to any more: noted, and removed when no record can come back that did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from server.access.actor import SYSTEM
from server.db import file_rows
from server.db.content_store import ContentStore
from server.db.file_reach import Holder
from server.db.transaction import Transaction
from server.models.stored_file import FILES_TABLE
from server.records.service import Records
from server.records.times import from_text, to_text
from server.records.work import Work

MARKED_AT_ONCE = 2000
ERASED_AT_ONCE = 500
PARTS = 256
_UNDER_WAY = timedelta(hours=1)
"""A deleted file that is just being brought back may be this much older than what can be brought back now."""


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What one sweep removed."""

    files: int
    contents: int
    """Bytes that no file had any more; several files may have had the same."""


class FileReclaim:
    """One sweep at a time."""

    def __init__(
        self, records: Records, content: ContentStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._records = records
        self._content = content
        self._now = now

    async def sweep(self) -> Reclaimed:
        """Mark what is unused, forget what was unused for `trash_days`, remove bytes that nothing needs.

        Interrupted at any point, the next one ends the work. Raises GridBearError when the store refuses, OSError.
        """
        if self._records.shelf.store.storage.in_recovery:
            # A damaged file may have lost the rows whose bytes are here.
            return Reclaimed(0, 0)
        holders = tuple(
            Holder(found.model, found.column) for found in self._records.shelf.referrers.get(FILES_TABLE, ())
        )
        oldest = self._now() - timedelta(days=self._records.shelf.settings.current.trash_days)
        await self._mark(holders)
        files = await self._erase(holders, to_text(oldest))
        return Reclaimed(files, await self._remove_bytes(to_text(oldest - _UNDER_WAY)))

    async def _mark(self, holders: tuple[Holder, ...]) -> None:
        store, now = self._records.shelf.store, to_text(self._now())
        [[(last,)]] = await store.read([(file_rows.last_id_sql(), {})])
        for low in range(1, int(last) + 1, MARKED_AT_ONCE):
            values = {"low": low, "high": low + MARKED_AT_ONCE - 1, "now": now}
            # The mark is part of no surface, so that nothing that was read before is outdated.
            await store.write(_marking(file_rows.mark_sql(holders), values), ())

    async def _erase(self, holders: tuple[Holder, ...], before: str) -> int:
        sql = file_rows.expired_sql(holders)
        erased = 0
        while True:

            def unit(work: Work, _results: list[Any]) -> int:
                rows = work.transaction.execute(sql, {"before": before, "row_limit": ERASED_AT_ONCE}).fetchall()
                for (file_id,) in rows:
                    work.erase(FILES_TABLE, file_id)
                return len(rows)

            part: int = await self._records.work(SYSTEM, unit, (FILES_TABLE,), always=True)
            erased += part
            if part < ERASED_AT_ONCE:
                return erased

    async def _remove_bytes(self, since: str) -> int:
        store = self._records.shelf.store
        self._content.begin_sweep()
        [[(began,)]] = await store.read([(file_rows.began_sql(), {})])
        removed = 0
        if began is None:
            return removed
        for part in range(PARTS):
            names = await asyncio.to_thread(self._content.listed, part)
            if names:
                values = {"hashes": orjson.dumps(names).decode(), "since": since}
                [rows] = await store.read([(file_rows.unneeded_sql(), values)])
                unneeded = [str(row[0]) for row in rows]
                removed += await asyncio.to_thread(self._content.remove, unneeded, from_text(began).timestamp() - 1)
        return removed


def _marking(sql: str, values: dict[str, Any]) -> Callable[[Transaction], None]:
    def unit(transaction: Transaction) -> None:
        transaction.execute(sql, values)

    return unit
