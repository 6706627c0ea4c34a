"""GET /access/matrix: the whole policy as one table, for admins; it says the same as the policy that decides."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from server.access.actor import Actor
from server.models.base import EXTENTS, VERBS

pytestmark = pytest.mark.anyio
URL = "/api/v1/access/matrix"


async def cells(admin: httpx2.AsyncClient, model: str, key: str) -> dict[str, Any]:
    found = (await admin.get(URL)).json()["data"]
    [row] = [one for one in found["models"] if one["name"] == model]
    cells: dict[str, Any] = row["access"][key]
    return cells


async def made(admin: httpx2.AsyncClient, to: str, /, **values: Any) -> int:
    answer = await admin.post(f"/api/v1/{to}", json=values)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["data"]["id"])


async def test_without_rules_it_shows_the_defaults(admin: httpx2.AsyncClient) -> None:
    found = (await admin.get(URL)).json()["data"]
    assert [one["key"] for one in found["subjects"]] == ["role:member", "role:guest"]
    assert {"notes", "users", "access_rules"} <= {one["name"] for one in found["models"]}
    assert (await cells(admin, "notes", "role:member"))["update"] == {
        "extent": "own", "default": "own", "rule_id": None, "any": False, "hidden_fields": [], "most": "all",
    }  # fmt: skip
    assert (await cells(admin, "sessions", "role:member"))["create"]["most"] == "none"
    assert (await cells(admin, "users", "role:member"))["delete"]["most"] == "none"


async def test_rules_of_roles_and_groups_stand_beside_the_default(admin: httpx2.AsyncClient) -> None:
    group = await made(admin, "groups", name="editors")
    every = await made(admin, "access_rules", role="guest", model="notes", extent="own", hidden_fields=["body"])
    one = await made(admin, "access_rules", group_id=group, model="notes", verb="read", extent="all")
    guests = await cells(admin, "notes", "role:guest")
    assert guests["read"] == {
        "extent": "own", "default": "none", "rule_id": every, "any": True, "hidden_fields": ["body"], "most": "all",
    }  # fmt: skip
    editors = await cells(admin, "notes", f"group:{group}")
    assert (editors["read"]["extent"], editors["read"]["rule_id"], editors["read"]["any"]) == ("all", one, False)
    assert (editors["update"]["extent"], editors["update"]["default"], editors["update"]["rule_id"]) == (
        "none", None, None,
    )  # fmt: skip


async def test_every_cell_of_a_role_is_what_the_policy_gives(bear: Any, admin: httpx2.AsyncClient) -> None:
    for model, extent in (("notes", "all"), ("groups", "own"), ("users", "all"), ("api_tokens", "none")):
        await made(admin, "access_rules", role="member", model=model, extent=extent)
    records = bear.app.records
    seen = 0
    for row in (await admin.get(URL)).json()["data"]["models"]:
        spec = records.registry.get(row["name"])
        for role in ("member", "guest"):
            for verb in VERBS:
                may = records.policy.permission(Actor("user", 4711, role, role), spec, verb)
                assert row["access"][f"role:{role}"][verb]["extent"] == may.extent, (row["name"], role, verb)
                seen += 1
    assert seen > 100


async def test_no_rule_is_refused_up_to_the_most(admin: httpx2.AsyncClient) -> None:
    member = await cells(admin, "sessions", "role:member")
    for extent in EXTENTS:
        rule = {"role": "member", "model": "sessions", "verb": "read", "extent": extent}
        answer = await admin.post("/api/v1/access_rules", json=rule)
        fits = EXTENTS.index(extent) <= EXTENTS.index(member["read"]["most"])
        assert answer.status_code == (201 if fits else 422), extent
        if fits:
            await admin.delete(f"/api/v1/access_rules/{answer.json()['data']['id']}")


async def test_only_admins_see_it(
    member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    for client, status in ((member, 403), (guest_role, 403), (nobody, 401)):
        answer = await client.get(URL)
        assert answer.status_code == status
        assert "data" not in answer.json()
