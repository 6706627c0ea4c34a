"""Tasks of several kinds in a real server that is killed again and again: none lost, none done twice unannounced."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campaigns import enable_deeds, install_deeds, killed_over_and_over, none_is_open, rows_of, until
from tests.faults.victim import Client, Victim

AT_ONCE = 4
"""Of one kind, which is how many a kill may interrupt."""
TOGETHER = 25


@pytest.fixture
def deeds(tmp_path: Path) -> Path:
    return tmp_path / "deeds"


@pytest.fixture
def victim(tmp_path: Path, deeds: Path) -> Iterator[Victim]:
    deeds.touch()
    server = Victim(
        tmp_path / "data",
        DEEDS=str(deeds),
        GRIDBEAR_TASKS_OPEN_PER_PERSON="100000",
        GRIDBEAR_TASKS_AT_ONCE_PER_PERSON="100",
    )
    yield server
    server.kill()


def campaign(victim: Victim, deeds: Path, count: int, kills: int) -> None:
    token = victim.admin_token()
    install_deeds(victim.data_dir)
    victim.start()
    enable_deeds(victim.client(token))
    victim.kill()
    keys: dict[str, int] = {}
    asked = 0

    def queue_more(client: Client) -> None:
        # What was asked for without an answer is never asked for again: it may be there or not.
        nonlocal asked
        while len(keys) < count:
            first, asked = asked, asked + TOGETHER
            status, answer = client.ask("POST", f"/api/deeds/queue/{first}/{TOGETHER}", {})
            assert status == 200, answer
            keys.update({key: first + index for index, key in enumerate(answer["data"])})

    def done() -> int:
        return deeds.read_bytes().count(b"\n")

    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    killed_over_and_over(victim, kills, random.Random(seed), done, count // (kills + 1), queue_more, token)
    victim.start()
    client = victim.client(token)
    queue_more(client)
    until(lambda: none_is_open(client))
    done_how_often = Counter(deeds.read_text().splitlines())
    rows = rows_of(victim, "SELECT key, kind, status, attempts, error, input FROM tasks")

    stored = {row["key"]: json.loads(row["input"])["number"] for row in rows}
    assert keys.items() <= stored.items(), "a task was lost"
    assert len(stored) - len(keys) <= TOGETHER * kills
    assert len(set(stored.values())) == len(stored), "a task was stored twice"
    states = Counter((row["kind"], row["status"]) for row in rows)
    for row in rows:
        name, number = row["kind"].removeprefix("deeds."), stored[row["key"]]
        times = done_how_often.pop(f"{name} {number}", 0)
        if name == "once":
            assert times <= 1, "one that may be done once alone was done twice"
            assert row["status"] == "interrupted" or (row["status"], times) == ("completed", 1), row
        else:
            assert row["status"] == "completed" and times >= (2 if name == "flaky" else 1), row
    assert not done_how_often, "something was done that is stored nowhere"
    assert states["deeds.once", "interrupted"] <= AT_ONCE * kills
    again = sum(row["attempts"] > 1 for row in rows if row["kind"] == "deeds.again")
    print(f"{len(keys)} tasks, {kills} kills: {dict(states)}; begun again: {again}")


@pytest.mark.slow
def test_five_hundred_tasks_of_a_server_survive_five_kills(victim: Victim, deeds: Path) -> None:
    campaign(victim, deeds, 500, 5)


@pytest.mark.soak
def test_ten_thousand_tasks_of_a_server_survive_fifty_kills(victim: Victim, deeds: Path) -> None:
    campaign(victim, deeds, 10_000, 50)
