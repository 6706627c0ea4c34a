"""What the disk and the database file allow just now: everything, no logs, no writes, or reading alone."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from server.config import Settings
from server.db.faults import DAMAGE_WAY_OUT, Fault, fault_of, translate
from server.errors import GridBearError, StorageFull

log = logging.getLogger(__name__)

State = Literal["ok", "logs_stopped", "read_only", "recovery"]
Trouble = Literal["damaged", "read_failed", "vanished", "replaced"]
_Identity = tuple[int, int]
FreeBytes = Callable[[Path], int]
"""What the disk of a folder has left."""

LOOK_AGAIN_SECONDS = 0.1
RELIEF = 1.1
"""A state is left when this much more is free than what it began at: no coming and going at the limit."""

_TROUBLE_TEXTS: dict[Trouble, str] = {
    "damaged": "The database file is damaged.",
    "read_failed": "The disk failed while reading or securing the database file.",
    "vanished": "The database file, or the -wal file beside it, is gone from its place.",
    "replaced": "Another file lies in the place of the database file, or of the -wal file beside it.",
}
_TROUBLE_OF: dict[Fault, Trouble] = {"damaged": "damaged", "read_failed": "read_failed", "moved": "vanished"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Free bytes below which logs stop, and below which nothing is written. 0 never."""

    logs_stop: int = 0
    read_only: int = 0


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings say."""
    return Limits(settings.storage_logs_stop_bytes, settings.storage_read_only_bytes)


@dataclass(frozen=True, slots=True)
class Condition:
    """What is allowed, since when, and why."""

    state: State
    since: datetime
    free_bytes: int | None = None
    """None where it can't be told."""
    trouble: Trouble | None = None
    """What put the server into recovery."""

    @property
    def message(self) -> str:
        """What happened and what to do; empty when all is well."""
        free = "unknown" if self.free_bytes is None else f"{self.free_bytes / (1 << 20):,.0f} MB"
        match self.state:
            case "ok":
                return ""
            case "logs_stopped":
                return (
                    f"Only {free} are free on the disk: history and other logs take no new entries, so changes can't "
                    "be undone now. Free some space; they go on by themselves (storage_logs_stop_bytes)."
                )
            case "read_only":
                return (
                    f"Only {free} are free on the disk: GridBear reads and deletes, but writes nothing new. Free some "
                    "space, or delete records or old backups; writing goes on by itself (storage_read_only_bytes)."
                )
            case "recovery":
                assert self.trouble is not None
                return f"{_TROUBLE_TEXTS[self.trouble]} {DAMAGE_WAY_OUT}"


def free_bytes(folder: Path) -> int:
    """What the disk of `folder` has left for this user."""
    return shutil.disk_usage(folder).free


class Storage:
    """Watches the disk and the file of one database. May be asked and told from any thread."""

    def __init__(
        self,
        path: Path,
        limits: Callable[[], Limits] = Limits,
        *,
        free: FreeBytes = free_bytes,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._limits = limits
        self._free = free
        self._now = now
        self._clock = clock
        self._looked = clock()
        self._lock = threading.Lock()
        self._watched: dict[str, _Identity] = {}
        self._subscribers: list[Callable[[Condition], None]] = []
        self.condition = Condition("ok", now())

    def subscribe(self, callback: Callable[[Condition], None]) -> None:
        """Call `callback` at every change of state, in whichever thread noticed it."""
        self._subscribers.append(callback)

    @property
    def logs_stopped(self) -> bool:
        """Whether log-like models take no rows."""
        return self.condition.state != "ok"

    @property
    def in_recovery(self) -> bool:
        """Whether the file itself is in doubt: not a byte is written."""
        return self.condition.state == "recovery"

    def refusal(self) -> StorageFull:
        """The answer to a write that is not allowed now."""
        code = "recovery_mode" if self.in_recovery else "storage_low"
        return StorageFull(self.condition.message, code=code)

    def watch_file(self) -> None:
        """From now on the database is the file, with its write-ahead log, that lies at its path at this moment."""
        places = (str(self.path), f"{self.path}-wal")
        self._watched = {place: found for place in places if (found := _identity(place)) is not None}

    def file_trouble(self) -> Trouble | None:
        """Whether the open files are still those at their places. What is written to others is lost."""
        for place, identity in self._watched.items():
            found = _identity(place)
            if found != identity:
                return "vanished" if found is None else "replaced"
        return None

    def look(self) -> None:
        """Measure what is free and look for the file. Cheap: two calls of the system."""
        self._looked = self._clock()
        try:
            free = self._free(self.path.parent)
        except OSError:
            free = None
        trouble = self.file_trouble()
        with self._lock:
            before = self.condition
            if trouble is not None and before.state != "recovery":
                after = Condition("recovery", self._now(), free, trouble)
            elif before.state == "recovery":
                after = replace(before, free_bytes=free)
            else:
                after = self._measured(before, free)
            self.condition = after
        self._tell(before, after)

    def wrote(self) -> None:
        """Something was written: look, unless that was done a moment ago. A fast disk fills between two looks."""
        if self._clock() - self._looked >= LOOK_AGAIN_SECONDS:
            self.look()

    def failed(self, fault: Fault) -> None:
        """A statement failed: what that says of disk and file is in force at once."""
        trouble = _TROUBLE_OF.get(fault)
        if trouble is not None:
            self.enter_recovery(trouble)
        elif fault in ("full", "write_failed", "unreachable"):
            self.look()

    def failure(self, error: sqlite3.Error) -> GridBearError:
        """The error to show for one that this database gave; what it says of disk and file is in force at once."""
        self.failed(fault_of(error))
        return translate(error)

    def enter_recovery(self, trouble: Trouble) -> None:
        """Write nothing more until somebody has decided."""
        with self._lock:
            before = self.condition
            if before.state == "recovery":
                return
            after = self.condition = Condition("recovery", self._now(), before.free_bytes, trouble)
        self._tell(before, after)

    def leave_recovery(self) -> None:
        """Somebody has decided that the file is good."""
        with self._lock:
            before = self.condition
            if before.state != "recovery":
                return
            after = self.condition = self._measured(Condition("ok", self._now()), before.free_bytes)
        self._tell(before, after)
        self.look()

    def _measured(self, before: Condition, free: int | None) -> Condition:
        if free is None:
            return replace(before, free_bytes=None)
        limits = self._limits()
        read_only = limits.read_only * (RELIEF if before.state == "read_only" else 1)
        logs_stop = limits.logs_stop * (RELIEF if before.state != "ok" else 1)
        state: State = "read_only" if free < read_only else "logs_stopped" if free < logs_stop else "ok"
        return Condition(state, before.since if state == before.state else self._now(), free)

    def _tell(self, before: Condition, after: Condition) -> None:
        if before.state == after.state:
            return
        log.warning("storage: %s. %s", after.state, after.message)
        for subscriber in tuple(self._subscribers):
            subscriber(after)


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)  # looked at before every group of writes, where a Path would cost more than the call
    except OSError:
        return None
    return found.st_dev, found.st_ino
