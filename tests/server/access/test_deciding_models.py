"""What decides over others: no rule, no history and no way round hands it to somebody who is no admin."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import PASSWORD, Bear

pytestmark = pytest.mark.anyio

DECIDING: dict[str, dict[str, Any]] = {
    "users": {"username": "eve", "password": PASSWORD, "role": "admin"},
    "groups": {"name": "mine"},
    "group_members": {"group_id": 1, "user_id": 2},
    "access_rules": {"role": "member", "model": "notes", "verb": "read", "extent": "all"},
    "settings": {"name": "second_factor_roles", "value": ""},
    "mcp_servers": {"name": "x", "transport": "stdio", "command": "/bin/sh"},
    "mcp_rules": {"subject": "everyone", "effect": "allow"},
    "own_tools": {"server": "records", "name": "get_notes", "enabled": False},
    "record_tools": {"model": "notes", "reading": True, "writing": True, "deleting": True},
    "secrets": {"name": "x", "value": "y"},
    "plugins": {"name": "x"},
    "own_models": {"name": "x"},
    "audit_entries": {"kind": "sign_in", "actor_name": "max", "through": "user"},
    "api_tokens": {"name": "x", "owner_id": 1},
    "sessions": {"owner_id": 1},
    "oauth_clients": {"client_name": "x"},
    "oauth_tokens": {"owner_id": 1},
    "account_links": {"purpose": "invite", "role": "admin"},
    "second_factors": {"owner_id": 1},
}


async def everything_allowed(bear: Bear, admin: httpx2.AsyncClient) -> None:
    """As many rules as are taken: all of it, for the role and for a group that max is in."""
    group = (await admin.post("/api/v1/groups", json={"name": "friends"})).json()["data"]["id"]
    await admin.post("/api/v1/group_members", json={"group_id": group, "user_id": bear.ids["max"]})
    for subject in ({"role": "member"}, {"group_id": group}):
        for model in bear.app.records.registry:
            for verb in ("any", "create", "list", "read", "update", "delete"):
                rule = {**subject, "model": model.name, "verb": verb, "extent": "all"}
                assert (await admin.post("/api/v1/access_rules", json=rule)).status_code in (201, 409, 422)


async def test_under_the_widest_rules_a_member_decides_over_nobody(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await everything_allowed(bear, admin)
    session = await bear.signed_in("max")
    me, ada = bear.ids["max"], bear.ids["ada"]
    known = {spec.name for spec in bear.app.records.registry}
    for client in (member, session):
        for model, values in DECIDING.items():
            if model not in known or model == "api_tokens":
                continue
            url = f"/api/v1/{model}"
            answer = await client.post(url, json=values)
            assert answer.status_code in (401, 403, 404, 422), (model, answer.text)
            sent = {"operations": [{"verb": "create", "model": model, "values": values}]}
            assert (await client.post("/api/v1/batch", json=sent)).status_code in (403, 404, 422), model
            assert (await client.post(f"{url}/import?format=json", json=[values])).status_code in (403, 404, 422), model
        for number in (me, ada, bear.ids["olga"]):
            for change in ({"role": "admin"}, {"is_active": False}, {"password": "another good one"}):
                for verb in ("patch", "put"):
                    whole = change if verb == "patch" else {"username": "max", **change}
                    answer = await getattr(client, verb)(f"/api/v1/users/{number}", json=whole)
                    assert answer.status_code in (403, 404, 422), (number, change, answer.text)
                bulk = await client.patch(f"/api/v1/users/bulk?id={number}", json=change)
                assert bulk.status_code in (403, 404, 422), (number, change, bulk.text)
            assert (await client.post(f"/auth/users/{number}/leave", json={"trash": True})).status_code == 403
        for path, form in (("/auth/invites", {"role": "admin"}), ("/auth/resets", {"user_id": str(ada)})):
            assert (await client.post(path, json=form)).status_code == 403
    assert (await admin.delete(f"/api/v1/users/{ada}")).status_code == 409
    people = {row["username"]: row for row in (await admin.get("/api/v1/users")).json()["data"]}
    assert set(people) == {"ada", "max", "olga"}
    assert people["max"]["role"] == people["olga"]["role"] == "member" and people["ada"]["is_active"]


async def test_a_rule_that_would_open_nothing_says_so(admin: httpx2.AsyncClient) -> None:
    async def status(model: str, verb: str, extent: str) -> int:
        rule = {"role": "member", "model": model, "verb": verb, "extent": extent}
        answer = await admin.post("/api/v1/access_rules", json=rule)
        if answer.status_code == 422:
            assert answer.json()["fields"]["extent"]["code"] == "not_possible" and verb in answer.text
        return answer.status_code

    for model, verb in (("users", "update"), ("settings", "create"), ("access_rules", "delete"), ("groups", "update")):
        assert await status(model, verb, "all") == 422, (model, verb)
    rule = {"role": "member", "model": "notes", "verb": "read", "extent": "own", "hidden_fields": ["body", "id"]}
    answer = await admin.post("/api/v1/access_rules", json=rule)
    assert answer.status_code == 422 and answer.json()["fields"]["hidden_fields"]["code"] == "not_possible"
    for model, verb, extent in (("users", "update", "own"), ("users", "list", "all"), ("settings", "any", "all")):
        assert await status(model, verb, extent) == 201, (model, verb)


async def test_nobody_goes_back_to_what_they_were(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    me = f"/api/v1/users/{bear.ids['max']}"
    assert (await admin.patch(me, json={"role": "admin"})).status_code == 200
    promoted = await bear.signed_in("max")
    assert (await promoted.patch(me, json={"display_name": "The boss"})).status_code == 200
    assert (await admin.patch(me, json={"role": "member"})).status_code == 200
    await everything_allowed(bear, admin)
    session = await bear.signed_in("max")
    entries = (await admin.get(f"{me}/history")).json()["data"]
    for client in (session, member):
        for entry in entries:
            await client.post(f"{me}/restore?before={entry['id']}")
            await client.post("/api/v1/undo", json={"first": entry["id"], "last": entry["id"]})
        await client.post("/api/v1/undo", json={"first": entries[-1]["id"], "last": entries[0]["id"]})
        assert (await admin.get(me)).json()["data"]["role"] == "member"
        assert (await client.get("/auth/me")).json()["data"]["role"] == "member"
