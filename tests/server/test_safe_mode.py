"""Safe mode: what a start leaves out after others failed, what people are told of it, and the way back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import ROUTES, on, state, switch, write

pytestmark = pytest.mark.anyio
REASON = "Fatal Python error: Segmentation fault"
LEAVE = "/api/v1/server/leave-safe-mode"
LONG_AGO = "2020-01-01T00:00:00.000Z"


async def safe_mode(client: httpx2.AsyncClient) -> dict[str, Any]:
    shown: dict[str, Any] = (await client.get("/api/v1/server")).json()["data"]["safe_mode"]
    return shown


async def returning(bear: Bear) -> httpx2.AsyncClient:
    """The admin who was made before this start."""
    return await bear.client(authorization=f"Bearer {(await bear.app.people.create_token('ada'))['token']}")


async def furnish(bear: Bear) -> None:
    """A plugin that is on, an MCP server, and a schedule that is due since long."""
    admin = await bear.person("ada", "admin")
    await on(admin, "kettle")
    server = {"name": "up", "transport": "stdio", "command": sys.executable, "args": ["-c", "pass"]}
    await bear.app.records.create(SYSTEM, "mcp_servers", server)
    schedule = {"name": "tea", "task": "remind", "input": {"title": "Tea"}, "every_seconds": 3600}
    made = await admin.post("/api/v1/schedules", json=schedule)
    assert made.status_code == 201, made.text
    await bear.app.schedules.stop()
    await bear.app.records.update(SYSTEM, "schedules", made.json()["data"]["id"], {"next_run_at": LONG_AGO})


async def test_plugins_servers_and_schedules_rest_and_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write(folder / "plugins", "kettle", routes=ROUTES)
    async with running_bear(folder) as bear:
        await furnish(bear)
        admin = await bear.person("ada", "admin")
        assert (await admin.get("/api/kettle/who")).status_code == 200

    async with running_bear(folder, safe_mode=True, safe_mode_reason=REASON) as bear:
        admin = await returning(bear)
        assert await safe_mode(admin) == {"on": True, "reason": REASON}
        assert (await admin.get("/api/kettle/who")).status_code == 404
        assert (await state(admin, "kettle"))["enabled"]
        for deed in ("enable", "reload"):
            answer = await switch(admin, "kettle", deed)
            assert (answer.status_code, answer.json()["code"]) == (409, "safe_mode")
        told = await admin.post("/api/v1/gateway/1/restart")
        assert "safe mode" in told.text, told.text
        [row] = await bear.app.records.find(SYSTEM, "schedules")
        assert row["next_run_at"] == LONG_AGO and row["last_run_at"] is None

    async with running_bear(folder) as bear:
        admin = await returning(bear)
        assert await safe_mode(admin) == {"on": False, "reason": ""}
        assert (await admin.get("/api/kettle/who")).status_code == 200


async def test_admins_leave_it_and_others_do_not_learn_what_failed(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", safe_mode=True, safe_mode_reason=REASON) as bear:
        asked: list[bool] = []
        bear.app.when_restart_is_asked = lambda: asked.append(bear.app.safe_mode_left)
        admin, member = await bear.person("ada", "admin"), await bear.person("max")
        guest = await bear.person("gus", "guest")
        reader = await bear.person("ada", "admin", scopes=["api:read"])
        for client in (member, guest):
            assert await safe_mode(client) == {"on": True, "reason": ""}
            assert REASON not in (await client.get("/api/v1/server")).text
        for client in (member, guest, reader):
            assert (await client.post(LEAVE)).status_code == 403
        assert (await (await bear.client()).post(LEAVE)).status_code == 401
        assert asked == []
        assert (await admin.post(LEAVE)).status_code == 202
        assert asked == [True]


async def test_there_is_nothing_to_leave_in_a_start_as_usual(admin: httpx2.AsyncClient, bear: Bear) -> None:
    asked: list[bool] = []
    bear.app.when_restart_is_asked = lambda: asked.append(True)
    answer = await admin.post(LEAVE)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_in_safe_mode")
    assert asked == []
