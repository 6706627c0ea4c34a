"""Creates that wait at the same time are stored together, and nobody can tell."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.access.actor import SYSTEM, Actor
from server.db.transaction import Transaction
from server.events.bus import RecordChanged
from server.records import together
from server.records.log_rows import insert_rows
from tests.conftest import Bear

pytestmark = pytest.mark.anyio

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
_NOTE = st.fixed_dictionaries(
    {"title": _TEXT.filter(str.strip)},
    optional={
        "body": st.none() | _TEXT,
        "priority": st.none() | st.integers(-(2**63), 2**63 - 1),
        "done": st.booleans(),
        "tags": st.lists(st.sampled_from(["a", "\x1e", '"', "🐻", "1:2"]), max_size=3),
    },
)


class Gate:
    """Keeps the writer busy, so that what is asked meanwhile comes into one group."""

    def __init__(self, bear: Bear) -> None:
        self._opened = threading.Event()
        self._write = bear.app.records.shelf.store.write

    def __enter__(self) -> None:
        def wait(_transaction: Transaction) -> None:
            assert self._opened.wait(10)

        self._future = self._write(wait, ())

    def __exit__(self, *_: object) -> None:
        self._opened.set()


async def _at_once(bear: Bear, asked: list[Any]) -> list[Any]:
    with Gate(bear):
        tasks = [asyncio.ensure_future(request) for request in asked]
        # In-process requests reach the writer within a few turns of the loop.
        for _ in range(50):
            await asyncio.sleep(0)
    return list(await asyncio.gather(*tasks))


async def test_each_gets_their_own_row_its_history_and_its_event(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[RecordChanged] = []
    bear.app._bus.subscribe(told.append)
    parts: list[int] = []

    def insert(table: Any, prepared: Any, rows: Any) -> Any:
        parts.append(len(rows))
        return insert_rows(table, prepared, rows)

    monkeypatch.setattr(together, "insert_rows", insert)
    asked = [
        (member, other)[n % 2].post("/api/v1/notes", json={"title": f"note {n}", "priority": n}) for n in range(71)
    ]
    answers = await _at_once(bear, asked)
    assert max(parts) > 30, "they were stored together, and their history as well"
    ids = {"max": bear.ids["max"], "olga": bear.ids["olga"]}
    seen = set()
    for n, answer in enumerate(answers):
        row = answer.json()["data"]
        assert answer.status_code == 201 and answer.headers["location"] == f"/api/v1/notes/{row['id']}"
        assert (row["title"], row["priority"], row["owner_id"]) == (
            f"note {n}", n, ids[("max", "olga")[n % 2]],
        )  # fmt: skip
        reader = (member, other)[n % 2]
        assert (await reader.get(f"/api/v1/notes/{row['id']}")).json()["data"] == row
        entries = (await reader.get(f"/api/v1/notes/{row['id']}/history")).json()["data"]
        assert [(e["verb"], e["actor_name"]) for e in entries] == [("create", ("max", "olga")[n % 2])]
        seen.add(row["id"])
    assert len(seen) == 71
    notes = [(e.verb, e.record_id, e.owner_id) for e in told if e.model == "notes"]
    assert notes == [("create", a.json()["data"]["id"], ids[("max", "olga")[n % 2]]) for n, a in enumerate(answers)]
    found = (await member.get("/api/v1/notes", params={"q": "note"})).json()
    assert found["count"] == 36


async def test_one_that_fails_takes_no_other_with_it(bear: Bear, admin: httpx2.AsyncClient) -> None:
    model = {"name": "seats", "label": "Seat", "fields": [{"name": "number", "type": "text", "unique": True}]}
    assert (await admin.post("/api/v1/models", json=model)).status_code == 201
    numbers = ["1", "2", "1", "3", "2", "4"]
    answers = await _at_once(bear, [admin.post("/api/v1/seats", json={"number": n}) for n in numbers])
    assert [a.status_code for a in answers] == [201, 201, 409, 201, 409, 201]
    rows = (await admin.get("/api/v1/seats")).json()
    assert [row["number"] for row in rows["data"]] == ["1", "2", "3", "4"]
    assert [a.json()["data"]["id"] for a in answers if a.status_code == 201] == [row["id"] for row in rows["data"]]


async def test_other_writes_between_them_keep_their_place(bear: Bear, member: httpx2.AsyncClient) -> None:
    first = (await member.post("/api/v1/notes", json={"title": "first"})).json()["data"]["id"]
    asked = [
        *(member.post("/api/v1/notes", json={"title": f"before {n}"}) for n in range(3)),
        member.patch(f"/api/v1/notes/{first}", json={"title": "changed"}),
        member.delete(f"/api/v1/notes/{first}"),
        *(member.post("/api/v1/notes", json={"title": f"after {n}"}) for n in range(2)),
    ]
    answers = await _at_once(bear, asked)
    assert [a.status_code for a in answers] == [201, 201, 201, 200, 200, 201, 201]
    rows = (await member.get("/api/v1/notes")).json()["data"]
    assert [row["title"] for row in rows] == ["before 0", "before 1", "before 2", "after 0", "after 1"]
    assert min(row["id"] for row in rows) > first, "no id is used twice"


async def test_ids_of_deleted_rows_are_never_used_again(bear: Bear, member: httpx2.AsyncClient) -> None:
    gone = [a.json()["data"]["id"] for a in await _at_once(
        bear, [member.post("/api/v1/notes", json={"title": str(n)}) for n in range(4)])]  # fmt: skip
    for record_id in gone:
        await member.delete(f"/api/v1/notes/{record_id}")
    made = await _at_once(bear, [member.post("/api/v1/notes", json={"title": str(n)}) for n in range(4)])
    assert min(a.json()["data"]["id"] for a in made) > max(gone)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.lists(_NOTE, min_size=2, max_size=9))
async def test_together_or_alone_the_rows_are_the_same(
    bear: Bear, member: httpx2.AsyncClient, notes: list[dict[str, Any]]
) -> None:
    records = bear.app.records
    someone = Actor("user", bear.ids["max"], "max", "member")
    planned = [await records.create(SYSTEM, "notes", note) for note in notes]
    alone = [await records.create(someone, "notes", note) for note in notes]
    at_once = await _at_once(bear, [records.create(someone, "notes", note) for note in notes])

    def fixed(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in ("id", "created_at", "updated_at")}

    assert [fixed(row) for row in planned] == [{**fixed(row), "owner_id": None} for row in alone]
    assert [fixed(row) for row in at_once] == [fixed(row) for row in alone]
    for row in at_once:
        assert await records.get(someone, "notes", row["id"]) == row


async def test_who_may_not_read_any_more_is_told_no_more_than_the_id(bear: Bear, member: httpx2.AsyncClient) -> None:
    someone = Actor("user", bear.ids["max"], "max", "member")
    records = bear.app.records
    with Gate(bear):
        waiting = [asyncio.ensure_future(records.create_row(someone, "notes", {"title": t})) for t in "ab"]
        for _ in range(50):
            await asyncio.sleep(0)
        rules = [{"id": 1, "role": "member", "group_id": None, "model": "notes", "verb": "read", "extent": "none",
                  "hidden_fields": []}]  # fmt: skip
        records.policy.load(rules, [], [])
    assert len({(await one)[0] for one in waiting}) == 2
    _, text = await records.create_row(someone, "notes", {"title": "c"})
    assert set(json.loads(text)) == {"id"}


async def test_hidden_and_foreign_fields_are_refused_with_their_names_and_others_pass(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    bodies = [{"title": "a"}, {"title": "b", "owner_id": 1}, {"title": None}, {}, {"title": "c", "nothing": 1}]
    answers = await _at_once(bear, [member.post("/api/v1/notes", json=body) for body in bodies])
    assert [a.status_code for a in answers] == [201, 422, 422, 422, 422]
    assert [sorted(a.json()["fields"]) for a in answers[1:]] == [["owner_id"], ["title"], ["title"], ["nothing"]]
    assert [row["title"] for row in (await member.get("/api/v1/notes")).json()["data"]] == ["a"]
