"""Webhooks of a server that is killed again and again: whatever was committed is told, under one message id."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.faults.campaigns import killed_over_and_over, rows_of, until
from tests.faults.victim import Client, Victim
from tests.http_site import QuietHandler, served

TOGETHER = 10


class Receiver(ThreadingHTTPServer):
    """Keeps the message ids under which each title came; refuses every seventh message at first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Told)
        self.ids: dict[str, list[str]] = defaultdict(list)
        self.refused: set[str] = set()
        self.count = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that was killed is no news."""


class _Told(QuietHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message_id = self.headers["webhook-id"]
        self.server.count += 1
        refuse = self.server.count % 7 == 0 and message_id not in self.server.refused
        if refuse:
            self.server.refused.add(message_id)
        else:
            self.server.ids[body["data"]["record"]["title"]].append(message_id)
        self.reply(503 if refuse else 200)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with served(Receiver()) as server:
        yield server


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    server = Victim(tmp_path / "data", GRIDBEAR_WEBHOOKS_PRIVATE_ADDRESSES="true")
    yield server
    server.kill()


def campaign(victim: Victim, receiver: Receiver, count: int, kills: int) -> None:
    token = victim.admin_token()
    victim.start()
    url = f"http://127.0.0.1:{receiver.server_port}/"
    status, answer = victim.client(token).create("webhooks", name="all", url=url, events=["notes.create"])
    assert status == 201, answer
    victim.kill()
    stored: set[str] = set()
    asked = 0

    def write(client: Client) -> None:
        nonlocal asked
        while len(stored) < count:
            titles = [f"note {asked + index}" for index in range(TOGETHER)]
            asked += TOGETHER
            operations = [{"verb": "create", "model": "notes", "values": {"title": title}} for title in titles]
            status, answer = client.ask("POST", "/api/v1/batch", {"operations": operations})
            assert status == 200, answer
            stored.update(titles)

    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    killed_over_and_over(victim, kills, random.Random(seed), lambda: receiver.count, count // (kills + 1), write, token)
    victim.start()
    client = victim.client(token)
    write(client)

    def all_is_told() -> bool:
        _, open_ = client.ask("GET", "/api/v1/webhook_deliveries?status__in=waiting,queued&limit=1")
        return bool(open_["count"] == 0)

    until(all_is_told)
    notes = {row["title"]: row["id"] for row in rows_of(victim, "SELECT id, title FROM notes")}
    rows = rows_of(victim, "SELECT key, status, record_id FROM webhook_deliveries")

    assert stored <= notes.keys(), "a note was lost"
    assert receiver.ids.keys() == notes.keys(), "a note was not told, or one that is not there was"
    assert {row["status"] for row in rows} == {"delivered"}
    key_of = {row["record_id"]: row["key"] for row in rows}
    assert len(key_of) == len(rows) == len(notes), "each note is one delivery"
    for title, ids in receiver.ids.items():
        assert set(ids) == {key_of[notes[title]]}, "told again under another id"
    twice = sum(len(ids) > 1 for ids in receiver.ids.values())
    print(f"{len(notes)} notes, {kills} kills: all told, {twice} of them more than once, {len(receiver.refused)} late")


@pytest.mark.slow
def test_what_webhooks_tell_survives_four_kills(victim: Victim, receiver: Receiver) -> None:
    campaign(victim, receiver, 200, 4)


@pytest.mark.soak
def test_what_webhooks_tell_survives_fifty_kills(victim: Victim, receiver: Receiver) -> None:
    campaign(victim, receiver, 5000, 50)
