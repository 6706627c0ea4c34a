"""The servers that are compared, each with the same 10,000 notes of one person, in a folder of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROWS = 10_000
PASSWORD = "a calm bear in a den"
TEXT = "lorem ipsum dolor sit amet " * 4


@dataclass
class Served:
    """A server that answers, and what is needed to ask it."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    token: str
    list_path: str
    filtered_path: str
    read_paths: list[str]
    create_path: str
    create_body: bytes

    def stop(self) -> None:
        """End it, by its own handle."""
        self.process.terminate()
        self.process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(port: int, method: str, path: str, body: Any = None, token: str = "") -> Any:
    """One JSON request."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wait_for(port: int, path: str, process: subprocess.Popen[bytes], seconds: float = 30) -> float:
    """Seconds until the first 200."""
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1):
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.005)
    raise TimeoutError("no answer")


def start_gridbear(folder: Path, port: int, command: list[str] | None = None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "GRIDBEAR_REST_RATE_PER_SECOND": "1000000", "GRIDBEAR_REST_RATE_BURST": "1000000"}
    program = command or [sys.executable, "-m", "gridbear_desktop"]
    return subprocess.Popen(
        [*program, "serve", "--port", str(port), "--data-dir", str(folder)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def gridbear(folder: Path) -> Served:
    """GridBear with a member who owns the notes: own rule, limiter, session and guard are on."""
    command = [sys.executable, "-m", "gridbear_desktop"]
    for name, more in (("ada", ["--admin"]), ("max", [])):
        created = [*command, "user", "create", name, "--password-stdin", "--data-dir", str(folder), *more]
        subprocess.run(created, input=PASSWORD.encode(), check=True, stdout=subprocess.DEVNULL)
    token = subprocess.run(
        [*command, "token", "create", "max", "--data-dir", str(folder)], check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    database = sqlite3.connect(folder / "gridbear.db")
    moment = "2026-01-02T03:04:05.678Z"
    database.executemany(
        "INSERT INTO notes (title, body, priority, done, tags, owner_id, created_at, updated_at)"
        " VALUES (?,?,?,?,?,?,?,?)",
        ((f"note {n}", TEXT, n % 10, n % 2, "[]", 2, moment, moment) for n in range(ROWS)),
    )
    database.commit()
    database.close()
    port = free_port()
    process = start_gridbear(folder, port)
    wait_for(port, "/healthz", process)
    return Served(
        "GridBear", process, port, token,
        "/api/v1/notes?limit=30",
        "/api/v1/notes?limit=30&priority=3&sort=-id",
        [f"/api/v1/notes/{n}" for n in range(1, ROWS, 7)],
        "/api/v1/notes",
        json.dumps({"title": "made by the bench", "body": TEXT, "priority": 3}).encode(),
    )  # fmt: skip


def pocketbase(folder: Path) -> Served | None:
    """PocketBase with the same rows, fields, indexes and rule; None where it is not installed."""
    program = shutil.which("pocketbase", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        return None
    data = ["--dir", str(folder)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([program, "superuser", "upsert", "ada@example.com", PASSWORD, *data], check=True, **quiet)
    port = free_port()
    command = [program, "serve", f"--http=127.0.0.1:{port}", *data]
    process = subprocess.Popen(command, **quiet)
    wait_for(port, "/api/health", process)
    login = {"identity": "ada@example.com", "password": PASSWORD}
    admin = call(port, "POST", "/api/collections/_superusers/auth-with-password", login)["token"]
    person = {"email": "max@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
    owner = call(port, "POST", "/api/collections/users/records", person, admin)["id"]
    users = call(port, "GET", "/api/collections/users", token=admin)["id"]
    rule = "owner = @request.auth.id"
    fields = [
        {"name": "owner", "type": "relation", "collectionId": users, "maxSelect": 1},
        {"name": "title", "type": "text", "required": True},
        {"name": "body", "type": "text"},
        {"name": "priority", "type": "number"},
        {"name": "done", "type": "bool"},
        {"name": "tags", "type": "json"},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ]
    indexes = [f"CREATE INDEX ix_notes_{name} ON notes ({name})" for name in ("owner", "priority")]
    rules = {f"{verb}Rule": rule for verb in ("list", "view", "create", "update", "delete")}
    call(port, "POST", "/api/collections",
         {"name": "notes", "type": "base", "fields": fields, "indexes": indexes, **rules}, admin)  # fmt: skip
    process.terminate()
    process.wait(10)
    ids = [secrets.token_hex(8)[:15] for _ in range(ROWS)]
    database = sqlite3.connect(folder / "data.db")
    moment = "2026-01-02 03:04:05.678Z"
    database.executemany(
        "INSERT INTO notes (id, title, body, priority, done, tags, owner, created, updated) VALUES (?,?,?,?,?,?,?,?,?)",
        ((ids[n], f"note {n}", TEXT, n % 10, n % 2, "[]", owner, moment, moment) for n in range(ROWS)),
    )
    database.commit()
    database.close()
    process = subprocess.Popen(command, **quiet)
    wait_for(port, "/api/health", process)
    login = {"identity": "max@example.com", "password": PASSWORD}
    token = call(port, "POST", "/api/collections/users/auth-with-password", login)["token"]
    base = "/api/collections/notes/records"
    return Served(
        "PocketBase", process, port, token,
        f"{base}?perPage=30",
        f"{base}?perPage=30&filter=(priority=3)&sort=-created",
        [f"{base}/{ids[n]}" for n in range(0, ROWS, 7)],
        base,
        json.dumps({"title": "made by the bench", "body": TEXT, "priority": 3, "owner": owner}).encode(),
    )  # fmt: skip


def memory_megabytes(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process and its children."""
    root = psutil.Process(process.pid)
    return sum(p.memory_info().rss for p in (root, *root.children(recursive=True))) / 1e6
