"""The promise that an acknowledged write is on disk, against a server that is killed again and again."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("GRIDBEAR_SOAK_KILLS", "1000"))
WRITERS = 4
START_SECONDS = 30.0


class Victim:
    """A server on one data folder that is started and killed over and over."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.env = {
            **os.environ,
            "GRIDBEAR_DATA_DIR": str(data_dir),
            "GRIDBEAR_REST_RATE_PER_SECOND": "1000000",
            "GRIDBEAR_REST_RATE_BURST": "1000000",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def cli(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "gridbear_desktop", *arguments],
            cwd=ROOT, env=self.env, input=stdin, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return done.stdout

    def start(self) -> int:
        """Start it and wait until it answers. Returns its port."""
        run_file = self.data_dir / "run" / "server.json"
        run_file.unlink(missing_ok=True)
        with (self.data_dir.parent / "stderr.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gridbear_desktop", "serve", "--port", "0"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, "the server did not come back"
            assert time.monotonic() < deadline, "the server did not come back in time"
            with contextlib.suppress(OSError, ValueError):
                return int(urlsplit(json.loads(run_file.read_text("utf-8"))["url"]).port or 0)
            time.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    server = Victim(tmp_path / "data")
    yield server
    server.kill()


def write_until_killed(port: int, token: str, name: str, acknowledged: list[str]) -> None:
    """Create notes one after the other until the connection breaks; keep the titles of those that were answered."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    number = 0
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while True:
            title = f"{name}-{number}"
            connection.request("POST", "/api/v1/notes", json.dumps({"title": title}), headers)
            reply = connection.getresponse()
            reply.read()
            assert reply.status == 201, reply.status
            acknowledged.append(title)
            number += 1


@pytest.mark.soak
def test_nothing_that_was_acknowledged_is_lost(victim: Victim) -> None:
    victim.cli("user", "create", "maja", "--admin", "--password-stdin", stdin="a calm bear in a den\n")
    token = victim.cli("token", "create", "maja").splitlines()[-1]
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for kill in range(KILLS):
        port = victim.start()
        writers = [
            threading.Thread(target=write_until_killed, args=(port, token, f"{kill}-{writer}", acknowledged))
            for writer in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        time.sleep(chance.uniform(0.0, 0.3))
        victim.kill()
        for writer in writers:
            writer.join()
        if (kill + 1) % 50 == 0:
            print(f"{kill + 1} kills, {len(acknowledged)} acknowledged writes", flush=True)
    # As the next start would find it, write-ahead log included.
    with contextlib.closing(sqlite3.connect(victim.data_dir / "gridbear.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = [row[0] for row in database.execute("SELECT title FROM notes")]
    assert len(acknowledged) > KILLS, f"seed {seed}: hardly anything was written"
    assert set(acknowledged) - set(stored) == set(), f"seed {seed}"
    assert len(stored) == len(set(stored)), f"seed {seed}: a write was stored twice"
