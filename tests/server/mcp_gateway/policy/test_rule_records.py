"""Rules for tools as records: only people who are signed in change them, and what makes no sense is refused."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden
from tests.conftest import CONTROL_TOKEN, Bear

pytestmark = pytest.mark.anyio
RULES = "/api/v1/mcp_rules"
ALLOW = {"subject": "everyone", "effect": "allow"}


async def test_an_admin_with_a_session_makes_changes_and_deletes_rules(bear: Bear, admin: httpx2.AsyncClient) -> None:
    session = await bear.signed_in("ada")
    made = await session.post(RULES, json={**ALLOW, "tool": "look"})
    assert made.status_code == 201, made.text
    number = made.json()["data"]["id"]
    assert (await session.patch(f"{RULES}/{number}", json={"effect": "deny"})).status_code == 200
    assert (await admin.get(RULES)).json()["count"] == 1, "a token of an admin reads them"
    assert (await session.delete(f"{RULES}/{number}")).status_code == 200
    assert (await session.post(f"{RULES}/{number}/restore")).status_code in (200, 201)


async def test_no_token_changes_a_rule_by_any_door(bear: Bear, admin: httpx2.AsyncClient) -> None:
    session = await bear.signed_in("ada")
    number = (await session.post(RULES, json={**ALLOW, "effect": "deny"})).json()["data"]["id"]
    gone = (await session.post(RULES, json=ALLOW)).json()["data"]["id"]
    await session.delete(f"{RULES}/{gone}")
    machine = await bear.client(authorization=f"Bearer {CONTROL_TOKEN}")
    whole = {**ALLOW, "id": number}
    batches: list[dict[str, Any]] = [
        {"verb": "create", "model": "mcp_rules", "values": ALLOW},
        {"verb": "update", "model": "mcp_rules", "id": number, "values": {"effect": "allow"}},
        {"verb": "delete", "model": "mcp_rules", "id": number},
    ]
    for client in (admin, machine):
        answers = [
            await client.post(RULES, json=ALLOW),
            await client.put(f"{RULES}/{number}", json=ALLOW),
            await client.patch(f"{RULES}/{number}", json={"effect": "allow"}),
            await client.delete(f"{RULES}/{number}"),
            await client.patch(f"{RULES}/bulk?effect=deny", json={"effect": "allow"}),
            await client.delete(f"{RULES}/bulk?effect=deny"),
            await client.post(f"{RULES}?upsert=id", json=whole),
            await client.post(f"{RULES}/import?format=csv", content=b"subject,effect\neveryone,allow\n",
                              headers={"content-type": "text/csv"}),
            await client.post(f"{RULES}/{gone}/restore"),
            *[await client.post("/api/v1/batch", json={"operations": [one]}) for one in batches],
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [403] * len(answers), [a.text for a in answers]
        assert "session_required" in {answer.json()["code"] for answer in answers}
    entries = (await session.get(f"{RULES}/{number}/history")).json()["data"]
    undone = await admin.post("/api/v1/undo", json={"first": entries[0]["id"], "last": entries[0]["id"]})
    assert undone.status_code == 403, undone.text
    [left] = (await session.get(RULES)).json()["data"]
    assert left["id"] == number and left["effect"] == "deny"


async def test_members_and_guests_know_of_no_rule_and_no_access_rule_lets_them_change_any(
    bear: Bear, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    clients = [(await bear.signed_in(name), token) for name, token in (("max", member), ("gus", guest_role))]
    for client in (client for pair in clients for client in pair):
        assert (await client.get(RULES)).status_code == 403
    # Rules for all verbs open the reading ones alone.
    values = {"role": "member", "model": "mcp_rules", "verb": "any", "extent": "all"}
    await bear.app.records.create(SYSTEM, "access_rules", values)
    for client in (client for pair in clients for client in pair):
        assert (await client.post(RULES, json=ALLOW)).status_code == 403


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"subject": "role"}, "role", "required"),
        ({"subject": "user"}, "user_id", "required"),
        ({"subject": "token"}, "token_id", "required"),
        ({"subject": "group"}, "group_id", "required"),
        ({"subject": "everyone", "role": "guest"}, "role", "not_wanted"),
        ({"subject": "programs", "role": "guest"}, "role", "not_wanted"),
        ({"tool": "get_*"}, "tool", "no_pattern"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(
    bear: Bear, admin: httpx2.AsyncClient, values: dict[str, Any], field: str, code: str
) -> None:
    session = await bear.signed_in("ada")
    answer = await session.post(RULES, json={**ALLOW, **values})
    assert answer.status_code == 422 and answer.json()["fields"][field]["code"] == code, answer.text


async def test_a_rule_for_a_server_goes_with_it_and_one_names_a_server_once(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("ada")
    server = {"name": "time", "transport": "http", "url": "http://127.0.0.1:9/mcp"}
    number = (await session.post("/api/v1/mcp_servers", json=server)).json()["data"]["id"]
    both = await session.post(RULES, json={**ALLOW, "server_id": number, "own_server": "records"})
    assert both.status_code == 422 and both.json()["fields"]["own_server"]["code"] == "one_of_two"
    assert (await session.post(RULES, json={**ALLOW, "server_id": number})).status_code == 201
    await session.delete(f"/api/v1/mcp_servers/{number}")
    assert (await session.get(RULES)).json()["count"] == 0


async def test_records_as_tools_never_reach_rules(bear: Bear, admin: httpx2.AsyncClient) -> None:
    owner = Actor(kind="user", user_id=bear.ids["ada"], username="ada", role="admin")
    names = [tool.name for tool in await bear.app.gateway.gateway.tools(owner)]
    assert "search_notes" in names and not any("mcp_rules" in name for name in names)
    token = Actor(kind="token", user_id=bear.ids["ada"], username="ada", role="admin")
    with pytest.raises(Forbidden):
        await bear.app.records.create(token, "mcp_rules", ALLOW)
