"""POST /batch: mixed models, all or nothing, references to earlier results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.rest_api.test_records import refused

pytestmark = pytest.mark.anyio


def create(title: Any, **values: Any) -> dict[str, Any]:
    return {"verb": "create", "model": "notes", "values": {"title": title, **values}}


async def send(client: httpx2.AsyncClient, *operations: Any, **params: Any) -> httpx2.Response:
    return await client.post("/api/v1/batch", json={"operations": list(operations)}, params=params)


async def titles(client: httpx2.AsyncClient) -> list[str]:
    return [row["title"] for row in (await client.get("/api/v1/notes?sort=id")).json()["data"]]


async def test_mixed_operations_answer_in_order_with_their_rows(member: httpx2.AsyncClient) -> None:
    first = (await member.post("/api/v1/notes", json={"title": "old"})).json()["data"]["id"]
    answer = await send(
        member,
        create("new"),
        {"verb": "update", "model": "notes", "id": first, "values": {"priority": 3}},
        {"verb": "replace", "model": "notes", "id": {"$ref": "0.id"}, "values": {"title": "newer"}},
        {"verb": "delete", "model": "notes", "id": first},
    )
    assert answer.status_code == 200, answer.text
    results = answer.json()["data"]
    assert [result["status"] for result in results] == [201, 200, 200, 200]
    assert results[1]["data"]["priority"] == 3
    assert results[3]["data"] is None
    assert await titles(member) == ["newer"]


async def test_a_reference_to_an_earlier_result_works_in_fields(admin: httpx2.AsyncClient, member: Any) -> None:
    people = (await admin.get("/api/v1/users?username=max")).json()["data"]
    answer = await send(
        admin,
        {"verb": "create", "model": "groups", "values": {"name": "Family"}},
        {"verb": "create", "model": "group_members",
         "values": {"group_id": {"$ref": "0.id"}, "user_id": people[0]["id"]}},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["data"]
    assert second["data"]["group_id"] == first["id"]


@pytest.mark.parametrize("bad", [
    create(""), create("x", nope=1), create(7), {"verb": "fly", "model": "notes"}, {"verb": "create", "model": "birds",
    "values": {}}, {"verb": "update", "model": "notes", "id": 999, "values": {"title": "x"}}, "text", None,
    {"verb": "delete", "model": "notes", "id": {"$ref": "9.id"}}, {"verb": "delete", "model": "notes", "id": "1"},
    {"verb": "delete", "model": "notes", "id": {"$ref": "0.colour"}}, {**create("x"), "extra": 1},
    {"verb": "create", "model": "users", "values": {"username": "evil", "role": "admin"}},
])  # fmt: skip
async def test_one_bad_operation_undoes_all_and_is_named(member: httpx2.AsyncClient, bad: Any) -> None:
    answer = await send(member, create("good"), bad, create("also good"))
    assert answer.status_code in (403, 404, 422), answer.text
    assert "Operation 1" in answer.json()["error"]
    assert all(name.startswith("operations.1") for name in answer.json().get("fields", {}))
    assert await titles(member) == []


async def test_a_conflict_found_by_the_database_names_its_operation(admin: httpx2.AsyncClient) -> None:
    group = {"verb": "create", "model": "groups", "values": {"name": "Twins"}}
    answer = await send(admin, create("good"), group, group)
    assert answer.status_code == 409
    assert answer.json()["fields"] == {
        "operations.2.name": {"code": "not_unique", "message": "another record already has this value"}
    }
    assert await titles(admin) == []


async def test_a_changed_record_stops_the_batch(member: httpx2.AsyncClient) -> None:
    made = await member.post("/api/v1/notes", json={"title": "mine"})
    tag, note = made.headers["etag"], made.json()["data"]["id"]
    await member.patch(f"/api/v1/notes/{note}", json={"title": "changed"})
    change = {"verb": "update", "model": "notes", "id": note, "values": {"title": "lost"}, "if_match": tag}
    assert (await send(member, create("new"), change)).status_code == 412
    assert await titles(member) == ["changed"]
    any_state = {**change, "values": {"title": "whatever it is"}, "if_match": "*"}
    assert (await send(member, any_state)).status_code == 200 and await titles(member) == ["whatever it is"]


async def test_a_dry_run_answers_as_if_and_changes_nothing(member: httpx2.AsyncClient) -> None:
    answer = await send(member, create("a"), create("b"), dry_run="true")
    assert answer.json()["dry_run"] is True
    assert len(answer.json()["data"]) == 2
    assert await titles(member) == []


async def test_a_thousand_operations_are_one_batch_and_one_more_is_refused(member: httpx2.AsyncClient) -> None:
    assert (await send(member, *[create(f"n{i}") for i in range(1000)])).status_code == 200
    assert (await member.get("/api/v1/notes?limit=1")).json()["count"] == 1000
    answer = await send(member, *[create("x")] * 1001)
    assert answer.status_code == 422
    assert answer.json()["fields"]["operations"]["code"] == "too_many"


async def test_an_upsert_inside_a_batch_changes_or_creates(admin: httpx2.AsyncClient) -> None:
    def upsert(text: str) -> dict[str, Any]:
        return {"verb": "upsert", "model": "groups", "key": "name", "values": {"name": "One", "description": text}}

    answer = await send(admin, upsert("first"), upsert("second"))
    assert [result["status"] for result in answer.json()["data"]] == [201, 200]
    assert [row["description"] for row in (await admin.get("/api/v1/groups")).json()["data"]] == ["second"]


async def test_nobody_guests_and_readers_can_send_no_batch(
    bear: Any, nobody: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    assert (await send(nobody, create("x"))).status_code == 401
    assert (await send(guest_role, create("x"))).status_code == 403
    reader = await bear.person("max", scopes=["api:read"])
    assert (await send(reader, create("x"))).status_code == 403


async def test_other_peoples_records_answer_like_missing_ones(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    note = (await other.post("/api/v1/notes", json={"title": "hers"})).json()["data"]["id"]
    hers = await send(member, {"verb": "delete", "model": "notes", "id": note})
    none = await send(member, {"verb": "delete", "model": "notes", "id": 4711})
    assert hers.status_code == none.status_code == 404
    assert hers.json()["error"].replace(str(note), "N") == none.json()["error"].replace("4711", "N")
    assert await titles(other) == ["hers"]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"operations": {}}', b'{"operations": []}', b"nonsense", b""])
async def test_a_body_that_is_no_batch_is_refused(member: httpx2.AsyncClient, body: bytes) -> None:
    assert (await member.post("/api/v1/batch", content=body)).status_code in (400, 422)


async def test_a_parameter_that_a_change_does_not_know_is_refused_and_nothing_done(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, tmp_path: Path
) -> None:
    operations = {"operations": [{"verb": "create", "model": "notes", "values": {"title": "not yet"}}]}
    refused(await member.post("/api/v1/batch?dryrun=true", json=operations), 422, "dryrun")
    note = (await member.post("/api/v1/notes", json={"title": "kept"})).headers["location"]
    await member.delete(note)
    refused(await member.post(f"{note}/restore?dry_run=true"), 422, "dry_run")
    refused(await member.post("/api/v1/notes/import?format=json&dryrun=true", content="[]"), 422, "dryrun")
    assert (await member.get("/api/v1/notes")).json()["count"] == 0
    move = {"to": str(tmp_path / "elsewhere"), "dryrun": True}
    assert (await admin.post("/api/v1/server/data-folder/move", json=move)).status_code == 422
