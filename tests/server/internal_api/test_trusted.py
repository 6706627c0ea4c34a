"""What trusted programs may ask: secrets with a note of it, results of tasks, plugins; and from where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import ROUTES, on, switch, write

pytestmark = pytest.mark.anyio
SECRET = "the internal secret of the tests"
BASE = "/api/internal"


@pytest.fixture
async def bear(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    write(tmp_path / "data" / "plugins", "echo", routes=ROUTES)
    async with running_bear(tmp_path / "data", internal_api_secret=SECRET) as running:
        yield running


@pytest.fixture
async def program(bear: Bear, admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return await bear.client(authorization=f"Bearer {SECRET}")


async def audit(bear: Bear, kind: str) -> list[dict[str, Any]]:
    return await bear.app.records.find(SYSTEM, "audit_entries", where={"kind": kind})


async def test_secrets_are_listed_by_prefix_and_read_by_name_and_each_time_noted(
    bear: Bear, program: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    for name in ("weather.key", "weather.other", "mail"):
        await admin.post("/api/v1/secrets", json={"name": name, "value": f"value of {name}"})
    listed = await program.get(f"{BASE}/secrets?prefix=weather.")
    assert listed.json()["data"] == {"prefix": "weather.", "keys": ["weather.key", "weather.other"]}
    assert "value of" not in listed.text
    assert (await program.get(f"{BASE}/secrets")).json()["count"] == 3
    read = await program.get(f"{BASE}/secrets/weather.key")
    assert read.json()["data"] == {"key": "weather.key", "value": "value of weather.key"}
    [entry] = await audit(bear, "secret_read")
    assert (entry["about"], entry["through"], entry["actor_id"]) == ("weather.key", "internal", None)
    assert "value of" not in str(entry) and len(await audit(bear, "secrets_listed")) == 2


async def test_a_secret_that_is_missing_is_told_from_one_without_value_and_the_guess_is_noted(
    bear: Bear, program: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    await admin.post("/api/v1/secrets", json={"name": "empty"})
    missing = await program.get(f"{BASE}/secrets/PATH")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_secret")
    assert (await program.get(f"{BASE}/secrets/empty")).json()["code"] == "empty_secret"
    assert [entry["about"] for entry in await audit(bear, "secret_read")] == ["PATH", "empty"]
    for strange in ("..%2f..%2fx", "a%00b", "x" * 101):
        assert (await program.get(f"{BASE}/secrets/{strange}")).status_code in (404, 422)


async def test_nobody_else_gets_a_secret_and_the_secret_does_not_work_from_elsewhere(
    bear: Bear, program: httpx2.AsyncClient, admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    await admin.post("/api/v1/secrets", json={"name": "mail", "value": "canary"})
    elsewhere = await bear.client("192.0.2.7", authorization=f"Bearer {SECRET}")
    behind = await bear.client(authorization=f"Bearer {SECRET}", **{"x-forwarded-for": "127.0.0.1"})
    wrong = await bear.client(authorization="Bearer wrong")
    for client, status in ((nobody, 401), (admin, 401), (wrong, 401), (elsewhere, 403), (behind, 403)):
        answer = await client.get(f"{BASE}/secrets/mail")
        assert answer.status_code == status and "canary" not in answer.text
    assert await audit(bear, "secret_read") == []
    change = await admin.post("/api/v1/settings", json={"name": "internal_api_from_elsewhere", "value": True})
    assert change.status_code == 201, change.text
    assert (await elsewhere.get(f"{BASE}/secrets/mail")).json()["data"]["value"] == "canary"


async def test_the_person_of_a_task_is_told_of_its_end(
    bear: Bear, program: httpx2.AsyncClient, member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    given = {"name": "tea", "task": "remind", "cron": "0 16 * * *", "input": {"title": "Tea"}, "enabled": False}
    made = (await member.post("/api/v1/schedules", json=given)).json()["data"]
    key = (await member.post(f"/api/v1/schedules/{made['id']}/run")).json()["data"]["key"]
    body = {"task_id": key, "status": "failed", "duration": 3.2, "message": "no water"}
    answer = await program.post(f"{BASE}/process-task-result", json=body)
    assert answer.status_code == 200, answer.text
    [told] = (await member.get("/api/v1/notifications?category=task")).json()["data"]
    assert (told["title"], told["message"], told["severity"]) == ("tea: failed after 3 s", "no water", "warning")
    assert (await admin.get("/api/v1/notifications?category=task&owner_id=1")).json()["data"] == []
    for bad, status in (({"task_id": "nothing"}, 404), ({"status": "odd"}, 422), ({"user": "ada"}, 422)):
        assert (await program.post(f"{BASE}/process-task-result", json={**body, **bad})).status_code == status


async def test_a_plugin_is_started_again_and_the_log_says_by_whom(
    bear: Bear, program: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    await on(admin, "echo")
    answer = await program.post(f"{BASE}/plugins/echo/reload")
    assert answer.json()["data"] == {"name": "echo", "version": "1", "state": "on", "error": None}
    [entry] = await audit(bear, "plugin_reloaded")
    assert (entry["about"], entry["through"]) == ("echo", "internal")
    assert (await switch(admin, "echo", "disable")).status_code == 200
    assert (await program.post(f"{BASE}/plugins/echo/reload")).json()["code"] == "plugin_off"
    assert (await program.post(f"{BASE}/plugins/nothing/reload")).status_code in (404, 409)
