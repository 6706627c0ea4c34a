"""When a backup is due, and which ones go."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from server.backup import copies
from server.backup.copies import copy_backups
from server.backup.retention import surplus, thin_out
from server.backup.schedule import parse_schedule
from server.backup.server_id import server_id


def at(text: str) -> datetime:
    """A moment on this computer's clock."""
    return datetime.fromisoformat(text).astimezone()


def test_a_daily_one_is_due_at_its_hour_and_once() -> None:
    plan = parse_schedule("daily 03:00")
    assert plan is not None
    last = at("2026-11-23T03:00:05")
    assert not plan.is_due(last, at("2026-11-24T02:59:59"))
    assert plan.is_due(last, at("2026-11-24T03:00:00"))
    assert not plan.is_due(at("2026-11-24T03:00:05"), at("2026-11-24T23:00:00"))
    assert plan.next_after(last, at("2026-11-24T02:00:00")) == at("2026-11-24T03:00:00")
    assert plan.next_after(at("2026-11-24T03:01:00"), at("2026-11-24T04:00:00")) == at("2026-11-25T03:00:00")


def test_one_that_was_slept_through_is_due_at_once() -> None:
    plan = parse_schedule("daily 03:00")
    assert plan is not None
    now = at("2026-11-24T09:30:00")
    assert plan.is_due(at("2026-11-22T03:00:05"), now)
    assert plan.next_after(at("2026-11-22T03:00:05"), now) == now


def test_every_few_hours_counts_from_the_last_one() -> None:
    plan = parse_schedule("every 6 hours")
    assert plan is not None
    last = at("2026-11-24T01:00:00")
    assert not plan.is_due(last, last + timedelta(hours=5, minutes=59))
    assert plan.is_due(last, last + timedelta(hours=6))
    assert plan.next_after(last, last + timedelta(hours=1)) == last + timedelta(hours=6)


def test_off_is_never() -> None:
    assert parse_schedule(" Off ") is None


@pytest.mark.parametrize("text", ["", "daily", "daily 24:00", "daily 3:00", "every 0 hours", "weekly", "daily 03:60"])
def test_a_plan_that_nobody_understands_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is wanted"):
        parse_schedule(text)


def test_the_newest_stay_by_number_and_by_bytes() -> None:
    files = [("backup-1", 10), ("backup-3", 10), ("backup-2", 10), ("backup-4", 10)]
    assert surplus(files, 2, 1000) == ["backup-2", "backup-1"]
    assert surplus(files, 10, 25) == ["backup-2", "backup-1"]
    assert surplus(files, 10, 5) == ["backup-3", "backup-2", "backup-1"]
    assert surplus(files, 10, 1000) == []


@given(some.lists(some.tuples(some.uuids().map(str), some.integers(0, 100)), max_size=20), some.integers(1, 9),
       some.integers(0, 500))  # fmt: skip
def test_what_stays_is_the_newest_and_within_both_limits(files: list[tuple[str, int]], keep: int, most: int) -> None:
    gone = set(surplus(files, keep, most))
    stay = sorted(name for name, _ in files if name not in gone)
    assert len(stay) <= keep and (not files or stay)
    assert all(name < stay[0] for name in gone)
    assert len(stay) == 1 or sum(size for name, size in files if name in stay) <= most or not files


def test_other_files_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("backup-1.zip", "backup-2.zip", "upload-0.zip", "before-change-1.db"):
        (tmp_path / name).write_bytes(b"123")
    assert thin_out(tmp_path, "backup-*.zip", 1, 100) == ["backup-1.zip"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup-2.zip", "before-change-1.db", "upload-0.zip"]


def test_two_servers_share_a_copy_folder_and_delete_their_own_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "backup-0-by-hand.zip").write_bytes(b"somebody's")
    names = {}
    for server in ("one", "two"):
        backups = tmp_path / server
        backups.mkdir()
        here = names[server] = server_id(backups)
        assert server_id(backups) == here
        for number in (1, 2, 3):
            # The first server's are the older ones.
            (backups / f"backup-{server}{number}-{here}.zip").write_bytes(b"x" * 10)
            copied = copy_backups(backups, shared, 2, 1000, Event(), pattern=f"backup-*-{here}.zip")
            assert copied.problem is None
    assert names["one"] != names["two"]
    assert sorted(path.name for path in shared.iterdir()) == sorted(
        ["backup-0-by-hand.zip"] + [f"backup-{server}{n}-{names[server]}.zip" for server in names for n in (2, 3)]
    )


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_backup_that_is_deleted_while_the_others_are_copied_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        folder.mkdir()
    for number in (1, 2, 3):
        (source / f"backup-{number}.zip").write_bytes(b"x")
    copy, stat = copies._copy, Path.stat

    def copy_and_delete(given: Path, *more: Any) -> None:
        copy(given, *more)
        (source / "backup-2.zip").unlink(missing_ok=True)

    def delete_and_stat(path: Path, **more: Any) -> Any:
        if path == source / "backup-2.zip":
            path.unlink(missing_ok=True)
        return stat(path, **more)

    if moment == "after":
        monkeypatch.setattr(copies, "_copy", copy_and_delete)
    else:
        monkeypatch.setattr(Path, "stat", delete_and_stat)
    done = copy_backups(source, target, 9, 1000, Event(), pattern="backup-*.zip")
    assert (done.copied, done.problem) == (["backup-1.zip", "backup-3.zip"], None)
