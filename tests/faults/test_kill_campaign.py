"""The promise that an acknowledged write is on disk, against a server that is killed again and again."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server.db.connection import connect
from server.db.log_sizes import LogStatements
from server.models.history_entry import HistoryEntry
from tests.faults.victim import START_SECONDS, Client, Victim

KILLS = int(os.environ.get("GRIDBEAR_SOAK_KILLS", "1000"))
WRITERS = 32
TOGETHER = 4
"""Records of one batch, which later change together."""
LONGEST_LIFE = 0.6
BOOKS = {
    "name": "books", "label": "Book", "label_plural": "Books",
    "fields": [
        {"name": "title", "type": "text", "required": True, "unique": True, "searchable": True},
        {"name": "year", "type": "integer", "indexed": True},
    ],
}  # fmt: skip


@dataclass
class Acknowledged:
    """What was answered with success, over all lives of the server."""

    notes: set[str] = field(default_factory=set)
    books: set[str] = field(default_factory=set)
    batches: set[str] = field(default_factory=set)
    bulk: dict[str, int] = field(default_factory=dict)
    """The priority that all notes of a batch were given last."""
    deleted: set[str] = field(default_factory=set)
    total: int = 0


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    server = Victim(tmp_path / "data")
    yield server
    server.kill()


def write_notes(client: Client, name: str, told: Acknowledged) -> None:
    """Single records; every third one is deleted again."""
    number = 0
    while True:
        title = f"note {name} {number}"
        status, answer = client.create("notes", title=title)
        assert status == 201, answer
        told.notes.add(title)
        if number % 3 == 0:
            # Sent is enough for it to be gone; only answered makes it certain.
            told.notes.discard(title)
            status, answer = client.ask("DELETE", f"/api/v1/notes/{answer['data']['id']}")
            assert status == 200, answer
            told.deleted.add(title)
            told.total += 1
        told.total += 1
        number += 1


def write_books(client: Client, name: str, told: Acknowledged) -> None:
    """Records of a model that was made at run time."""
    number = 0
    while True:
        title = f"book {name} {number}"
        status, answer = client.create("books", title=title, year=number)
        assert status == 201, answer
        told.books.add(title)
        told.total += 1
        number += 1


def write_units(client: Client, name: str, told: Acknowledged) -> None:
    """Batches of several records, and changes of all of one batch."""
    number = 0
    while True:
        unit = f"unit {name} {number} "
        operations = [
            {"verb": "create", "model": "notes", "values": {"title": f"{unit}part {part}", "priority": 0}}
            for part in range(TOGETHER)
        ]
        status, answer = client.ask("POST", "/api/v1/batch", {"operations": operations})
        assert status == 200, answer
        told.batches.add(unit)
        told.bulk[unit] = 0
        for priority in (1, 2):
            where = f"title__like={unit.replace(' ', '%20')}%25"
            status, answer = client.ask("PATCH", f"/api/v1/notes/bulk?{where}", {"priority": priority})
            assert status == 200, answer
            told.bulk[unit] = priority
        told.total += 3
        number += 1


Writing = Callable[[Client, str, Acknowledged], None]
WAYS: tuple[Writing, ...] = (write_notes, write_books, write_units, write_notes)


def until_killed(write: Writing, port: int, token: str, name: str, told: Acknowledged) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(Client(port, token)) as client:
        write(client, name, told)


def campaign(victim: Victim, kills: int) -> None:
    token = victim.admin_token()
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    told = Acknowledged()
    victim.start()
    assert victim.client(token).ask("POST", "/api/v1/models", BOOKS)[0] == 201
    victim.kill()
    for kill in range(kills):
        port = victim.start()
        writers = [
            threading.Thread(target=until_killed, args=(WAYS[n % len(WAYS)], port, token, f"{kill}-{n}", told))
            for n in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        time.sleep(chance.uniform(0.0, LONGEST_LIFE))
        longest = time.monotonic() + START_SECONDS
        while told.total < kill + 2 and time.monotonic() < longest:
            # A slow computer has answered nothing by then, and a campaign of such lives shows nothing.
            time.sleep(0.01)
        victim.kill()
        for writer in writers:
            writer.join()
        if (kill + 1) % 10 == 0:
            print(f"{kill + 1} kills, {told.total} acknowledged writes", flush=True)
    assert told.total > kills, f"seed {seed}: hardly anything was written"
    # As the next start would find it, write-ahead log included.
    with contextlib.closing(connect(victim.data_dir / "gridbear.db")) as database:
        check(database, told, f"seed {seed}")
    victim.start()
    assert victim.client(token).create("notes", title="after all")[0] == 201


def check(database: sqlite3.Connection, told: Acknowledged, seed: str) -> None:
    """Everything that was acknowledged is there, nothing is there in part, and all that goes with it is in step."""
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",), seed
    assert database.execute("PRAGMA foreign_key_check").fetchall() == [], seed
    notes = {str(title): priority for title, priority in database.execute("SELECT title, priority FROM notes")}
    books = [row[0] for row in database.execute("SELECT title FROM books")]
    assert told.notes - notes.keys() == set(), seed
    assert told.deleted & notes.keys() == set(), seed
    assert told.books - set(books) == set() and len(books) == len(set(books)), seed
    [(count,)] = database.execute("SELECT count(*) FROM notes").fetchall()
    assert count == len(notes), f"{seed}: a write was stored twice"

    units: dict[str, list[int]] = {}
    for title, priority in notes.items():
        if title.startswith("unit"):
            units.setdefault(title.partition("part")[0], []).append(priority)
    assert {unit: len(found) for unit, found in units.items() if len(found) != TOGETHER} == {}, f"{seed}: half a batch"
    assert {unit: found for unit, found in units.items() if len(set(found)) != 1} == {}, f"{seed}: half a change"
    assert told.batches - units.keys() == set(), seed
    assert {unit: (least, units[unit]) for unit, least in told.bulk.items() if units[unit][0] < least} == {}, seed

    for model in ("notes", "books"):
        rows = {row[0] for row in database.execute(f"SELECT id FROM {model}")}
        made = Counter(
            row[0]
            for row in database.execute("SELECT record_id FROM history WHERE model = ? AND verb = 'create'", [model])
        )
        gone = {
            row[0]
            for row in database.execute("SELECT record_id FROM history WHERE model = ? AND verb = 'delete'", [model])
        }
        assert made.keys() - gone == rows and set(made.values()) == {1}, f"{seed}: history of {model} is out of step"
        # An error here means that the index does not say what the rows say.
        database.execute(f"INSERT INTO {model}__search ({model}__search, rank) VALUES ('integrity-check', 1)")
    log = LogStatements(HistoryEntry.__table__, None)  # type: ignore[arg-type]  # a declared class has a Table
    measured = database.execute(log.measure).fetchone()[0]
    counted = database.execute("SELECT value FROM gridbear_meta WHERE name = 'bytes:history'").fetchone()[0]
    assert int(counted) == measured, f"{seed}: the bytes of the history are miscounted"


@pytest.mark.slow
def test_three_kills_lose_nothing_that_was_acknowledged(victim: Victim) -> None:
    campaign(victim, 3)


@pytest.mark.soak
def test_nothing_that_was_acknowledged_is_lost(victim: Victim) -> None:
    campaign(victim, KILLS)
