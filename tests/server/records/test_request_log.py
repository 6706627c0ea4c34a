"""The log of requests: whose are whose, what it never tells, and that no flood makes it dear."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.records.request_log import ACTOR, KEPT_PER_SECOND, MODEL
from server.records.times import to_text
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

REQUESTS = f"/api/v1/{MODEL}"


async def kept(bear: Bear, **where: Any) -> list[dict[str, Any]]:
    await bear.app.requests.flush()
    return await bear.app.records.find(SYSTEM, MODEL, where=where, limit=500)


async def test_a_request_is_kept_with_who_asked_and_how_it_went(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", request_log="everything") as bear:
        admin = await bear.person("ada", "admin")
        answer = await admin.get("/api/v1/notes?title=a%20secret%20title")
        await admin.get("/api/v1/nothing_like_this")
        row, refused = await kept(bear)
        assert (row["method"], row["path"], row["status"], row["level"]) == ("GET", "/api/v1/notes", 200, "ok")
        assert (row["user_name"], row["through"], row["owner_id"]) == ("ada", "token", bear.ids["ada"])
        assert (row["surface"], row["address"]) == ("rest", "127.0.0.1")
        assert row["request_id"] == answer.headers["x-request-id"]
        assert row["duration_ms"] > 0
        assert (refused["status"], refused["level"]) == (404, "refused")


async def test_members_and_guests_see_their_own_and_nobody_sees_any(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", request_log="everything") as bear:
        admin, member = await bear.person("ada", "admin"), await bear.person("max")
        guest, nobody = await bear.person("gus", "guest"), await bear.client()
        for client in (admin, member, guest, nobody):
            await client.get("/api/v1/models")
        await bear.app.requests.flush()
        assert (await nobody.get(REQUESTS)).status_code == 401
        for client, name in ((member, "max"), (guest, "gus")):
            answer = await client.get(REQUESTS)
            assert [row["user_name"] for row in answer.json()["data"]] == [name]
            assert "ada" not in answer.text
            mine = answer.json()["data"][0]["id"]
            foreign = next(row["id"] for row in await kept(bear) if row["user_name"] == "ada")
            assert (await client.get(f"{REQUESTS}/{foreign}")).status_code == 404
            assert (await client.get(f"{REQUESTS}/{mine}")).status_code == 200
            for verb in ("PATCH", "DELETE"):
                assert (await client.request(verb, f"{REQUESTS}/{mine}", json={})).status_code in (403, 405)
            groups = (await client.get(f"{REQUESTS}/aggregate?group_by=created_at:minute,level")).json()["data"]
            assert sum(group["count"] for group in groups) == 1
        assert {row["user_name"] for row in (await admin.get(REQUESTS)).json()["data"]} == {"ada", "max", "gus", None}


async def test_no_rule_opens_the_requests_of_others(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", request_log="everything") as bear:
        admin = await bear.person("ada", "admin")
        rule = {"role": "member", "model": MODEL, "verb": "list", "extent": "all"}
        assert (await admin.post("/api/v1/access_rules", json=rule)).status_code in (400, 403, 409, 422)


async def test_neither_queries_nor_what_lies_below_a_plugin_nor_the_log_itself_is_kept(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", request_log="everything") as bear:
        admin, nobody = await bear.person("ada", "admin"), await bear.client()
        await nobody.get("/auth/link?token=canary-in-a-query")
        await nobody.post("/api/webhook-inbox/canary-in-a-path")
        await nobody.get("/healthz")
        await nobody.get("/ui/main.js")
        await admin.get(REQUESTS)
        await admin.get("/api/v1/server/log/lines")
        await admin.get("/api/v1/server/log/histogram")
        rows = await kept(bear)
        assert "canary" not in str(rows)
        assert [row["path"] for row in rows] == ["/auth/link", "/api/webhook-inbox/…"]


async def test_a_flood_is_kept_in_part_and_failures_are_not_hidden_by_it(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", request_log="everything") as bear:
        member = await bear.person("max", "admin")
        log = bear.app.requests
        for _ in range(KEPT_PER_SECOND + 50):
            log.heard("rest", _scope("/api/v1/notes"), 200, 0.001)
        log.heard("rest", _scope("/api/v1/notes"), 500, 0.001)
        log.heard("rest", _scope("/api/v1/slow"), 200, 2.0)
        rows = await kept(bear)
        assert len(rows) == KEPT_PER_SECOND + 2
        assert log.skipped == 50
        assert [row["path"] for row in rows if row["duration_ms"] > 1000] == ["/api/v1/slow"]
        assert member is not None


def _scope(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "client": ("127.0.0.1", 5000), "state": {"request_id": "r"}}


async def test_the_setting_decides_at_once_what_is_kept(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", request_log=None) as bear:
        admin = await bear.person("ada", "admin")
        for value in ("off", "failures"):
            stored = await admin.post("/api/v1/settings?upsert=name", json={"name": "request_log", "value": value})
            assert stored.status_code in (200, 201)
            await admin.get("/api/v1/notes")
            await admin.get("/api/v1/nothing_like_this")
        # The change to `off` was answered while it was in force, and that to `failures` went well.
        assert [row["path"] for row in await kept(bear)] == ["/api/v1/nothing_like_this"]


async def test_old_requests_go(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", request_log="everything", requests_days=2) as bear:
        admin = await bear.person("ada", "admin")
        await admin.get("/api/v1/notes")
        await kept(bear)
        old = to_text(datetime.now(UTC) - timedelta(days=3))
        await bear.app.records.shelf.store.write(
            lambda transaction: transaction.execute(f"UPDATE {MODEL} SET created_at = ?", (old,)), (MODEL,)
        )
        await admin.get("/api/v1/models")
        await kept(bear)
        await bear.app.requests.expire()
        assert [row["path"] for row in await kept(bear)] == ["/api/v1/models"]


async def test_a_request_of_somebody_who_is_gone_meanwhile_takes_no_other_along(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", request_log="everything") as bear:
        for path, actor in (("/api/v1/notes", Actor(kind="user", user_id=999_999)), ("/api/v1/models", None)):
            scope = _scope(path)
            scope["state"][ACTOR] = actor
            bear.app.requests.heard("rest", scope, 200, 0.001)
        assert [row["path"] for row in await kept(bear)] == ["/api/v1/models"]


async def test_what_waits_is_stored_at_the_end_and_nobody_is_sent_an_event(tmp_path: Path) -> None:
    told: list[str] = []
    async with running_bear(tmp_path / "data", request_log="everything") as bear:
        admin: httpx2.AsyncClient = await bear.person("ada", "admin")
        bear.app._bus.subscribe(lambda event: told.append(event.model))
        await admin.get("/api/v1/notes")
    assert MODEL not in told
    async with running_bear(tmp_path / "data") as bear:
        assert [row["path"] for row in await bear.app.records.find(SYSTEM, MODEL)] == ["/api/v1/notes"]
