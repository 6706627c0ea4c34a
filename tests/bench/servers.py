"""The servers that are compared, each with the same notes of the same people, in a folder of its own."""

from __future__ import annotations

import itertools
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.bench.load import request

ROWS = 10_000
"""Notes of each person."""
PEOPLE = ("max", "eva", "tom", "ida")
PRIORITIES = 10
PASSWORD = "a calm bear in a den"
TEXT = "lorem ipsum dolor sit amet " * 4
PAGE = 30
PLAIN_MODEL: dict[str, Any] = {
    "name": "plain_notes",
    "label": "Plain notes",
    "history": False,
    "fields": [
        {"name": "title", "type": "text", "required": True},
        {"name": "body", "type": "long_text"},
        {"name": "priority", "type": "number", "indexed": True},
        {"name": "done", "type": "boolean"},
        {"name": "tags", "type": "json"},
    ],
}
"""PocketBase's collection as a model: its fields and indexes, no full text, no history."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks, and the ids of the notes that are theirs."""

    token: str
    ids: list[Any]
    owner: str = ""


@dataclass
class Served:
    """A server that answers, and how to ask it."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    people: list[Person]
    path: str
    list_query: Callable[[int], str]
    """The query of a page of 30, by its number."""
    filtered_query: Callable[[int, int], str]
    """The same of a priority, latest first."""
    note: Callable[[Person, int], dict[str, Any]]
    plain_path: str = ""
    """Where rows with the same fields and indexes go that have neither full text nor history; empty: `path`."""

    def head_pages(self) -> Iterator[bytes]:
        """The first pages of all people; each begins at another row, so that hardly any is asked for twice."""
        if self.name == "PocketBase":
            return itertools.cycle([self._get(w, f"?{self.list_query(p)}") for p in range(20) for w in self.people])
        offsets = _mixed(range(20 * PAGE))
        return itertools.cycle([self._get(w, f"?limit={PAGE}&offset={o}") for o in offsets for w in self.people])

    def same_page(self) -> Iterator[bytes]:
        """One person's first page, again and again."""
        return itertools.repeat(self._get(self.people[0], f"?{self.list_query(0)}"))

    def pages(self) -> Iterator[bytes]:
        """All pages of all people, in an order that repeats after more than a thousand requests."""
        pages = range(ROWS // PAGE)
        return itertools.cycle(
            [self._get(who, f"?{self.list_query(page)}") for page in _mixed(pages) for who in self.people]
        )

    def filtered_pages(self) -> Iterator[bytes]:
        """All pages of each priority of all people."""
        found = [(page, priority) for page in range(ROWS // PRIORITIES // PAGE) for priority in range(PRIORITIES)]
        return itertools.cycle(
            [self._get(who, f"?{self.filtered_query(*one)}") for one in _mixed(found) for who in self.people]
        )

    def reads(self) -> Iterator[bytes]:
        """Single notes of all people."""
        return itertools.cycle([self._get(w, f"/{w.ids[n]}") for n in _mixed(range(0, ROWS, 3)) for w in self.people])

    def creates(self) -> Iterator[bytes]:
        """New notes, one person after the other, no two the same."""
        return self._creates(self.path)

    def plain_creates(self) -> Iterator[bytes]:
        """The same rows, of a model that keeps no more of them than PocketBase does."""
        return self._creates(self.plain_path or self.path)

    def _creates(self, path: str) -> Iterator[bytes]:
        for number, who in enumerate(itertools.cycle(self.people)):
            body = json.dumps(self.note(who, number)).encode()
            yield request("POST", path, self.port, who.token, body)

    def _get(self, who: Person, rest: str) -> bytes:
        return request("GET", self.path + rest, self.port, who.token)

    def cpu_seconds(self) -> float:
        """Processor time that it has used so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def own_megabytes(self) -> float:
        """Memory of its own, without the pages of the database that it maps (those are only told apart on Linux)."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return memory_megabytes(self.process)
        return int(status.split("RssAnon:")[1].split()[0]) / 1024 * 1.048576

    def stop(self) -> None:
        """End it, by its own handle."""
        self.process.terminate()
        self.process.wait(20)


def _mixed(values: Any) -> list[Any]:
    """The values in another order, the same every time."""
    found = list(values)
    step = next(step for step in (7919, 7907, 7901) if len(found) % step)
    return [found[index * step % len(found)] for index in range(len(found))]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(port: int, method: str, path: str, body: Any = None, token: str = "") -> Any:
    """One JSON request."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, method=method, headers=headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
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
    limits = {"REST_RATE_PER_SECOND": "1000000", "REST_RATE_BURST": "1000000", "IMPORT_BODY_BYTES": str(1 << 30)}
    environment = {**os.environ, **{f"GRIDBEAR_{name}": value for name, value in limits.items()}}
    program = command or [sys.executable, "-m", "gridbear_desktop"]
    return subprocess.Popen(
        [*program, "serve", "--port", str(port), "--data-dir", str(folder)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def new_folder(folder: Path, people: tuple[str, ...] = PEOPLE) -> list[str]:
    """A data folder with an admin and members. Returns the members' tokens."""
    command = [sys.executable, "-m", "gridbear_desktop"]
    for name, more in (("ada", ["--admin"]), *((name, []) for name in people)):
        created = [*command, "user", "create", name, "--password-stdin", "--data-dir", str(folder), *more]
        subprocess.run(created, input=PASSWORD.encode(), check=True, stdout=subprocess.DEVNULL)
    return [new_token(folder, name) for name in people]


def new_token(folder: Path, name: str) -> str:
    """An API token of a person of a data folder whose server does not run."""
    command = [sys.executable, "-m", "gridbear_desktop", "token", "create", name, "--data-dir", str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]


def gridbear(folder: Path, rows: int = ROWS, names: tuple[str, ...] = PEOPLE) -> Served:
    """GridBear with members who own the notes: own rule, limiter, token look-up and guard are on."""
    tokens = new_folder(folder, names)
    admin = new_token(folder, "ada")
    database = sqlite3.connect(folder / "gridbear.db")
    moment = "2026-01-02T03:04:05.678Z"
    people = []
    for owner, token in enumerate(tokens, 2):
        first = database.execute("SELECT coalesce(max(id), 0) + 1 FROM notes").fetchone()[0]
        database.executemany(
            "INSERT INTO notes (title, body, priority, done, tags, owner_id, created_at, updated_at)"
            " VALUES (?,?,?,?,?,?,?,?)",
            ((f"note {n}", TEXT, n % PRIORITIES, n % 2, "[]", owner, moment, moment) for n in range(rows)),
        )
        people.append(Person(token, list(range(first, first + rows))))
    database.commit()
    database.close()
    port = free_port()
    process = start_gridbear(folder, port)
    wait_for(port, "/healthz", process)
    call(port, "POST", "/api/v1/models", PLAIN_MODEL, admin)
    return Served(
        "GridBear", process, port, people, "/api/v1/notes",
        lambda page: f"limit={PAGE}&offset={page * PAGE}",
        lambda page, priority: f"limit={PAGE}&offset={page * PAGE}&priority={priority}&sort=-id",
        lambda _who, number: {"title": f"made by the bench {number}", "body": TEXT, "priority": number % PRIORITIES},
        f"/api/v1/{PLAIN_MODEL['name']}",
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
    owners = [
        call(port, "POST", "/api/collections/users/records",
             {"email": f"{name}@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}, admin)["id"]
        for name in PEOPLE
    ]  # fmt: skip
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
    ids = [[secrets.token_hex(8)[:15] for _ in range(ROWS)] for _ in owners]
    database = sqlite3.connect(folder / "data.db")
    moment = "2026-01-02 03:04:05.678Z"
    database.executemany(
        "INSERT INTO notes (id, title, body, priority, done, tags, owner, created, updated) VALUES (?,?,?,?,?,?,?,?,?)",
        ((found, f"note {n}", TEXT, n % PRIORITIES, n % 2, "[]", owner, moment, moment)
         for owner, own in zip(owners, ids, strict=True) for n, found in enumerate(own)),
    )  # fmt: skip
    database.commit()
    database.close()
    process = subprocess.Popen(command, **quiet)
    wait_for(port, "/api/health", process)
    people = []
    for name, owner, own in zip(PEOPLE, owners, ids, strict=True):
        login = {"identity": f"{name}@example.com", "password": PASSWORD}
        token = call(port, "POST", "/api/collections/users/auth-with-password", login)["token"]
        people.append(Person(token, own, owner))
    return Served(
        "PocketBase", process, port, people, "/api/collections/notes/records",
        lambda page: f"perPage={PAGE}&page={page + 1}",
        lambda page, priority: f"perPage={PAGE}&page={page + 1}&filter=(priority={priority})&sort=-@rowid",
        lambda who, number: {"title": f"made by the bench {number}", "body": TEXT, "priority": number % PRIORITIES,
                             "owner": who.owner},
    )  # fmt: skip


def memory_megabytes(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process and its children."""
    root = psutil.Process(process.pid)
    rss: int = sum(p.memory_info().rss for p in (root, *root.children(recursive=True)))
    return rss / 1e6


def own_memory(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process without its children, in MB."""
    return float(psutil.Process(process.pid).memory_info().rss) / 1e6
