"""A disk that fills up under a running server: clear errors, nothing lost, and it goes on without a restart."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db.connection import connect
from tests.faults.victim import Client, Victim

pytestmark = pytest.mark.slow

MB = 1 << 20
DISK_MEGABYTES = 48
TEXT = "x" * 200_000
UNGUARDED = {"GRIDBEAR_STORAGE_LOGS_STOP_BYTES": "0", "GRIDBEAR_STORAGE_READ_ONLY_BYTES": "0"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of `DISK_MEGABYTES`."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    size = f"size={DISK_MEGABYTES}m"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small disk can't be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill_until_refused(client: Client) -> tuple[list[str], dict[str, object]]:
    """Write long notes until one is refused. Returns the titles that were answered, and the refusal."""
    kept: list[str] = []
    while True:
        title = f"note {len(kept)}"
        status, answer = client.create("notes", title=title, body=TEXT)
        if status != 201:
            assert status == 507, answer
            return kept, answer
        kept.append(title)


def stored(database: Path) -> set[str]:
    with contextlib.closing(connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {row[0] for row in connection.execute("SELECT title FROM notes")}


def test_a_full_disk_refuses_writes_reads_on_and_recovers_without_a_restart(small_disk: Path) -> None:
    victim = Victim(small_disk / "data", **UNGUARDED)
    victim.log = small_disk.parent / "stderr.log"
    try:
        token = victim.admin_token()
        filler = small_disk / "filler"
        victim.start()
        client = victim.client(token)
        status, answer = client.create("notes", title="before")
        assert status == 201, answer
        filler.write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - 6 * MB))
        kept, refusal = fill_until_refused(client)
        assert refusal["code"] in ("storage_full", "write_failed") and "nothing was saved" in str(refusal["error"])
        status, answer = client.ask("GET", "/api/v1/notes?fields=id&limit=1")
        assert status == 200 and answer["count"] == len(kept) + 1
        status, answer = client.create("notes", title="still full", body=TEXT)
        assert status == 507, "it stays refused and does not break"
        filler.unlink()
        status, answer = client.create("notes", title="after", body=TEXT)
        assert status == 201, answer
        assert client.ask("GET", "/api/v1/server")[1]["data"]["storage"]["state"] == "ok", "a full disk is no damage"
        victim.kill()
        assert stored(victim.data_dir / "gridbear.db") == {"before", *kept, "after"}
    finally:
        victim.kill()


def test_the_doctor_says_that_the_disk_is_full_and_not_that_the_file_is_damaged(small_disk: Path) -> None:
    victim = Victim(small_disk / "data", **UNGUARDED)
    try:
        victim.admin_token()
        filler = small_disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
        code, full = victim.told("doctor")
        assert code == 1 and "the disk is full" in full, full
        assert "damaged" not in full and "gridbear restore" not in full, full
        filler.unlink()
        code, free = victim.told("doctor")
        assert "whole:" in free, free
    finally:
        victim.kill()


def test_the_guard_stops_before_the_disk_is_full_and_deleting_makes_room(small_disk: Path) -> None:
    victim = Victim(
        small_disk / "data",
        GRIDBEAR_STORAGE_LOGS_STOP_BYTES=str(24 * MB),
        GRIDBEAR_STORAGE_READ_ONLY_BYTES=str(16 * MB),
    )
    victim.log = small_disk.parent / "stderr.log"
    try:
        token = victim.admin_token()
        victim.start()
        client = victim.client(token)
        kept, refusal = fill_until_refused(client)
        assert refusal["code"] == "storage_low" and kept
        free = shutil.disk_usage(small_disk).free
        assert free > 4 * MB, "the guard left nothing for the program itself"
        states = {client.ask("GET", "/api/v1/server")[1]["data"]["storage"]["state"]}
        assert states == {"read_only"}
        ids = [row["id"] for row in client.ask("GET", "/api/v1/notes?fields=id&limit=500")[1]["data"]]
        for record_id in ids:
            status, answer = client.ask("DELETE", f"/api/v1/notes/{record_id}")
            assert status == 200, answer
        for _ in range(600):
            status, answer = client.create("notes", title="room again")
            if status == 201:
                break
            client.ask("GET", "/api/v1/notes?q=nothing")
            subprocess.run(["sleep", "0.1"], check=True)
        assert status == 201, answer
    finally:
        victim.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of a running process is changed with prlimit")
def test_a_limit_on_file_sizes_is_like_a_full_disk_and_no_damage(tmp_path: Path) -> None:
    import resource

    victim = Victim(tmp_path / "data", **UNGUARDED)
    try:
        token = victim.admin_token()
        victim.start()
        client = victim.client(token)
        assert client.create("notes", title="before")[0] == 201
        assert victim.process is not None
        _, hard = resource.prlimit(victim.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(victim.process.pid, resource.RLIMIT_FSIZE, (2 * MB, hard))
        kept, refusal = fill_until_refused(client)
        assert refusal["code"] in ("storage_full", "write_failed"), refusal
        assert client.ask("GET", "/api/v1/notes?limit=1")[0] == 200
        resource.prlimit(victim.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        status, answer = client.create("notes", title="after", body=TEXT)
        assert status == 201, answer
        assert client.ask("GET", "/api/v1/server")[1]["data"]["storage"]["state"] == "ok"
        victim.kill()
        assert stored(victim.data_dir / "gridbear.db") == {"before", *kept, "after"}
    finally:
        victim.kill()


def test_a_read_only_folder_is_named_at_start_and_nothing_is_touched(tmp_path: Path) -> None:
    data = tmp_path / "data"
    victim = Victim(data)
    victim.admin_token()
    before = (data / "gridbear.db").read_bytes()
    root = os.geteuid() == 0
    if root:
        mounts = (["mount", "--bind", str(data), str(data)], ["mount", "-o", "remount,ro,bind", str(data)])
        for command in mounts:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                pytest.skip(f"no read-only mount here: {done.stderr.strip()}")
    else:
        for folder in (data, data / "run"):
            folder.chmod(0o500)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gridbear_desktop", "serve", "--port", "0"],
            env=victim.env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 2
        [said] = done.stderr.strip().splitlines()
        assert "can't be written" in said and "--data-dir" in said
    finally:
        if root:
            subprocess.run(["umount", str(data)], check=True)
        else:
            for folder in (data, data / "run"):
                folder.chmod(0o700)
    assert (data / "gridbear.db").read_bytes() == before
    with contextlib.closing(sqlite3.connect(data / "gridbear.db")) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (1,)
