"""First steps: those that the caller may take, each done once what it is about is there, in one request."""

from __future__ import annotations

import httpx2
import pytest

pytestmark = pytest.mark.anyio
URL = "/api/v1/server/first-steps"


async def steps(client: httpx2.AsyncClient) -> dict[str, bool]:
    answer = await client.get(URL)
    assert answer.status_code == 200, answer.text
    return {step["name"]: step["done"] for step in answer.json()["data"]}


async def test_an_admin_sees_each_step_tick_itself(admin: httpx2.AsyncClient) -> None:
    first = await steps(admin)
    assert list(first) == ["note", "model", "server", "token", "webhook", "person", "backup"]
    # The client of these tests comes with a token of its own.
    assert [name for name, done in first.items() if done] == ["token"]
    fields = [{"name": "title", "type": "text"}]
    for path, body in {
        "notes": {"title": "The first"},
        "models": {"name": "books", "label": "Book", "label_plural": "Books", "fields": fields},
        "users": {"username": "otto", "password": "a calm bear in a den"},
        "backups": {"without_phrase": True},
    }.items():
        made = await admin.post(f"/api/v1/{path}", json=body)
        assert made.status_code == 201, made.text
    assert await steps(admin) == {
        "note": True, "model": True, "server": False, "token": True, "webhook": False, "person": True, "backup": True,
    }  # fmt: skip


async def test_a_member_sees_their_own_steps_and_learns_nothing_of_others(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    assert (await admin.post("/api/v1/notes", json={"title": "Not for others"})).status_code == 201
    assert await steps(member) == {"note": False, "token": True}
    assert (await member.post("/api/v1/notes", json={"title": "Mine"})).status_code == 201
    assert await steps(member) == {"note": True, "token": True}


async def test_a_guest_has_only_what_guests_may_do(guest_role: httpx2.AsyncClient) -> None:
    assert not {"model", "server", "person", "backup", "webhook"} & set(await steps(guest_role))


async def test_nobody_is_told_nothing(nobody: httpx2.AsyncClient, admin: httpx2.AsyncClient) -> None:
    assert (await nobody.get(URL)).status_code == 401


async def test_a_rule_that_takes_notes_away_takes_their_step_away(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    rule = {"role": "member", "model": "notes", "verb": "list", "extent": "none"}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    assert "note" not in await steps(member)
