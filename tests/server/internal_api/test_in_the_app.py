"""/api/internal in the whole app: who gets in, and whose the notifications are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

SECRET = "the internal secret of the tests"
ADDRESS = "/api/internal/notifications"


@pytest.fixture
async def bear(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data", internal_api_secret=SECRET) as running:
        yield running


@pytest.fixture
async def program(bear: Bear, admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return await bear.client(authorization=f"Bearer {SECRET}")


async def titles(client: httpx2.AsyncClient) -> list[str]:
    return [row["title"] for row in (await client.get("/api/v1/notifications")).json()["data"]]


async def test_the_secret_alone_opens_health_and_notifications(
    bear: Bear, program: httpx2.AsyncClient, admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    assert (await program.get("/api/internal/health")).json()["data"]["status"] == "ok"
    wrong = await bear.client(authorization="Bearer another secret")
    for client in (nobody, wrong, admin):
        assert (await client.get("/api/internal/health")).status_code == 401
        assert (await client.post(ADDRESS, json={"title": "no"})).status_code == 401
    assert await titles(admin) == []


async def test_a_notification_for_everybody_is_a_row_of_each_active_person(
    bear: Bear, program: httpx2.AsyncClient, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await bear.person("olga")
    away = await admin.patch(f"/api/v1/users/{bear.ids['olga']}", json={"is_active": False})
    assert away.status_code == 200, away.text
    told = (await program.post(ADDRESS, json={"title": "Hello"})).json()
    assert told["count"] == 2
    (own,) = (await member.get("/api/v1/notifications")).json()["data"]
    assert own["owner_id"] == bear.ids["max"] and own["id"] in told["data"]["ids"]


async def test_a_notification_for_one_person_is_seen_by_no_other_member(
    program: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    told = (await program.post(ADDRESS, json={"title": "For max", "username": "max"})).json()
    assert await titles(member) == ["For max"]
    assert await titles(other) == []
    assert (await other.get(f"/api/v1/notifications/{told['data']['ids'][0]}")).status_code == 404


async def test_an_unknown_person_is_named_and_nobody_is_told(
    program: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    answer = await program.post(ADDRESS, json={"title": "x", "username": "nemo"})
    assert answer.status_code in (404, 422) and "nemo" in answer.text
    assert await titles(admin) == []
