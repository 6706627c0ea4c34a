"""The log of tool calls: kept in memory until a batch of them is written, so that no call waits for the disk."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any

from server.access.actor import SYSTEM
from server.config import SettingsHolder
from server.errors import Busy, GridBearError, StorageFull
from server.events.bus import Bus, RecordChanged
from server.mcp_gateway.activity.entry import Entry
from server.mcp_gateway.activity.redaction import Redactor
from server.models.tool_call import ToolCall
from server.records.log_buffer import LogBuffer
from server.records.log_rows import insert_log
from server.records.secret_values import secret_values
from server.records.service import Records
from server.records.work import Work

log = logging.getLogger(__name__)

MODEL = ToolCall.__tablename__
MOST_WAITING = 5_000
MOST_BYTES = 16 << 20
"""What may wait to be written; a call above it is not kept, and counted as dropped."""
_BATCH = 1_000
_GATHER_SECONDS = 0.25
_MANY = 100
"""Of calls in that time: then it is waited for more of them, so many times in all."""
_MOST_GATHERS = 4


class CallLog:
    """Made and used on the event loop."""

    def __init__(self, records: Records, settings: SettingsHolder, bus: Bus) -> None:
        self._records = records
        self._settings = settings
        self.dropped: Counter[str] = Counter()
        """Calls that were not kept, by reason: `buffer_full`, `disk_full`, `failed`."""
        self.written = 0
        self._buffer: LogBuffer[Entry] = LogBuffer("tool call log", self._gather, self._write, _BATCH)
        self.start, self.flush = self._buffer.start, self._buffer.flush
        self._bytes = 0
        self._secrets: set[str] = set()
        self._redactor = Redactor(())
        self._stale = True
        self._unsubscribe = bus.subscribe(self._changed)

    @property
    def waiting(self) -> int:
        """Calls that are not written yet."""
        return len(self._buffer)

    async def stop(self) -> None:
        """Write what waits, and end."""
        self._unsubscribe()
        await self._buffer.stop()

    def add(self, entry: Entry) -> None:
        """Keep a call. Takes no time."""
        if self.waiting >= MOST_WAITING or self._bytes + entry.size > MOST_BYTES:
            self.dropped["buffer_full"] += 1
            return
        self._buffer.add(entry)
        self._bytes += entry.size

    async def expire(self) -> int:
        """Forget calls older than `tool_calls_days`, a part at a time. Returns how many went."""
        return await self._records.shelf.expire(MODEL, self._settings.current.tool_calls_days)

    async def _gather(self) -> None:
        # The calls of a moment share one transaction; the more they are, the less costs each.
        for _ in range(_MOST_GATHERS):
            await self._buffer.pause(_GATHER_SECONDS)
            half_full = self.waiting > MOST_WAITING // 2 or self._bytes > MOST_BYTES // 2
            if self.waiting < _MANY or half_full:
                return

    async def _write(self, batch: list[Entry]) -> None:
        redactor = await self.redactor()
        rows = await asyncio.to_thread(lambda: [entry.row(redactor) for entry in batch])
        try:
            await self._insert(rows)
        except Busy:
            raise
        except StorageFull:
            self.dropped["disk_full"] += len(rows)
        except GridBearError:
            # One of them can't be stored, such as that of a person who was deleted meanwhile.
            for row in rows:
                try:
                    await self._insert([row])
                except GridBearError as error:
                    self.dropped["failed"] += 1
                    log.warning("a tool call could not be kept: %s", error.message)
        self._bytes -= sum(entry.size for entry in batch)

    async def _insert(self, rows: list[dict[str, Any]]) -> None:
        def insert(work: Work, _: list[Any]) -> None:
            # Calls in thousands would drive all other changes out of what a listener who was away can catch up on:
            # one event a batch and person says that there are new ones.
            insert_log(work, MODEL, rows)

        await self._records.work(SYSTEM, insert, (MODEL,))
        self.written += len(rows)

    async def redactor(self) -> Redactor:
        """Knows the secrets of this moment."""
        if self._stale:
            self._stale = False
            try:
                # A call may still tell of a secret that has just been changed.
                self._secrets |= await secret_values(self._records.shelf)
            except BaseException:
                self._stale = True
                raise
            self._redactor = Redactor(self._secrets)
        return self._redactor

    def _changed(self, event: RecordChanged) -> None:
        known = self._records.shelf.models.get(event.model)
        if known is None or known.spec.sealed:
            self._stale = True
