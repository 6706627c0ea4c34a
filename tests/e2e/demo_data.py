"""A small household's data, put in through the REST API: for page tests and the pictures of the docs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

NOTES: list[dict[str, Any]] = [
    {"title": "Descale the coffee machine", "priority": 2, "done": True, "tags": ["home"]},
    {"title": "Renew the passport", "priority": 5, "tags": ["errand"], "body": "Photo from the booth at the station."},
    {"title": "Weekly shop", "priority": 3, "tags": ["home", "errand"], "body": "Oat milk, bread, apples, filters."},
    {"title": "Call the landlord about the lift", "priority": 4, "tags": ["home"]},
    {"title": "Read chapter 4", "priority": 1, "body": "Up to the part about group commit."},
    {"title": "Feed the sourdough starter", "priority": 2, "done": True, "tags": ["kitchen"]},
    {"title": "Order water filters", "priority": 2, "tags": ["kitchen", "errand"]},
    {"title": "Plan the cabin week", "priority": 3, "body": "Train or car? Ask Ines who brings the boat."},
    {"title": "Fix the back door", "priority": 4, "tags": ["home"], "body": "The lower hinge is loose."},
    {"title": "Ask Ines for the recipe", "tags": ["kitchen"]},
    {"title": "Sort the winter clothes", "priority": 1, "tags": ["home"]},
    {"title": "Book the dentist", "priority": 5, "done": True, "tags": ["errand"]},
]
NOTIFICATIONS = [
    {"title": "Backup drive is nearly full", "message": "4 GB left on the attic disk", "severity": "warning"},
    {"title": "Release 1.2 is out", "message": "octo/den published a release", "severity": "info"},
    {"title": "Nightly sync finished", "message": "412 records, nothing skipped", "severity": "success"},
]


@contextmanager
def sign_in(url: str, username: str, password: str) -> Iterator[httpx2.Client]:
    """A client with the session cookie of a person; AssertionError when refused."""
    with httpx2.Client(base_url=url, headers={"accept": "application/json"}, timeout=30) as client:
        reply = client.post("/auth/login", data={"username": username, "password": password})
        assert reply.status_code == 200, reply.text
        yield client


def fill(client: httpx2.Client, internal_secret: str | None = None) -> None:
    """Notes, notifications (when the internal secret is given) and one MCP server that can't start."""
    now = datetime.now(UTC)
    for at, note in enumerate(NOTES):
        due = (now + timedelta(days=at - 3)).strftime("%Y-%m-%dT%H:%M:%S.000Z") if at % 2 else None
        reply = client.post("/api/v1/notes", json={**note, "due_at": due})
        assert reply.status_code == 201, reply.text
    if internal_secret:
        headers = {"authorization": f"Bearer {internal_secret}"}
        for one in NOTIFICATIONS:
            reply = client.post("/api/internal/notifications", json={**one, "source": "demo"}, headers=headers)
            assert reply.status_code in (200, 201), reply.text
    server = {"name": "github", "transport": "stdio", "command": "gridbear-demo-no-such-program", "args": []}
    reply = client.post("/api/v1/mcp_servers", json=server)
    assert reply.status_code == 201, reply.text
