"""Leaving: a person's account goes, and what was theirs goes where an admin says."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Bear

pytestmark = pytest.mark.anyio

BOOKS = {
    "name": "books",
    "label": "Book",
    "label_plural": "Books",
    "fields": [
        {"name": "title", "type": "text", "unique": True},
        {"name": "part_of", "type": "relation", "references": "books", "on_delete": "restrict"},
    ],
}


async def leave(admin: httpx2.AsyncClient, user_id: int, **asked: Any) -> httpx2.Response:
    return await admin.post(f"/auth/users/{user_id}/leave", json=asked)


async def things(bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> int:
    """Max has two notes, a file, a token and a session. Returns his id."""
    for title in ("one", "two"):
        assert (await member.post("/api/v1/notes", json={"title": title})).status_code == 201
    upload = {"content-disposition": 'attachment; filename="a.txt"', "content-type": "text/plain"}
    assert (await member.post("/api/v1/files", content=b"hello", headers=upload)).status_code == 201
    await bear.signed_in("max")
    return bear.ids["max"]


async def test_a_dry_run_tells_what_there_is_and_changes_nothing(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    max_id = await things(bear, admin, member)
    answer = await leave(admin, max_id, dry_run=True)
    table = {line["model"]: (line["records"], line["fate"]) for line in answer.json()["data"]}
    assert table == {"notes": (2, "to_decide"), "files": (1, "stay"), "api_tokens": (1, "end"), "sessions": (1, "end")}
    rehearsed = await leave(admin, max_id, dry_run=True, trash=True)
    assert {line["model"]: line["fate"] for line in rehearsed.json()["data"]}["notes"] == "trashed"
    assert (await member.get("/api/v1/notes")).json()["count"] == 2
    assert (await admin.get("/api/v1/audit_entries?kind=person_left")).json()["count"] == 0


async def test_a_plain_delete_names_the_way(bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    max_id = await things(bear, admin, member)
    refused = await admin.delete(f"/api/v1/users/{max_id}")
    assert refused.status_code == 409 and refused.json()["code"] == "has_records"
    assert f"/auth/users/{max_id}/leave" in refused.json()["error"] and "notes" in refused.json()["error"]
    undecided = await leave(admin, max_id)
    assert undecided.status_code == 422 and undecided.json()["code"] == "to_decide"
    assert (await member.get("/auth/me")).status_code == 200
    lone = (await admin.post("/api/v1/users", json={"username": "lone", "password": "correct horse battery"})).json()
    assert (await admin.delete(f"/api/v1/users/{lone['data']['id']}")).status_code == 200


async def test_transferred_records_are_somebody_elses(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    max_id = await things(bear, admin, member)
    session = await bear.signed_in("max")
    answer = await leave(admin, max_id, transfer_to=bear.ids["olga"])
    assert answer.status_code == 200, answer.text
    assert (await other.get("/api/v1/notes")).json()["count"] == 2
    assert (await other.get("/api/v1/files")).json()["count"] == 1
    for client in (member, session):
        assert (await client.get("/api/v1/notes")).status_code == 401
    assert (await admin.get(f"/api/v1/users/{max_id}")).status_code == 404
    [told] = (await admin.get("/api/v1/audit_entries?kind=person_left")).json()["data"]
    assert (told["about"], told["actor_name"], told["detail"]) == ("max", "ada", f"to user {bear.ids['olga']}")


async def test_trashed_records_come_back_to_an_admin(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    max_id = await things(bear, admin, member)
    assert (await leave(admin, max_id, trash=True)).status_code == 200
    assert (await admin.get("/api/v1/notes")).json()["count"] == 0
    deleted = (await admin.get("/api/v1/notes/deleted")).json()["data"]
    assert [row["before"]["title"] for row in deleted] == ["two", "one"]
    assert (await other.get("/api/v1/notes/deleted")).json()["data"] == []
    back = await admin.post(f"/api/v1/notes/{deleted[0]['record_id']}/restore")
    assert back.status_code == 200 and back.json()["data"]["owner_id"] == bear.ids["ada"]


async def test_records_that_refer_to_each_other_go_together(bear: Bear, admin: httpx2.AsyncClient) -> None:
    assert (await admin.post("/api/v1/models", json=BOOKS)).status_code == 201
    member, other = await bear.person("max"), await bear.person("olga")
    first = (await member.post("/api/v1/books", json={"title": "all"})).json()["data"]["id"]
    await member.post("/api/v1/books", json={"title": "part one", "part_of": first})
    await other.post("/api/v1/books", json={"title": "all"})
    refused = await leave(admin, bear.ids["max"], transfer_to=bear.ids["olga"])
    assert refused.status_code == 409 and refused.json()["code"] == "transfer_conflict", refused.text
    assert f"Book {first}" in refused.json()["error"] and "title" in refused.json()["fields"]
    assert (await member.get("/api/v1/books")).json()["count"] == 2, "nothing of it remains"
    assert (await leave(admin, bear.ids["max"], trash=True)).status_code == 200
    assert (await other.get("/api/v1/books")).json()["count"] == 1


async def test_the_last_admin_stays(bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    await admin.post("/api/v1/notes", json={"title": "mine"})
    refused = await leave(admin, bear.ids["ada"], transfer_to=bear.ids["max"])
    assert refused.status_code == 409 and refused.json()["code"] == "last_admin"
    assert (await admin.get("/api/v1/notes")).json()["count"] == 1


async def test_wrong_choices_are_refused(bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    max_id = await things(bear, admin, member)
    for asked in (
        {"transfer_to": 999}, {"transfer_to": max_id}, {"transfer_to": bear.ids["ada"], "trash": True},
        {"transfer_to": "ada"}, {"transfer_to": 1 << 70}, {"burn": True},
    ):  # fmt: skip
        assert (await leave(admin, max_id, **asked)).status_code == 422, asked
    assert (await leave(admin, 999, trash=True)).status_code == 404


async def test_only_admins_send_people_away(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:  # fmt: skip
    reader = await bear.person("ada", scopes=["api:read"])
    for client, status in ((nobody, 401), (guest_role, 403), (member, 403), (reader, 403)):
        answer = await leave(client, bear.ids["max"], dry_run=True)
        assert answer.status_code == status and "notes" not in answer.text
