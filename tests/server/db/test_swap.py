"""One database file in the place of another: the old or the new, whole, at whatever step the process dies."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server.db import connection as connection_module
from server.db import swap
from server.db.connection import connect
from server.db.file_header import write_header
from server.db.swap import finish_interrupted, replacement_path, swap_database
from server.errors import StartupError


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """An old database whose latest commit is only in its write-ahead log, as a killed server leaves it."""
    path = tmp_path / "gridbear.db"
    make(path, "old", pages=30)
    in_child(lambda: log_and_die(path))
    assert path.with_name("gridbear.db-wal").stat().st_size > 0
    return path


@pytest.fixture
def new(live: Path) -> Path:
    make(replacement_path(live), "new", pages=60)
    return replacement_path(live)


def make(path: Path, content: str, *, pages: int, version: int = 1) -> None:
    with closing(connect(path)) as connection:
        write_header(connection, version)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE story (id INTEGER PRIMARY KEY, told TEXT)")
        connection.executemany("INSERT INTO story (told) VALUES (?)", [(content * 1000,)] * pages)


def log_and_die(path: Path) -> None:
    connection = connect(path)
    connection.execute("INSERT INTO story (told) VALUES ('old, the last')")
    os.kill(os.getpid(), signal.SIGKILL)


def told(path: Path) -> str:
    """What a database tells, `mixed` if it is not of one piece."""
    with closing(connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = [str(row[0]) for row in connection.execute("SELECT told FROM story ORDER BY id")]
    if rows == ["old" * 1000] * 30 + ["old, the last"]:
        return "old"
    return "new" if rows == ["new" * 1000] * 60 else "mixed"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def in_child(act: Callable[[], object]) -> int:
    """Run `act` in a process of its own. Returns its exit status: 0, or less than 0 when it was killed."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(line: int, act: Callable[[], object]) -> Callable[[], None]:
    """`act`, killed before the line of the swap that it comes to as the `line`th."""
    count = 0

    def trace(frame: Any, event: str, _argument: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename != swap.__file__:
            return None
        if event in ("line", "return"):
            count += 1
            if count == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    def run() -> None:
        sys.settrace(trace)
        act()

    return run


def test_the_new_file_is_in_place_and_the_old_one_kept_with_its_latest_commit(live: Path, new: Path) -> None:
    kept = live.with_name("kept.db")
    swap_database(live, new, kept)
    assert names(live.parent) == {"gridbear.db", "kept.db"}
    assert (told(live), told(kept)) == ("new", "old")
    assert live.stat().st_nlink == 1
    with closing(connect(live)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_without_a_name_to_keep_it_the_old_file_is_gone(live: Path, new: Path) -> None:
    swap_database(live, new, None)
    assert told(live) == "new" and names(live.parent) == {"gridbear.db"}


def test_a_file_without_the_pragmas_gets_them_and_keeps_its_version(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gridbear.db.new")) as connection:
        connection.execute(f"PRAGMA application_id = {0x47425231}")
        connection.execute("CREATE TABLE story (told TEXT)")
    swap_database(tmp_path / "gridbear.db", tmp_path / "gridbear.db.new", None)
    with closing(connect(tmp_path / "gridbear.db")) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)


def test_a_log_without_its_file_does_not_get_into_the_new_one(live: Path, new: Path) -> None:
    live.unlink()
    swap_database(live, new, None)
    assert told(live) == "new"


@pytest.mark.slow
@pytest.mark.parametrize("hard_links", [True, False])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_killed_at_any_step_there_is_the_old_or_the_new_and_nothing_else(
    live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    if not hard_links:
        monkeypatch.setattr(os, "link", no_links)
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith("-shm")}
    found = []
    line = 0
    status = -signal.SIGKILL
    while status:
        line += 1
        folder = tmp_path / str(line)
        kept = folder / "backups" / "kept.db"
        kept.parent.mkdir(parents=True)
        for name, content in old.items():
            (folder / name).write_bytes(content)
        database = folder / "gridbear.db"
        make(replacement_path(database), "new", pages=60)

        def attempt(database: Path = database, kept: Path = kept) -> None:
            swap_database(database, replacement_path(database), kept)

        status = in_child(killed_at(line, attempt))
        assert status in (0, -signal.SIGKILL)
        finish_interrupted(database, [kept.parent])
        found.append(told(database))
        assert names(folder) == {"gridbear.db", "backups"}
        if kept.exists():
            assert told(kept) == "old" and kept.stat().st_nlink == 1
            assert names(kept.parent) == {"kept.db"}
        else:
            assert found[-1] == "old" and names(kept.parent) == set()
    changed = found.index("new")
    assert set(found[:changed]) == {"old"} and set(found[changed:]) == {"new"}
    assert changed > 20 and len(found) > changed + 1


def no_links(*_paths: Path) -> None:
    raise OSError("no hard links here")


def test_an_old_file_that_is_damaged_is_kept_together_with_its_log(live: Path, new: Path) -> None:
    log = live.with_name("gridbear.db-wal").read_bytes()
    live.write_bytes(b"no database any more" * 500)
    kept = live.with_name("kept.db")
    swap_database(live, new, kept)
    assert told(live) == "new"
    assert kept.read_bytes().startswith(b"no database") and live.with_name("kept.db-wal").read_bytes() == log
    assert "gridbear.db-wal" not in names(live.parent)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_killed_at_any_step_a_damaged_file_never_loses_its_log(live: Path, tmp_path: Path) -> None:
    log = live.with_name("gridbear.db-wal").read_bytes()
    line = 0
    status = -signal.SIGKILL
    while status:
        line += 1
        folder = tmp_path / str(line)
        folder.mkdir()
        database, kept = folder / "gridbear.db", folder / "kept.db"
        database.write_bytes(b"no database any more" * 500)
        (folder / "gridbear.db-wal").write_bytes(log)
        make(replacement_path(database), "new", pages=60)
        status = in_child(
            killed_at(line, lambda d=database, k=kept: swap_database(d, replacement_path(d), k))  # type: ignore[misc]
        )
        finish_interrupted(database, [folder])
        logs = [path for path in (folder / "gridbear.db-wal", folder / "kept.db-wal") if path.exists()]
        assert [path.read_bytes() for path in logs] == [log]
        if kept.exists():
            assert told(database) == "new" and kept.stat().st_nlink == 1
        else:
            assert database.read_bytes().startswith(b"no database")


def test_a_file_that_somebody_uses_stays_and_can_be_used_on(
    live: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "BUSY_MILLISECONDS", 0)
    with closing(sqlite3.connect(live, timeout=0)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM story").fetchone()
        with pytest.raises(StartupError, match="in use"):
            swap_database(live, new, live.with_name("kept.db"))
    assert told(live) == "old" and "kept.db" not in names(live.parent)
    with closing(connect(live)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_disk_that_is_full_leaves_the_old_one_in_place(
    live: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_paths: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(OSError, match="No space"):
        swap_database(live, new, live.with_name("kept.db"))
    assert told(live) == "old" and names(live.parent) == {"gridbear.db", "gridbear.db.new"}
    with closing(connect(live)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_can_not_be_put_in_place_changes_nothing(live: Path, new: Path) -> None:
    new.write_bytes(b"hello" * 100)
    with pytest.raises(StartupError, match="not a GridBear database"):
        swap_database(live, new, None)
    new.write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        swap_database(live, new, None)
    elsewhere = live.parent / "elsewhere" / "x.db"
    elsewhere.parent.mkdir()
    make(elsewhere, "new", pages=1)
    with pytest.raises(ValueError, match="same folder"):
        swap_database(live, elsewhere, None)
    make(live.with_name("other.db"), "new", pages=60)
    with pytest.raises(FileExistsError):
        swap_database(live, live.with_name("other.db"), elsewhere)
    assert told(live) == "old"
