"""The log of requests: noted in memory while they are answered, stored together once a second, bounded in all ways."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

from starlette.types import Scope

from server.access.actor import SYSTEM, Actor
from server.config import Settings, SettingsHolder
from server.errors import Busy, GridBearError
from server.models.request import Request
from server.records.log_buffer import LogBuffer
from server.records.log_rows import insert_log
from server.records.service import Records
from server.records.times import to_text
from server.records.work import Work

MODEL = Request.__tablename__
ACTOR = "actor"
"""Key in a request's state: who it is of, once that is known."""
KEPT_PER_SECOND = 100
"""So many that went well are kept per second, and as many that did not; a flood of either costs no more."""
SLOW_SECONDS = 1.0
"""What took longer counts among those that did not go well, so that many quick ones do not hide it."""
_TICK_SECONDS = 1.0
_MOST_WAITING = 20 * KEPT_PER_SECOND
_UNSEEN = ("/healthz", "/metrics", "/ui/", f"/api/v1/{MODEL}", "/api/v1/server/log/", "/favicon.ico")
"""What monitors and pages ask for all the time, and the logs themselves: looking at them would fill this one."""

_Noted = tuple[float, str, str, str, int, float, "Actor | None", "str | None", str]


class RequestLog:
    """Made and used on the event loop. `heard` is all that a request pays for."""

    def __init__(self, records: Records, settings: SettingsHolder) -> None:
        self._records = records
        self._settings = settings
        self.skipped = 0
        """Requests since the start that were too many to keep."""
        self._buffer: LogBuffer[_Noted] = LogBuffer("request log", self._tick, self._store, 2 * KEPT_PER_SECOND)
        self.start, self.flush = self._buffer.start, self._buffer.flush
        self._well = self._badly = KEPT_PER_SECOND
        self._take(settings.current)
        self._unsubscribe = settings.subscribe(self._take)

    def _take(self, current: Settings) -> None:
        self._on = current.request_log != "off"
        self._all = current.request_log == "everything"

    def heard(self, surface: str, scope: Scope, status: int, seconds: float) -> None:
        """An answer has begun, `seconds` after its request."""
        if not self._on or surface == "ui":
            return
        if status < 400 and seconds < SLOW_SECONDS:
            if not self._all:
                return
            if not self._well:
                self.skipped += 1
                return
            if scope["path"].startswith(_UNSEEN):
                return
            self._well -= 1
        elif not self._badly:
            self.skipped += 1
            return
        else:
            self._badly -= 1
        client, state = scope.get("client"), scope["state"]
        self._buffer.add(
            (
                time.time(), surface, scope["method"], scope["path"], status, seconds, state.get(ACTOR),
                None if client is None else client[0], state["request_id"],
            )
        )  # fmt: skip

    async def stop(self) -> None:
        """Store what waits, and end."""
        self._unsubscribe()
        await self._buffer.stop()

    async def expire(self) -> int:
        """Forget requests older than `requests_days`, a part at a time. Returns how many went."""
        return await self._records.shelf.expire(MODEL, self._settings.current.requests_days)

    async def _tick(self) -> None:
        await self._buffer.pause(_TICK_SECONDS)
        self._well = self._badly = KEPT_PER_SECOND

    async def _store(self, batch: list[_Noted]) -> None:
        # What can't be stored is let go: a log holds up nothing.
        rows = [_row(one) for one in batch]
        try:
            await self._insert(rows)
        except Busy:
            if len(self._buffer) < _MOST_WAITING:
                raise
        except GridBearError:
            # One of them is of a person who is gone meanwhile.
            for row in rows:
                with contextlib.suppress(GridBearError):
                    await self._insert([row])

    async def _insert(self, rows: list[dict[str, Any]]) -> None:
        def insert(work: Work, _: list[Any]) -> None:
            # Nobody is told: each second would bring an event that drives out what people who were away missed.
            insert_log(work, MODEL, rows, told=False)

        await self._records.work(SYSTEM, insert, (MODEL,))


def _row(noted: _Noted) -> dict[str, Any]:
    at, surface, method, path, status, seconds, actor, address, request_id = noted
    moment = to_text(datetime.fromtimestamp(at, UTC))
    if surface == "plugins":
        # Beyond its name a plugin's address is its own, and may well be a secret that somebody was given.
        parts = path.split("/", 3)
        path = "/".join(parts[:3]) + ("/…" if len(parts) > 3 and parts[3] else "")
    return {
        "method": method[:16],
        "path": path[:300].replace("\0", "\ufffd").encode("utf-8", "replace").decode(),
        "status": status,
        "level": "ok" if status < 400 else "refused" if status < 500 else "failed",
        "surface": surface,
        "duration_ms": round(seconds * 1000, 3),
        "user_name": None if actor is None else actor.username or actor.kind,
        "through": None if actor is None else actor.kind,
        "address": None if address is None else str(address)[:100],
        "request_id": request_id,
        "owner_id": None if actor is None else actor.user_id,
        "created_at": moment,
        "updated_at": moment,
    }
