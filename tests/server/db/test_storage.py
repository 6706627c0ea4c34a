"""The storage guard: what a low disk and a file in doubt allow, and how it comes back."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.db.faults import fault_of, translate
from server.db.storage import Condition, Limits, Storage
from server.errors import Busy, GridBearError, StorageFull

MB = 1 << 20


class Disk:
    """A disk whose free space the test decides."""

    def __init__(self, free: int) -> None:
        self.free: int | None = free

    def __call__(self, _folder: Path) -> int:
        if self.free is None:
            raise OSError("the folder is gone")
        return self.free


def _storage(tmp_path: Path, disk: Disk) -> tuple[Storage, list[Condition]]:
    storage = Storage(tmp_path / "it.db", lambda: Limits(1000 * MB, 200 * MB), free=disk)
    told: list[Condition] = []
    storage.subscribe(told.append)
    return storage, told


def test_each_limit_is_told_once_and_left_with_some_room_to_spare(tmp_path: Path) -> None:
    disk = Disk(2000 * MB)
    storage, told = _storage(tmp_path, disk)
    seen = []
    for free in (2000, 999, 990, 1050, 1101, 199, 150, 210, 221, 5, 5000):
        disk.free = free * MB
        storage.look()
        seen.append(storage.condition.state)
    assert seen == [
        "ok", "logs_stopped", "logs_stopped", "logs_stopped", "ok", "read_only", "read_only", "read_only",
        "logs_stopped", "read_only", "ok",
    ]  # fmt: skip
    assert [condition.state for condition in told] == [
        "logs_stopped", "ok", "read_only", "logs_stopped", "read_only", "ok"
    ]  # fmt: skip


def test_a_limit_of_zero_never_stops_anything(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "it.db", Limits, free=Disk(0))
    storage.look()
    assert storage.condition.state == "ok"


def test_free_space_that_cannot_be_told_changes_nothing(tmp_path: Path) -> None:
    disk = Disk(100 * MB)
    storage, _ = _storage(tmp_path, disk)
    storage.look()
    disk.free = None
    storage.look()
    assert storage.condition.state == "read_only" and storage.condition.free_bytes is None


def test_since_is_the_moment_of_the_change_and_not_of_the_latest_look(tmp_path: Path) -> None:
    moments = iter(datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 20))
    storage = Storage(tmp_path / "it.db", lambda: Limits(10, 5), free=Disk(3), now=lambda: next(moments))
    storage.look()
    since = storage.condition.since
    storage.look()
    assert storage.condition.since == since


def test_a_file_that_vanished_and_one_that_was_replaced_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    path.write_bytes(b"one")
    (tmp_path / "it.db-wal").write_bytes(b"log")
    storage = Storage(path)
    storage.watch_file()
    assert storage.file_trouble() is None
    path.rename(tmp_path / "elsewhere")
    assert storage.file_trouble() == "vanished"
    path.write_bytes(b"two")
    assert storage.file_trouble() == "replaced"
    storage.look()
    assert storage.in_recovery and storage.refusal().code == "recovery_mode"


def test_a_missing_write_ahead_log_is_noticed_too(tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    path.write_bytes(b"one")
    log = tmp_path / "it.db-wal"
    log.write_bytes(b"log")
    storage = Storage(path)
    storage.watch_file()
    log.unlink()
    assert storage.file_trouble() == "vanished"


def test_recovery_is_left_by_decision_only(tmp_path: Path) -> None:
    disk = Disk(5000 * MB)
    storage, told = _storage(tmp_path, disk)
    storage.failed("damaged")
    storage.look()
    assert storage.condition.state == "recovery" and storage.condition.trouble == "damaged"
    storage.leave_recovery()
    assert storage.condition.state == "ok"
    assert [condition.state for condition in told] == ["recovery", "ok"]


@pytest.mark.parametrize("fault", ["full", "locked", "read_only", "write_failed", "unreachable", "interrupted"])
def test_a_full_disk_a_lock_and_a_read_only_folder_are_no_damage(tmp_path: Path, fault: str) -> None:
    storage, told = _storage(tmp_path, Disk(5000 * MB))
    storage.failed(fault)  # type: ignore[arg-type]  # names from the parameters
    assert storage.condition.state == "ok" and told == []


def test_a_full_disk_is_looked_at_at_once(tmp_path: Path) -> None:
    storage, _ = _storage(tmp_path, Disk(1 * MB))
    storage.failed("full")
    assert storage.condition.state == "read_only"


def test_a_disk_that_fills_between_two_looks_is_noticed_by_writing(tmp_path: Path) -> None:
    disk, moments = Disk(5000 * MB), iter((0.0, 0.01, 0.2, 0.2))
    storage = Storage(tmp_path / "it.db", lambda: Limits(0, 200 * MB), free=disk, clock=lambda: next(moments))
    disk.free = 100 * MB
    storage.wrote()
    assert storage.condition.state == "ok", "not at every write"
    storage.wrote()
    assert storage.condition.state == "read_only"


def _error(code: int | None, text: str = "something") -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    if code is not None:
        error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "fault", "kind", "shown"),
    [
        (sqlite3.SQLITE_FULL, "full", StorageFull, "storage_full"),
        (sqlite3.SQLITE_IOERR_WRITE, "write_failed", StorageFull, "write_failed"),
        (sqlite3.SQLITE_READONLY, "read_only", StorageFull, "folder_read_only"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "moved", StorageFull, "recovery_mode"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "damaged", StorageFull, "recovery_mode"),
        (sqlite3.SQLITE_NOTADB, "damaged", StorageFull, "recovery_mode"),
        (sqlite3.SQLITE_IOERR_READ, "read_failed", StorageFull, "recovery_mode"),
        (sqlite3.SQLITE_IOERR_FSYNC, "read_failed", StorageFull, "recovery_mode"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "locked", Busy, "busy"),
        (sqlite3.SQLITE_CANTOPEN, "unreachable", Busy, "busy"),
    ],
)
def test_sqlites_codes_are_told_apart(code: int, fault: str, kind: type[GridBearError], shown: str) -> None:
    error = _error(code)
    assert fault_of(error) == fault
    answer = translate(error)
    assert type(answer) is kind and answer.code == shown


def test_errors_without_a_code_are_judged_by_their_text() -> None:
    assert fault_of(_error(None, "the transaction ended: database is locked")) == "locked"
    assert fault_of(_error(None, "no such thing")) == "other"
