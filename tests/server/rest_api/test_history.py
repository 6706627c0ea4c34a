"""Who changed which record when; undo; bringing deleted records back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from server.records.history import History

pytestmark = pytest.mark.anyio


async def note(client: httpx2.AsyncClient, **values: Any) -> int:
    answer = await client.post("/api/v1/notes", json={"title": "first", **values})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["data"]["id"])


async def history(client: httpx2.AsyncClient, record_id: int) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/v1/notes/{record_id}/history")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_each_change_is_kept_with_who_and_what(member: httpx2.AsyncClient, admin: httpx2.AsyncClient) -> None:
    record = await note(member, priority=1)
    await member.patch(f"/api/v1/notes/{record}", json={"priority": 2})
    await admin.patch(f"/api/v1/notes/{record}", json={"title": "second", "priority": 2})
    entries = await history(member, record)
    assert [(entry["verb"], entry["actor_name"]) for entry in entries] == [
        ("update", "ada"),
        ("update", "max"),
        ("create", "max"),
    ]
    assert entries[0]["before"] == {"title": "first"}
    assert entries[0]["after"] == {"title": "second"}


async def test_a_change_is_undone_and_later_ones_with_it(member: httpx2.AsyncClient) -> None:
    record = await note(member, priority=1, tags=["a"], done=True)
    await member.patch(f"/api/v1/notes/{record}", json={"priority": 2, "tags": ["b"]})
    await member.patch(f"/api/v1/notes/{record}", json={"priority": 3, "done": False})
    first_change = (await history(member, record))[1]["id"]
    answer = await member.post(f"/api/v1/notes/{record}/restore?before={first_change}")
    assert answer.status_code == 200, answer.text
    row = answer.json()["data"]
    assert (row["priority"], row["tags"], row["done"]) == (1, ["a"], True)
    assert (await history(member, record))[0]["verb"] == "update"


async def test_a_deleted_record_comes_back_whole_under_its_id(member: httpx2.AsyncClient) -> None:
    record = await note(member, priority=9, due_at="2026-01-02T03:04:05.678Z", tags=["x", "ü"], body="long " * 50)
    before = (await member.get(f"/api/v1/notes/{record}")).json()["data"]
    await member.delete(f"/api/v1/notes/{record}")
    listed = (await member.get("/api/v1/notes/deleted")).json()
    assert listed["count"] == 1
    assert listed["data"][0]["before"]["title"] == "first"
    answer = await member.post(f"/api/v1/notes/{record}/restore")
    assert answer.status_code == 200, answer.text
    after = (await member.get(f"/api/v1/notes/{record}")).json()["data"]
    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}
    assert (await member.get("/api/v1/notes?q=long")).json()["count"] == 1
    assert (await member.get("/api/v1/notes/deleted")).json()["count"] == 0
    assert (await member.post(f"/api/v1/notes/{record}/restore")).json()["code"] == "not_deleted"


async def test_a_place_that_is_taken_is_a_conflict(admin: httpx2.AsyncClient) -> None:
    group = (await admin.post("/api/v1/groups", json={"name": "A"})).json()["data"]["id"]
    await admin.delete(f"/api/v1/groups/{group}")
    await admin.post("/api/v1/groups", json={"name": "A"})
    answer = await admin.post(f"/api/v1/groups/{group}/restore")
    assert answer.status_code == 409
    assert "name" in answer.json()["fields"]


async def test_others_see_and_restore_nothing(
    member: httpx2.AsyncClient,
    other: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
    admin: httpx2.AsyncClient,
) -> None:
    record, kept = await note(member), await note(member)
    await member.delete(f"/api/v1/notes/{record}")
    for client, status in ((other, 404), (guest_role, 403), (nobody, 401)):
        assert (await client.get(f"/api/v1/notes/{record}/history")).status_code == status
        assert (await client.get(f"/api/v1/notes/{kept}/history")).status_code == status
        assert (await client.post(f"/api/v1/notes/{record}/restore")).status_code == status
        assert (await client.post(f"/api/v1/notes/{kept}/restore")).status_code == status
    assert (await other.get("/api/v1/notes/deleted")).json() == {"ok": True, "data": [], "count": 0}
    assert (await admin.get("/api/v1/notes/deleted")).json()["count"] == 1
    assert (await admin.post(f"/api/v1/notes/{record}/restore")).status_code == 200
    assert (await member.get(f"/api/v1/notes/{record}")).status_code == 200


async def test_a_demoted_admin_can_not_undo_the_demotion(bear: Any, admin: httpx2.AsyncClient) -> None:
    second = await bear.person("sue", "admin")
    user = bear.ids["sue"]
    await admin.patch(f"/api/v1/users/{user}", json={"role": "member"})
    entry = (await admin.get(f"/api/v1/users/{user}/history")).json()["data"][0]
    answer = await second.post(f"/api/v1/users/{user}/restore?before={entry['id']}")
    assert answer.status_code in (401, 403)
    assert (await admin.get(f"/api/v1/users/{user}")).json()["data"]["role"] == "member"


async def test_hidden_fields_are_in_no_history(bear: Any, member: httpx2.AsyncClient, admin: Any) -> None:
    record = await note(member, body="the secret recipe")
    await member.patch(f"/api/v1/notes/{record}", json={"body": "the other recipe"})
    rule = {"role": "member", "model": "notes", "verb": "any", "extent": "own", "hidden_fields": ["body"]}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    await member.patch(f"/api/v1/notes/{record}", json={"title": "seen"})
    text = (await member.get(f"/api/v1/notes/{record}/history")).text
    assert "recipe" not in text
    await member.delete(f"/api/v1/notes/{record}")
    assert "recipe" not in (await member.get("/api/v1/notes/deleted")).text


async def test_no_password_is_ever_in_the_history(bear: Any, admin: httpx2.AsyncClient) -> None:
    answer = await admin.post("/api/v1/users", json={"username": "eve", "password": "canary canary canary"})
    user = answer.json()["data"]["id"]
    await admin.delete(f"/api/v1/users/{user}")
    text = (await admin.get("/api/v1/history?model=users")).text
    assert "eve" in text
    assert "canary" not in text
    assert "argon2" not in text


async def test_what_is_too_old_is_forgotten(bear: Any, member: httpx2.AsyncClient) -> None:
    record, kept = await note(member), await note(member)
    await member.delete(f"/api/v1/notes/{record}")
    later = History(bear.app.records, lambda: datetime.now(UTC) + timedelta(days=31))
    actor_deleted = (await member.get("/api/v1/notes/deleted")).json()["count"]
    assert actor_deleted == 1
    assert await later.expire() == 1
    assert (await member.get("/api/v1/notes/deleted")).json()["count"] == 0
    assert (await member.post(f"/api/v1/notes/{record}/restore")).status_code == 404
    assert len(await history(member, kept)) == 1
    assert await History(bear.app.records, lambda: datetime.now(UTC) + timedelta(days=366)).expire() >= 1
    assert await history(member, kept) == []


async def test_a_model_may_keep_its_history_for_a_time_of_its_own(bear: Any, admin: httpx2.AsyncClient) -> None:
    definition = {"name": "moods", "label": "Mood", "fields": [{"name": "title", "type": "text"}], "history_days": 2}
    assert (await admin.post("/api/v1/models", json=definition)).status_code == 201
    mood = (await admin.post("/api/v1/moods", json={"title": "calm"})).json()["data"]["id"]
    kept = await note(admin)

    async def entries() -> tuple[int, int]:
        counts = [(await admin.get(f"/api/v1/{path}/history")).json() for path in (f"moods/{mood}", f"notes/{kept}")]
        return len(counts[0]["data"]), len(counts[1]["data"])

    later = History(bear.app.records, lambda: datetime.now(UTC) + timedelta(days=3))
    assert (await admin.patch("/api/v1/models/moods", json={"history_days": 4})).status_code == 200
    await later.expire()
    assert await entries() == (1, 1)
    assert (await admin.patch("/api/v1/models/moods", json={"history_days": 2})).status_code == 200
    await later.expire()
    assert await entries() == (0, 1)
    answer = await admin.patch("/api/v1/models/moods", json={"history": False})
    assert answer.status_code == 422 and "history_days" in answer.text


async def test_models_without_history_say_so(admin: httpx2.AsyncClient) -> None:
    assert (await admin.get("/api/v1/notifications/1/history")).json()["code"] == "no_history"
    assert (await admin.get("/api/v1/nothing/deleted")).json()["code"] == "unknown_model"


async def test_history_comes_in_pages(member: httpx2.AsyncClient) -> None:
    record = await note(member)
    for number in range(4):
        await member.patch(f"/api/v1/notes/{record}", json={"priority": number})
    first = (await member.get(f"/api/v1/notes/{record}/history?limit=3")).json()
    rest = (await member.get(f"/api/v1/notes/{record}/history?limit=3&until={first['next']}")).json()
    assert [len(first["data"]), len(rest["data"])] == [3, 2]
    assert "next" not in rest


async def test_a_deleted_record_comes_back_as_it_was_before_a_change_of_any_type(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    fields = [
        {"name": "done", "type": "boolean"},
        {"name": "tags", "type": "tags"},
        {"name": "more", "type": "json"},
        {"name": "raw", "type": "bytes"},
    ]
    await admin.post("/api/v1/models", json={"name": "things", "label": "Thing", "fields": fields})
    first = {"done": True, "tags": ["a"], "more": {"b": [1]}, "raw": "AAE="}
    made = (await member.post("/api/v1/things", json=first)).json()["data"]
    address = f"/api/v1/things/{made['id']}"
    await member.patch(address, json={"done": False, "tags": [], "more": None, "raw": None})
    change = (await member.get(f"{address}/history")).json()["data"][0]["id"]
    await member.delete(address)
    answer = await member.post(f"{address}/restore?before={change}")
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()["data"][name] for name in first} == first


@pytest.mark.parametrize("gone", [False, True], ids=["there", "deleted"])
async def test_nobody_undoes_what_they_may_not_write_by_deleting_the_record_first(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, gone: bool
) -> None:
    fields = [{"name": "title", "type": "text"}, {"name": "approved", "type": "boolean", "default": False}]
    await admin.post("/api/v1/models", json={"name": "claims", "label": "Claim", "fields": fields})
    for verb in ("create", "update"):
        rule = {"role": "member", "model": "claims", "verb": verb, "extent": "own", "hidden_fields": ["approved"]}
        assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    made = (await member.post("/api/v1/claims", json={"title": "lunch"})).json()["data"]
    address = f"/api/v1/claims/{made['id']}"
    for values in ({"approved": True}, {"approved": False, "title": "Lunch"}):
        assert (await admin.patch(address, json=values)).status_code == 200
    taken_back = (await member.get(f"{address}/history")).json()["data"][0]["id"]
    if gone:
        await member.delete(address)
    answer = await member.post(f"{address}/restore?before={taken_back}")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text
    if gone:
        # As it was when they deleted it, it is theirs to bring back.
        assert (await member.post(f"{address}/restore")).status_code == 200
    assert (await member.get(address)).json()["data"]["approved"] is False
    assert (await admin.post(f"{address}/restore?before={taken_back}")).json()["data"]["approved"] is True
