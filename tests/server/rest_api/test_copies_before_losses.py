"""The copy that is kept before a change of models takes values away holds all of them, however late they came."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.db.copying import copy_database

pytestmark = pytest.mark.anyio
URL = "/api/v1/models"
BOOKS: dict[str, Any] = {
    "name": "books",
    "label": "Book",
    "label_plural": "Books",
    "fields": [{"name": "title", "type": "text", "required": True}, {"name": "story", "type": "text"}],
}
TITLE: dict[str, Any] = {"fields": BOOKS["fields"][:1]}


@pytest.mark.parametrize("deed", ["drop", "change"])
@pytest.mark.parametrize("late", ["books", "notes"])
async def test_a_record_that_comes_while_the_copy_is_made_is_in_it(
    admin: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, late: str
) -> None:
    assert (await admin.post(URL, json=BOOKS)).status_code == 201
    assert (await admin.post("/api/v1/books", json={"title": "early", "story": "s"})).status_code == 201
    loop, copied = asyncio.get_running_loop(), 0

    async def come() -> None:
        answer = await admin.post(f"/api/v1/{late}", json={"title": "late"})
        assert answer.status_code == 201, answer.text

    def and_then(path: Path, target: Path) -> None:
        nonlocal copied
        copied += 1
        copy_database(path, target)
        if copied == 1:
            asyncio.run_coroutine_threadsafe(come(), loop).result(10)

    monkeypatch.setattr("server.records.kept_copy.copy_database", and_then)
    if deed == "drop":
        answer = await admin.delete(f"{URL}/books?confirm=true")
    else:
        answer = await admin.patch(f"{URL}/books?confirm=true", json=TITLE)
    assert answer.status_code == 200, answer.text
    [kept] = (tmp_path / "data" / "backups").glob("before-change-*-books.db*")
    with contextlib.closing(sqlite3.connect(kept)) as connection:
        titles = [title for (title,) in connection.execute("SELECT title FROM books ORDER BY id")]
    assert titles == (["early", "late"] if late == "books" else ["early"])
    assert copied == (2 if late == "books" else 1), "what other models get needs no second copy"
