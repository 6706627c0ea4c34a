"""Preferences: each person's own, by key, and nobody else's business."""

from __future__ import annotations

import httpx2
import pytest

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
