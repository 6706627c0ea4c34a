"""What tests of `Idempotency-Key` share."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import httpx2

from tests.conftest import Bear


def kept(bear: Bear) -> list[tuple[Any, ...]]:
    """What lies in the file of all keys."""
    with closing(sqlite3.connect(bear.app.records.shelf.store.path)) as connection:
        return connection.execute("SELECT * FROM idempotency_keys").fetchall()


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal that looks like none of a request that was answered before."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["ok"], body["code"]) == (status, False, code), answer.text
    assert "idempotency-replayed" not in answer.headers and "location" not in answer.headers
    return body
