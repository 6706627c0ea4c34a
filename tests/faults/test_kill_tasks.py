"""Thousands of tasks and a process that is killed while it works them off: none lost, none done twice unannounced."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("task_worker.py")


def life(folder: Path, count: int, deeds: Path) -> subprocess.Popen[str]:
    """A fresh process that has stored everything and begins to work."""
    command = [sys.executable, "-m", "tests.faults.task_worker", str(folder), str(count), str(deeds)]
    process = subprocess.Popen(command, cwd=WORKER.parents[2], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "stored\n"
    return process


def campaign(tmp_path: Path, count: int, kills: int) -> None:
    folder, deeds = tmp_path / "data", tmp_path / "deeds"
    random.seed(count)
    deeds.touch()
    for kill in range(kills):
        process = life(folder, count, deeds)
        # Killed by what was done, not by the clock: anywhere within the first part of what is left.
        goal = len(deeds.read_text().splitlines()) + random.randrange(1, max(2, count // (kills + 1)))
        while process.poll() is None and len(deeds.read_text().splitlines()) < goal:
            pass
        assert process.poll() is None, f"all was done before kill {kill}"
        process.kill()
        process.communicate()
    process = life(folder, count, deeds)
    assert process.communicate()[0] == "done\n" and process.returncode == 0
    done = Counter(int(line) for line in deeds.read_text().splitlines())
    with sqlite3.connect(folder / "gridbear.db") as database:
        rows = database.execute("SELECT kind, status, json_extract(input, '$.number') FROM tasks").fetchall()
    database.close()
    assert sorted(number for *_, number in rows) == list(range(count)), "none is lost"
    states = Counter((kind, status) for kind, status, _ in rows)
    assert states.keys() <= {("once", "completed"), ("once", "interrupted"), ("twice", "completed")}, states
    for kind, status, number in rows:
        if kind == "once":
            assert done[number] <= 1, "done once whatever happens"
            assert status == "interrupted" or done[number] == 1
        else:
            assert done[number] >= 1
    assert states["once", "interrupted"] <= 40 * kills


@pytest.mark.slow
def test_a_thousand_tasks_survive_two_kills(tmp_path: Path) -> None:
    campaign(tmp_path, 1000, 2)


@pytest.mark.soak
def test_ten_thousand_tasks_survive_twenty_kills(tmp_path: Path) -> None:
    campaign(tmp_path, 10_000, 20)
