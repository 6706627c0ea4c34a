"""PATCH and DELETE /{model}/bulk: what a filter selects, as one change."""

from __future__ import annotations

import json

import httpx2
import pytest

pytestmark = pytest.mark.anyio


async def fill(client: httpx2.AsyncClient, *priorities: int) -> None:
    for priority in priorities:
        answer = await client.post("/api/v1/notes", json={"title": f"note {priority}", "priority": priority})
        assert answer.status_code == 201


async def rows(client: httpx2.AsyncClient) -> list[tuple[int, bool]]:
    found = (await client.get("/api/v1/notes?sort=priority")).json()["data"]
    return [(row["priority"], row["done"]) for row in found]


async def test_selected_records_change_and_the_others_stay(member: httpx2.AsyncClient) -> None:
    await fill(member, 1, 2, 3)
    answer = await member.patch("/api/v1/notes/bulk?priority__gte=2", json={"done": True})
    assert answer.json()["data"]["count"] == 2
    assert await rows(member) == [(1, False), (2, True), (3, True)]


async def test_selected_records_are_deleted_by_domain_and_text(member: httpx2.AsyncClient) -> None:
    await fill(member, 1, 2, 3)
    assert (await member.delete('/api/v1/notes/bulk?domain=[["priority","=",1]]')).json()["data"]["count"] == 1
    assert (await member.delete("/api/v1/notes/bulk?q=note 3")).json()["data"]["count"] == 1
    assert [priority for priority, _ in await rows(member)] == [2]


async def test_a_dry_run_counts_and_changes_nothing(member: httpx2.AsyncClient) -> None:
    await fill(member, 1, 2)
    answer = await member.delete("/api/v1/notes/bulk?all=true&dry_run=true")
    assert answer.json()["data"] == {"count": 2, "ids": answer.json()["data"]["ids"], "dry_run": True, "undo": None}
    assert len(answer.json()["data"]["ids"]) == 2
    assert len(await rows(member)) == 2


async def test_without_a_filter_nothing_happens_unless_all_is_said(member: httpx2.AsyncClient) -> None:
    await fill(member, 1)
    refused = await member.delete("/api/v1/notes/bulk")
    assert refused.status_code == 422
    assert "all" in refused.json()["fields"]
    assert (await member.delete("/api/v1/notes/bulk?all=true")).json()["data"]["count"] == 1
    assert await rows(member) == []


async def test_only_own_records_are_reached(member: httpx2.AsyncClient, other: httpx2.AsyncClient) -> None:
    await fill(member, 1)
    await fill(other, 1, 2)
    assert (await member.patch("/api/v1/notes/bulk?all=true", json={"done": True})).json()["data"]["count"] == 1
    assert (await member.delete("/api/v1/notes/bulk?all=true")).json()["data"]["count"] == 1
    assert await rows(other) == [(1, False), (2, False)]


async def test_one_conflict_undoes_all(admin: httpx2.AsyncClient) -> None:
    for name in ("a", "b"):
        await admin.post("/api/v1/groups", json={"name": name})
    answer = await admin.patch("/api/v1/groups/bulk?all=true", json={"name": "same"})
    assert answer.status_code == 409
    assert [row["name"] for row in (await admin.get("/api/v1/groups?sort=name")).json()["data"]] == ["a", "b"]


@pytest.mark.parametrize("query", ["nope=1", "all=perhaps", "priority=x", "limit=3"])
async def test_bad_parameters_are_named_and_nothing_is_deleted(member: httpx2.AsyncClient, query: str) -> None:
    await fill(member, 1)
    answer = await member.delete(f"/api/v1/notes/bulk?{query}")
    assert answer.status_code == 422
    assert query.split("=")[0] in answer.json()["fields"]
    assert len(await rows(member)) == 1


async def test_bad_values_change_nothing(member: httpx2.AsyncClient) -> None:
    await fill(member, 1)
    for body in ({}, {"nope": 1}, {"done": 3}, {"id": 7}):
        assert (await member.patch("/api/v1/notes/bulk?all=true", json=body)).status_code == 422


async def test_nobody_and_guests_are_refused(nobody: httpx2.AsyncClient, guest_role: httpx2.AsyncClient) -> None:
    assert (await nobody.delete("/api/v1/notes/bulk?all=true")).status_code == 401
    assert (await guest_role.delete("/api/v1/notes/bulk?all=true")).status_code == 403
    assert (await guest_role.patch("/api/v1/notes/bulk?all=true", json={"done": True})).status_code == 403


async def test_filters_that_take_long_hold_up_no_other_change(
    member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these comparisons takes some hundredths of a second, all of them together seconds."""
    for _ in range(20):
        made = await member.post("/api/v1/notes", json={"title": "long", "body": "a" * 50_000})
        assert made.status_code == 201
    patterns = [["body", "like", f"%{'a' * 600}{letter}%"] for letter in "bcd"]
    domain = json.dumps(["|", "|", *patterns])
    monkeypatch.setattr("server.records.bulk.SELECT_SECONDS", 0.02)
    answer = await member.patch("/api/v1/notes/bulk", params={"domain": domain}, json={"done": True})
    assert (answer.status_code, answer.json()["code"]) == (503, "busy"), answer.text
    assert "took too long" in answer.json()["error"]
    monkeypatch.undo()
    # The writer goes on, and so does the connection.
    answer = await member.patch("/api/v1/notes/bulk?all=true", json={"done": True})
    assert answer.json()["data"]["count"] == 20
    too_long = json.dumps(["|", *patterns, ["body", "like", f"%{'a' * 600}e%"]])
    answer = await member.get("/api/v1/notes", params={"domain": too_long})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["domain"]), answer.text
