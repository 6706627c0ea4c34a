"""Freed pages go back to the disk while nothing is written, and the write-ahead log is folded in."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from server.db.connection import connect
from server.db.storage import Storage
from server.db.tidying import IDLE_SECONDS, KEPT_PAGES, RETRY_SECONDS, STEP_PAGES, Tidier

PAGE = 4096
PAGES = 3000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of which most is free pages."""
    place = tmp_path / "store.db"
    with contextlib.closing(connect(place)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PAGES}) "
                           "INSERT INTO things SELECT i, printf('%.*c', 4000, 'x') FROM n")  # fmt: skip
        connection.execute("DELETE FROM things WHERE id > 10")
    return place


def tidied(tidier: Tidier) -> int:
    """Let it work until it has nothing to do. Returns how many steps that took."""
    steps = 0
    while tidier.patience is not None:
        tidier.step()
        steps += 1
        assert steps < 1000
    return steps


def test_freed_pages_are_given_back_in_short_steps(path: Path) -> None:
    with contextlib.closing(connect(path)) as connection:
        tidier = Tidier(connection, Storage(path))
        before = path.stat().st_size
        assert before > PAGES * PAGE
        steps = tidied(tidier)
        assert steps >= (PAGES - KEPT_PAGES - 20) // STEP_PAGES
        assert path.stat().st_size < (KEPT_PAGES + 100) * PAGE
        assert path.with_name("store.db-wal").stat().st_size == 0
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (10,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_reader_is_not_waited_for(path: Path) -> None:
    with contextlib.closing(connect(path)) as connection, contextlib.closing(connect(path)) as reader:
        tidier = Tidier(connection, Storage(path))
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM things").fetchone()
        while tidier.patience not in (None, RETRY_SECONDS):
            tidier.step()
        assert tidier.patience == RETRY_SECONDS, "it comes back later"
        reader.execute("COMMIT")
        tidied(tidier)
        assert path.with_name("store.db-wal").stat().st_size == 0


def test_a_write_comes_first_and_begins_the_waiting_anew(path: Path) -> None:
    with contextlib.closing(connect(path)) as connection:
        tidier = Tidier(connection, Storage(path))
        tidier.step()
        tidier.wrote()
        assert tidier.patience == IDLE_SECONDS


def test_a_file_in_doubt_is_left_alone(path: Path) -> None:
    storage = Storage(path)
    with contextlib.closing(connect(path)) as connection:
        size = path.stat().st_size
        storage.enter_recovery("damaged")
        assert tidied(Tidier(connection, storage)) == 1
        assert path.stat().st_size == size
