"""Preferences: each person's own, by key, and nobody else's business."""

from __future__ import annotations

import httpx2
import pytest

from server.auth import behaviours

pytestmark = pytest.mark.anyio
URL = "/api/v1/preferences"


async def keep(client: httpx2.AsyncClient, key: str, value: object) -> httpx2.Response:
    return await client.post(f"{URL}?upsert=key", json={"key": key, "value": value})


async def kept(client: httpx2.AsyncClient) -> dict[str, object]:
    return {row["key"]: row["value"] for row in (await client.get(URL)).json()["data"]}


async def test_everybody_keeps_their_own_by_key(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    assert (await keep(member, "ui.theme", "dark")).status_code == 201
    assert (await keep(member, "ui.theme", "light")).status_code == 200
    assert (await keep(guest_role, "ui.theme", {"any": ["JSON", 1]})).status_code == 201
    assert await kept(member) == {"ui.theme": "light"}
    assert await kept(guest_role) == {"ui.theme": {"any": ["JSON", 1]}}
    assert await kept(other) == {}
    assert (await nobody.get(URL)).status_code == (await keep(nobody, "ui.theme", "dark")).status_code == 401


async def test_nobody_sees_or_changes_those_of_others(member: httpx2.AsyncClient, other: httpx2.AsyncClient) -> None:
    row = (await keep(member, "ui.theme", "dark")).json()["data"]
    assert (await other.get(f"{URL}/{row['id']}")).status_code == 404
    assert (await other.patch(f"{URL}/{row['id']}", json={"value": "light"})).status_code == 404
    assert (await other.delete(f"{URL}/{row['id']}")).status_code == 404
    assert await kept(member) == {"ui.theme": "dark"}


@pytest.mark.parametrize("key", ["", " ", "-x", "ü", "a/b", "x" * 101])
async def test_a_key_that_is_none_is_refused(member: httpx2.AsyncClient, key: str) -> None:
    answer = await keep(member, key, 1)
    assert answer.status_code == 422 and "key" in answer.json()["fields"]


async def test_a_person_has_only_so_many(
    member: httpx2.AsyncClient, other: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behaviours, "MOST_PREFERENCES", 3)
    for number in range(3):
        assert (await keep(member, f"key{number}", number)).status_code == 201
    refused = await keep(member, "key3", 3)
    assert refused.status_code == 409 and refused.json()["code"] == "too_many_preferences"
    rows = [{"verb": "create", "model": "preferences", "values": {"key": "key4", "value": 4}}]
    assert (await member.post("/api/v1/batch", json={"operations": rows})).status_code == 409
    assert (await member.post(f"{URL}/import?format=json", json=[{"key": "key5", "value": 5}])).status_code == 422
    assert (await keep(member, "key0", "new")).status_code == 200, "those that are there change"
    assert len(await kept(member)) == 3
    assert (await keep(other, "key3", 3)).status_code == 201
