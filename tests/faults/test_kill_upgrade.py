"""The promise that an upgrade ends with the old database or the new one, however often it is killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from server.db.connection import connect
from server.db.migrate import migrate
from server.db.migrations import MIGRATIONS
from server.db.schema_fingerprint import is_as_declared, schema_of
from server.db.search import search_table
from server.db.swap import finish_interrupted
from tests.server.db import next_schema

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("GRIDBEAR_SOAK_KILLS", "50"))
OLD_NOTES = 194
SHORT, LONG = 20_000, 200_000


def upgrade_in_child(database: Path, *, kill_after: float | None) -> tuple[float, bool]:
    """Upgrade in a process of its own. Returns how long it took, and whether it came to its end."""
    child = subprocess.Popen(
        [sys.executable, "-m", next_schema.__name__, str(database)],
        cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    started = time.monotonic()
    try:
        code = child.wait(kill_after)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        code = child.wait()
    child.stdout.close()
    assert code in (0, -signal.SIGKILL)
    return time.monotonic() - started, code == 0


def state(database: Path, notes: int) -> str:
    """`old` or `new`, after checking everything that must be true of either."""
    with closing(connect(database)) as connection:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
        assert connection.execute("SELECT count(*), max(id) FROM notes").fetchone() == (notes, notes + 6)
        [sequence] = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'notes'").fetchone()
        assert sequence == notes + 6
        columns = {str(name) for (name,) in connection.execute("SELECT name FROM pragma_table_info('notes')")}
        schema = schema_of(connection)
        if version == 1:
            assert {"body"} <= columns and columns.isdisjoint({"text", "mood"})
            assert search_table("notes") not in schema and "history" not in schema
            return "old"
        assert version == next_schema.NEXT_VERSION and "body" not in columns
        assert all(is_as_declared(table, schema) for table in next_schema.next_schema().sorted_tables)
        index = search_table("notes")
        connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
        assert connection.execute("SELECT count(DISTINCT mood) FROM notes").fetchone() == (1,)
        return "new"


def campaign(folder: Path, kills: int, more_notes: int) -> dict[str, int]:
    """Kill upgrades at random moments; each is looked at as the next start finds it. How often it found what."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    pristine, notes = folder / "pristine.db", OLD_NOTES + more_notes
    next_schema.first_release(pristine, more_notes=more_notes)
    data = folder / "data"
    data.mkdir()
    database, backups = data / "gridbear.db", data / "backups"
    shutil.copy(pristine, database)
    whole, finished = upgrade_in_child(database, kill_after=None)
    assert finished and state(database, notes) == "new"
    found = {"old": 0, "new": 0}
    kill = 0
    previous = "new"
    while kill < kills:
        if previous == "new":
            shutil.rmtree(data)
            data.mkdir()
            shutil.copy(pristine, database)
        # A third of the kills around the swap, which is a small part of the whole.
        delay = chance.uniform(0, whole) if chance.random() < 2 / 3 else whole * chance.uniform(0.9, 1.1)
        took, finished = upgrade_in_child(database, kill_after=delay)
        if finished:
            whole = took
        else:
            kill += 1
        # What the next start does first, and then what lies there.
        finish_interrupted(database, [backups])
        previous = state(database, notes)
        found[previous] += not finished
        assert not finished or previous == "new"
        assert {path.name for path in data.iterdir()} <= {"gridbear.db", "backups"}
        kept = list(backups.iterdir()) if backups.is_dir() else []
        if previous == "new":
            assert len(kept) == 1 and state(kept[0], notes) == "old" and kept[0].stat().st_nlink == 1
        else:
            assert kept == []
    return found


@pytest.mark.slow
def test_an_upgrade_that_is_killed_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    assert campaign(tmp_path, 10, SHORT)["old"] > 0


@pytest.mark.soak
def test_many_upgrades_of_many_records_that_are_killed_leave_the_old_or_the_new(tmp_path: Path) -> None:
    found = campaign(tmp_path, KILLS, LONG)
    print(found)
    assert found["old"] > 0


@pytest.mark.slow
def test_after_a_kill_the_next_start_goes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "gridbear.db"
    delay, finished = 0.3, True
    # How long it takes depends on the machine: earlier, until it is caught at work.
    while finished:
        for left in tmp_path.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        next_schema.first_release(database, more_notes=SHORT)
        _took, finished = upgrade_in_child(database, kill_after=delay)
        delay /= 2
    monkeypatch.setattr("server.db.file_header.SCHEMA_VERSION", next_schema.NEXT_VERSION)
    monkeypatch.setitem(MIGRATIONS, next_schema.NEXT_VERSION, next_schema.to_next)
    migrate(database, next_schema.next_schema(), tmp_path / "backups")
    assert state(database, OLD_NOTES + SHORT) == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"gridbear.db", "backups"}
