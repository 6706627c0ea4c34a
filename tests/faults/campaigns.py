"""What the campaigns against one server have in common: a plugin that leaves a trace of each deed, and the kills."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from server.db.connection import connect
from tests.faults.victim import Client, Victim

PATIENCE_SECONDS = 600.0
TASKS = """
import os
from server.plugin_api import BadRequest, Report, task

FILE = os.open(os.environ["DEEDS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
with open(os.environ["DEEDS"]) as earlier:
    FAILED = {int(line.split()[1]) for line in earlier if line.startswith("flaky")}

def deed(kind, number):
    os.write(FILE, f"{kind} {number}\\n".encode())

@task(priority=5)
async def once(report: Report, number: int) -> int:
    report.log("begun")
    deed("once", number)
    report.progress(0.5)
    return number

@task(idempotent=True, attempts=1000)
async def again(report: Report, number: int) -> int:
    report.progress(0.5, "half")
    deed("again", number)
    return number

@task(idempotent=True, attempts=1000, priority=-5)
async def flaky(number: int) -> int:
    deed("flaky", number)
    if number not in FAILED:
        FAILED.add(number)
        raise BadRequest("not at the first attempt")
    return number
"""
ROUTES = """
import asyncio
from fastapi import APIRouter
from server.plugin_api import Caller, Context

router = APIRouter()

@router.post("/queue/{first}/{count}")
async def queue(first: int, count: int, caller: Caller, plugin: Context):
    kinds = ("once", "again", "flaky")
    return {"ok": True, "data": await asyncio.gather(*(
        plugin.start_task(kinds[number % 3], caller, f"deed {number}", number=number)
        for number in range(first, first + count)
    ))}
"""


def install_deeds(data_dir: Path) -> None:
    """Put the plugin `deeds` into a data folder, off. Its tasks write a line each into the file $DEEDS."""
    folder = data_dir / "plugins" / "deeds"
    (folder / "api").mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"name": "deeds", "version": "1", "permissions": ["tasks"]}))
    (folder / "tasks.py").write_text(TASKS)
    (folder / "api" / "routes.py").write_text(ROUTES)


def enable_deeds(client: Client) -> None:
    """Switch it on."""
    status, answer = client.ask("POST", "/api/v1/plugins/deeds/enable", {"permissions": ["tasks"]})
    assert (status, answer["data"]["state"]) == (200, "on"), answer


def until(there: Callable[[], bool]) -> None:
    """Wait for what is to come, for ten minutes at most."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not there():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def killed_over_and_over(
    victim: Victim,
    kills: int,
    chance: random.Random,
    done: Callable[[], int],
    step: int,
    work: Callable[[Client], None],
    token: str,
) -> None:
    """Let `work` go on over a connection to each life; each ends by a kill after 1 to `step` more are `done`."""
    for kill in range(kills):
        victim.start()
        worker = threading.Thread(target=_until_killed, args=(Client(victim.port, token), work))
        goal = done() + chance.randint(1, step)
        worker.start()
        until(partial(_reached, done, goal))
        victim.kill()
        worker.join()
        if (kill + 1) % 10 == 0:
            print(f"{kill + 1} kills, {done()} done", flush=True)


def _reached(done: Callable[[], int], goal: int) -> bool:
    return done() >= goal


def _until_killed(client: Client, work: Callable[[Client], None]) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError), contextlib.closing(client):
        work(client)


def none_is_open(client: Client) -> bool:
    """Whether every task has ended."""
    status, answer = client.ask("GET", "/api/v1/tasks?status__in=queued,running&limit=1")
    assert status == 200, answer
    return bool(answer["count"] == 0)


def rows_of(victim: Victim, sql: str) -> list[dict[str, Any]]:
    """What is stored, with the write-ahead log, while no server runs."""
    victim.kill()
    with contextlib.closing(connect(victim.data_dir / "gridbear.db")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(sql)]
