"""Taking back what one request did, with all that hung on it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio

GONE = 9_999_999


async def note(client: httpx2.AsyncClient, **values: Any) -> int:
    answer = await client.post("/api/v1/notes", json={"title": "first", **values})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["data"]["id"])


async def notes(client: httpx2.AsyncClient) -> list[tuple[int, str, bool]]:
    rows = (await client.get("/api/v1/notes?sort=id")).json()["data"]
    return [(row["id"], row["title"], row["done"]) for row in rows]


async def done(client: httpx2.AsyncClient, method: str, query: str, **body: Any) -> dict[str, Any]:
    answer = await client.request(method, f"/api/v1/notes/bulk?{query}", json=body or None)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def test_deleted_records_come_back_and_the_undo_can_be_undone(member: httpx2.AsyncClient) -> None:
    for number in range(150):
        await note(member, title=f"note {number}")
    before = await notes(member)
    deleted = await done(member, "DELETE", "all=true")
    assert deleted["count"] == 150 and await notes(member) == []
    undone = await member.post("/api/v1/undo", json=deleted["undo"])
    assert undone.status_code == 200, undone.text
    assert undone.json()["data"]["count"] == 150
    assert await notes(member) == before
    again = await member.post("/api/v1/undo", json=undone.json()["data"]["undo"])
    assert again.json()["data"]["count"] == 150
    assert await notes(member) == []


async def test_a_change_of_many_is_taken_back(member: httpx2.AsyncClient) -> None:
    first, second = await note(member), await note(member, title="second", done=True)
    changed = await done(member, "PATCH", "all=true", done=True, title="same")
    undone = await member.post("/api/v1/undo", json=changed["undo"])
    assert undone.status_code == 200, undone.text
    assert await notes(member) == [(first, "first", False), (second, "second", True)]


async def test_what_somebody_changed_since_is_not_lost(member: httpx2.AsyncClient, admin: httpx2.AsyncClient) -> None:
    record = await note(member)
    changed = await done(member, "PATCH", f"id={record}", title="mine")
    await admin.patch(f"/api/v1/notes/{record}", json={"title": "theirs"})
    refused = await member.post("/api/v1/undo", json=changed["undo"])
    assert (refused.status_code, refused.json()["code"]) == (409, "changed_since")
    assert await notes(member) == [(record, "theirs", False)]


async def test_only_ones_own_doing_is_undone(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient, admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    record = await note(member)
    deleted = await done(member, "DELETE", f"id={record}")
    for stranger, status in ((other, 404), (admin, 404), (nobody, 401)):
        assert (await stranger.post("/api/v1/undo", json=deleted["undo"])).status_code == status
    assert await notes(member) == []
    wide = await other.post("/api/v1/undo", json={"first": 0, "last": GONE})
    assert wide.status_code == 404 and "first" not in wide.text
    assert await notes(member) == []


async def test_what_went_with_a_record_comes_back_with_it(admin: httpx2.AsyncClient) -> None:
    fields = [{"name": "title", "type": "text"}]
    await admin.post("/api/v1/models", json={"name": "shelves", "label": "Shelf", "fields": fields})
    for name, on_delete in (("books", "cascade"), ("maps", "set_null")):
        relation = {"name": "shelf_id", "type": "relation", "references": "shelves", "on_delete": on_delete}
        made = await admin.post("/api/v1/models", json={"name": name, "label": name, "fields": [*fields, relation]})
        assert made.status_code == 201, made.text
    await admin.post("/api/v1/shelves", json={"title": "upper"})
    for name in ("books", "maps"):
        await admin.post(f"/api/v1/{name}", json={"title": "one", "shelf_id": 1})
    deleted = (await admin.delete("/api/v1/shelves/bulk?id=1")).json()["data"]
    assert (await admin.get("/api/v1/books")).json()["count"] == 0
    assert (await admin.get("/api/v1/maps/1")).json()["data"]["shelf_id"] is None
    undone = await admin.post("/api/v1/undo", json=deleted["undo"])
    assert undone.status_code == 200, undone.text
    for name in ("books", "maps"):
        assert (await admin.get(f"/api/v1/{name}/1")).json()["data"]["shelf_id"] == 1


@pytest.mark.parametrize("body", [{}, {"first": 1}, {"first": "1", "last": 2}, {"first": -1, "last": 2},
                                  {"first": True, "last": 2}, {"first": 1, "last": 2, "more": 3}])  # fmt: skip
async def test_a_body_of_another_shape_is_refused(member: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    assert (await member.post("/api/v1/undo", json=body)).status_code == 422


async def test_a_dry_run_and_a_model_without_history_give_nothing_to_undo(member: httpx2.AsyncClient) -> None:
    await note(member)
    assert (await done(member, "DELETE", "all=true&dry_run=true"))["undo"] is None
    made = await member.post("/api/v1/api_tokens", json={"name": "script"})
    answer = await member.delete(f"/api/v1/api_tokens/bulk?id={made.json()['data']['id']}")
    assert answer.json()["data"]["undo"] is None


async def nodes(admin: httpx2.AsyncClient) -> list[tuple[int, int | None]]:
    rows = (await admin.get("/api/v1/nodes?sort=id&limit=500")).json()["data"]
    return [(row["id"], row["parent"]) for row in rows]


async def test_long_chains_and_circles_go_whole_and_come_back(admin: httpx2.AsyncClient) -> None:
    fields = [{"name": "parent", "type": "relation", "references": "nodes", "on_delete": "cascade"}]
    assert (await admin.post("/api/v1/models", json={"name": "nodes", "label": "Node", "fields": fields})).is_success
    first: dict[str, Any] = {"verb": "create", "model": "nodes", "values": {}}
    chain = [first] + [{**first, "values": {"parent": {"$ref": f"{above}.id"}}} for above in range(499)]
    assert (await admin.post("/api/v1/batch", json={"operations": chain})).status_code == 200
    before = await nodes(admin)
    deleted = await admin.request("DELETE", "/api/v1/nodes/bulk?id=1")
    assert deleted.status_code == 200 and await nodes(admin) == []
    undone = await admin.post("/api/v1/undo", json=deleted.json()["data"]["undo"])
    assert undone.status_code == 200 and await nodes(admin) == before

    for length in (1, 3):
        ids = [(await admin.post("/api/v1/nodes", json={})).json()["data"]["id"] for _ in range(length)]
        for one, other in zip(ids, ids[1:] + ids[:1], strict=True):
            assert (await admin.patch(f"/api/v1/nodes/{one}", json={"parent": other})).status_code == 200
        whole = await nodes(admin)
        deleted = await admin.request("DELETE", f"/api/v1/nodes/bulk?id={ids[0]}")
        assert deleted.status_code == 200 and await nodes(admin) == before
        undone = await admin.post("/api/v1/undo", json=deleted.json()["data"]["undo"])
        assert undone.status_code == 200 and await nodes(admin) == whole, undone.text
        again = await admin.post("/api/v1/undo", json=undone.json()["data"]["undo"])
        assert again.status_code == 200 and await nodes(admin) == before, again.text
        known = {row["record_id"] for row in (await admin.get("/api/v1/nodes/deleted?limit=500")).json()["data"]}
        assert known.issuperset(ids)
