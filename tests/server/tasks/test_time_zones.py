"""The time zone that a person chose: kept for them alone, looked at when it is set, and what schedules go by."""

from __future__ import annotations

import httpx2
import pytest

from server.records.time_zones import chosen_zone, local_zone
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
FAR = "Pacific/Chatham"
TEA = {"name": "tea", "task": "remind", "input": {"title": "Tea"}, "cron": "0 16 * * *"}


async def choose(client: httpx2.AsyncClient, value: object) -> httpx2.Response:
    return await client.post("/api/v1/preferences?upsert=key", json={"key": "time_zone", "value": value})


async def scheduled(client: httpx2.AsyncClient, **more: object) -> str:
    answer = await client.post("/api/v1/schedules", json={**TEA, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["time_zone"])


async def test_new_schedules_go_by_what_their_person_chose(bear: Bear) -> None:
    ada, bo = await bear.person("ada", "admin"), await bear.person("bo", "member")
    assert await scheduled(bo) == local_zone()
    assert (await choose(bo, FAR)).status_code in (200, 201)
    assert await chosen_zone(bear.app.records, bear.ids["bo"]) == FAR
    assert await scheduled(bo) == FAR
    assert await scheduled(bo, time_zone="Europe/Rome") == "Europe/Rome"
    assert await scheduled(ada) == local_zone()
    assert (await choose(bo, None)).status_code == 200
    assert await chosen_zone(bear.app.records, bear.ids["bo"]) is None
    assert await scheduled(bo) == local_zone()


@pytest.mark.parametrize("wrong", ["Middle/Earth", "../../etc/passwd", "", 7, ["Europe/Rome"], "x" * 5000, "a\u00fc/b"])
async def test_what_is_no_time_zone_is_refused_and_the_old_one_stays(bear: Bear, wrong: object) -> None:
    bo = await bear.person("bo", "member")
    await choose(bo, FAR)
    refused = await choose(bo, wrong)
    assert (refused.status_code, refused.json()["fields"]["value"]["code"]) == (422, "unknown_zone")
    assert "Europe/Rome" in refused.json()["error"] and len(refused.text) < 500
    assert await chosen_zone(bear.app.records, bear.ids["bo"]) == FAR
    # By the id of the row, and under other keys anything may stand.
    [row] = (await bo.get("/api/v1/preferences?key=time_zone")).json()["data"]
    assert (await bo.patch(f"/api/v1/preferences/{row['id']}", json={"value": wrong})).status_code == 422
    other = await bo.post("/api/v1/preferences", json={"key": "mine", "value": wrong})
    assert other.status_code == 201


async def test_nobody_else_but_admins_reaches_it(bear: Bear) -> None:
    bo, cy = await bear.person("bo", "member"), await bear.person("cy", "guest")
    row = (await choose(bo, FAR)).json()["data"]
    assert (await cy.get(f"/api/v1/preferences/{row['id']}")).status_code == 404
    assert (await cy.get("/api/v1/preferences")).json()["data"] == []
