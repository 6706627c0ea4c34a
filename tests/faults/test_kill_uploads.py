"""Uploads against a server that is killed again and again: what was answered is there, and nothing else stays."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.victim import START_SECONDS, Victim

KILLS = int(os.environ.get("GRIDBEAR_SOAK_KILLS", "50"))
CLIENTS = 4


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    server = Victim(tmp_path / "data")
    yield server
    server.kill()


def upload_until_killed(port: int, token: str, seed: int, acknowledged: dict[int, str]) -> None:
    chance = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        while True:
            # Few different contents, so that the same bytes are often there already.
            data = bytes([chance.randrange(5)]) * chance.choice((10, 100_000, 3_000_000))
            connection.request("POST", "/api/v1/files?name=x.bin", data, {"Authorization": f"Bearer {token}"})
            reply = connection.getresponse()
            row = json.loads(reply.read())["data"]
            acknowledged[row["id"]] = hashlib.sha256(data).hexdigest()
            if chance.random() < 0.3:
                connection.request("DELETE", f"/api/v1/files/{row['id']}", None, {"Authorization": f"Bearer {token}"})
                acknowledged.pop(row["id"])
                connection.getresponse().read()


def campaign(victim: Victim, kills: int) -> None:
    token = victim.admin_token()
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    acknowledged: dict[int, str] = {}
    for kill in range(kills):
        port = victim.start()
        clients = [
            threading.Thread(target=upload_until_killed, args=(port, token, seed + kill * CLIENTS + at, acknowledged))
            for at in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.0, 0.5))
        longest = time.monotonic() + START_SECONDS
        while not acknowledged and time.monotonic() < longest:
            # A slow computer has answered nothing by then, and a campaign of such lives shows nothing.
            time.sleep(0.01)
        victim.kill()
        for client in clients:
            client.join()
    folder = victim.data_dir / "files"
    with contextlib.closing(sqlite3.connect(victim.data_dir / "gridbear.db")) as database:
        stored = dict(database.execute("SELECT id, sha256 FROM files").fetchall())
    assert acknowledged, f"seed {seed}: nothing was uploaded"
    assert {key: stored.get(key) for key in acknowledged} == acknowledged, f"seed {seed}"
    for sha256 in set(stored.values()):
        data = (folder / sha256[:2] / sha256).read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256, f"seed {seed}: a row without its bytes"
    victim.start()
    assert list((victim.data_dir / "tmp").glob("upload-*")) == [], f"seed {seed}: halves stay"


@pytest.mark.slow
def test_a_few_kills_leave_no_row_without_bytes(victim: Victim) -> None:
    campaign(victim, 4)


@pytest.mark.soak
def test_many_kills_leave_no_row_without_bytes(victim: Victim) -> None:
    campaign(victim, KILLS)
