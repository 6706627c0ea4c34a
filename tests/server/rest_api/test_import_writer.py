"""Imports and the one writer: what is done before it is taken, and what it finds out itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import OWNER
from server.db.search import search_table
from server.records.import_plan import ImportOptions
from server.records.import_takeover import TUNED_FROM
from server.records.importing import Import
from server.records.service import Records
from tests.conftest import Bear
from tests.server.rest_api.tests_transfer_support import NOTES, done, rows

pytestmark = pytest.mark.anyio

GROUPS = "/api/v1/groups"


def before_the_writer(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[Any]]) -> None:
    """Do `act` between the look of the next import and its turn at the writer."""
    work = Records.work
    todo = [act]

    async def late(self: Records, actor: Any, run: Any, models: Any, **options: Any) -> Any:
        if options.get("attached") is not None and todo:
            await todo.pop()()
        return await work(self, actor, run, models, **options)

    monkeypatch.setattr(Records, "work", late)


async def changes(bear: Bear) -> int:
    found: int = await bear.app.records.shelf.store.write(lambda unit: unit.connection.total_changes, ())
    return found


async def test_what_is_wrong_with_rows_is_found_out_before_the_writer_is_taken(
    admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> None:
        raise AssertionError("others had to wait for an import that fails")

    await admin.post(GROUPS, json={"name": "old"})
    before_the_writer(monkeypatch, never)
    answer = await admin.post(f"{GROUPS}/import", content=b"name\nnew\nold\ntwice\ntwice\n")
    assert {name: problem["code"] for name, problem in answer.json()["fields"].items()} == {
        "2.name": "not_unique", "4.name": "not_unique",
    }  # fmt: skip
    answer = await admin.post("/api/v1/group_members/import", content=b"group_id,user_id\n1,99\n")
    assert {name: problem["code"] for name, problem in answer.json()["fields"].items()} == {
        "1.user_id": "no_such_record"
    }


async def test_a_value_that_is_taken_since_the_look_refuses_the_whole_import_by_row(
    admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_the_writer(monkeypatch, lambda: admin.post(GROUPS, json={"name": "b"}))
    answer = await admin.post(f"{GROUPS}/import", content=b"name\na\nb\nc\n")
    assert answer.status_code == 422 and answer.json()["code"] == "rows_refused"
    assert {name: problem["code"] for name, problem in answer.json()["fields"].items()} == {"2.name": "not_unique"}
    assert [row["name"] for row in (await admin.get(GROUPS)).json()["data"]] == ["b"]


async def test_a_record_that_is_gone_since_the_look_refuses_the_whole_import_by_row(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = [(await admin.post(GROUPS, json={"name": name})).json()["data"]["id"] for name in "ab"]
    before_the_writer(monkeypatch, lambda: admin.delete(f"{GROUPS}/{gone}"))
    ada = bear.ids["ada"]
    answer = await admin.post(
        "/api/v1/group_members/import", content=f"group_id,user_id\n{kept},{ada}\n{gone},{ada}\n".encode()
    )
    assert {name: problem["code"] for name, problem in answer.json()["fields"].items()} == {
        "2.group_id": "no_such_record"
    }
    assert (await admin.get("/api/v1/group_members")).json()["count"] == 0


async def test_a_large_import_notes_no_row_for_the_full_text_and_later_changes_are_noted_again(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    before = await changes(bear)
    text = "".join(f"needle{number} hay\n" for number in range(TUNED_FROM))
    report = await done(member, f"title\n{text}")
    # Each row itself, and two of FTS5 for it.
    assert await changes(bear) - before < 3.2 * TUNED_FROM
    made = (await member.post(NOTES, json={"title": "straw hay"})).json()["data"]["id"]
    await member.delete(f"{NOTES}/{report['first_id']}")
    assert [row["id"] for row in await rows(member, "?q=straw")] == [made]
    assert (await member.get(f"{NOTES}?q=hay&limit=1")).json()["count"] == TUNED_FROM
    # FTS5 compares every posting with the rows.
    index = search_table(bear.app.records.registry.get("notes").table.name)
    check = f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)"
    await bear.app.records.shelf.store.write(lambda unit: unit.execute(check) and None, ())


async def test_an_import_that_nobody_waits_for_any_more_is_in_the_audit_log_once_it_is_done(
    bear: Bear, admin: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("title\none\ntwo\n")

    async def nobody_waits() -> None:
        importing.cancel()

    before_the_writer(monkeypatch, nobody_waits)
    importing = asyncio.ensure_future(bear.app.transfers.import_file(OWNER, "notes", ImportOptions(), path))
    with pytest.raises(asyncio.CancelledError):
        await importing
    assert [row["title"] for row in (await admin.get(NOTES)).json()["data"]] == ["one", "two"]
    told = (await admin.get("/api/v1/audit_entries?kind=import")).json()["data"]
    assert [(row["model"], row["detail"]) for row in told] == [("notes", "2 rows")]


@pytest.mark.parametrize("deed", ["forbidden", "let less in", "disabled", "demoted", "deleted"])
async def test_who_loses_the_right_while_the_file_is_read_imports_nothing(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    importer = await bear.person("olga", "guest" if deed == "demoted" else "member")
    rule = {"role": "guest", "model": "notes", "verb": "create", "extent": "all"}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    read, loop, person = Import._read, asyncio.get_running_loop(), f"/api/v1/users/{bear.ids['olga']}"

    async def meanwhile() -> None:
        rule = {"role": "member", "model": "notes", "verb": "create"}
        if deed == "forbidden":
            answer = await admin.post("/api/v1/access_rules", json={**rule, "extent": "none"})
        elif deed == "let less in":
            answer = await admin.post("/api/v1/access_rules", json={**rule, "extent": "all", "hidden_fields": ["body"]})
        elif deed == "deleted":
            answer = await admin.delete(person)
        else:
            answer = await admin.patch(person, json={"is_active": False} if deed == "disabled" else {"role": "member"})
        assert answer.status_code in (200, 201), answer.text

    def and_meanwhile(running: Import) -> Any:
        found = read(running)
        asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(30)
        return found

    monkeypatch.setattr(Import, "_read", and_meanwhile)
    answer = await importer.post(f"{NOTES}/import", content=b"title,body\none,hidden\n")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text
    assert (await admin.get(NOTES)).json()["count"] == 0
