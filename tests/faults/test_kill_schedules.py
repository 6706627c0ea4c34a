"""Schedules of a server that is killed again and again: each once-schedule fires once, missed runs by their policy."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.db.connection import connect
from server.records.times import to_text
from tests.faults.campaigns import none_is_open, rows_of, until
from tests.faults.victim import Victim


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    server = Victim(tmp_path / "data", GRIDBEAR_TASKS_OPEN_PER_PERSON="100000")
    yield server
    server.kill()


def campaign(victim: Victim, count: int, kills: int, seconds: float) -> None:
    token = victim.admin_token()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    victim.start()
    client = victim.client(token)
    begin = datetime.now(UTC) + timedelta(seconds=1)
    for number in range(count):
        at = to_text(begin + timedelta(seconds=chance.uniform(0, seconds)))
        status, answer = client.create("schedules", name=f"s{number}", task="remind", at=at, time_zone="UTC",
                                       input={"title": f"tea {number}"})  # fmt: skip
        assert status in (201, 422), answer
    made = {row["id"]: row for row in rows_of(victim, "SELECT id, name FROM schedules")}
    for _ in range(kills):
        victim.start()
        time.sleep(chance.uniform(0, seconds / kills))
        victim.kill()
    victim.start()
    client = victim.client(token)

    def all_fired() -> bool:
        _, waiting = client.ask("GET", "/api/v1/schedules?enabled=true&limit=1")
        return bool(waiting["count"] == 0) and none_is_open(client)

    until(all_fired)
    tasks = rows_of(victim, "SELECT key, status FROM tasks")
    told = Counter(row["title"] for row in rows_of(victim, "SELECT title FROM notifications"))
    fired = Counter(int(row["key"].split("-")[1]) for row in tasks)
    assert fired == Counter(made.keys()), "each fired, and once"
    states = {int(row["key"].split("-")[1]): row["status"] for row in tasks}
    for schedule_id, row in made.items():
        times = told[f"tea {row['name'][1:]}"]
        assert times <= 1, "somebody was reminded twice"
        assert states[schedule_id] == "interrupted" or (states[schedule_id], times) == ("completed", 1)
    print(f"{len(made)} once-schedules, {kills} kills: {dict(Counter(states.values()))}")


@pytest.mark.slow
def test_once_schedules_fire_once_over_five_kills(victim: Victim) -> None:
    campaign(victim, 60, 5, 5.0)


@pytest.mark.soak
def test_once_schedules_fire_once_over_fifty_kills(victim: Victim) -> None:
    campaign(victim, 2000, 50, 120.0)


@pytest.mark.slow
def test_runs_that_were_missed_while_it_was_down_follow_their_policy(victim: Victim) -> None:
    token = victim.admin_token()
    victim.start()
    client = victim.client(token)
    ids = {}
    soon = to_text(datetime.now(UTC) + timedelta(days=1))
    ways: dict[str, dict[str, Any]] = {
        "cron": {"cron": "0 4 * * *"},
        "every": {"every_seconds": 600},
        "at": {"at": soon},
    }
    for way, timing in ways.items():
        for missed in ("run_once", "skip"):
            name = f"{way} {missed}"
            status, answer = client.create("schedules", name=name, task="remind", missed=missed, input={"title": name},
                                           time_zone="UTC", **timing)  # fmt: skip
            assert status == 201, answer
            ids[name] = answer["data"]["id"]
    victim.kill()
    with closing(connect(victim.data_dir / "gridbear.db")) as database:
        # As if it had been down for two days.
        past = to_text(datetime.now(UTC) - timedelta(days=2))
        database.execute("UPDATE schedules SET next_run_at = ?", (past,))
        database.execute("UPDATE schedules SET at = ? WHERE at IS NOT NULL", (past,))
    victim.start()
    client = victim.client(token)

    def looked_at_all() -> bool:
        _, due = client.ask("GET", f"/api/v1/schedules?next_run_at__lte={to_text(datetime.now(UTC))}&limit=1")
        return bool(due["count"] == 0) and none_is_open(client)

    until(looked_at_all)
    # Another life finds nothing left to make up for.
    victim.kill()
    victim.start()
    client = victim.client(token)
    until(looked_at_all)
    told = Counter(row["title"] for row in rows_of(victim, "SELECT title FROM notifications"))
    assert told == Counter({f"{way} run_once": 1 for way in ways}), "however many were missed, one is made up for"
    for row in rows_of(victim, "SELECT name, enabled, next_run_at, problem FROM schedules"):
        once, skipped = row["name"].startswith("at"), row["name"].endswith("skip")
        assert (row["next_run_at"] is None) == once and row["enabled"] == (not once)
        assert ("was missed" in (row["problem"] or "")) == skipped
