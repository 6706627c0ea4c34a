"""Tokens for single models: what such a token reaches, and that it never reaches more than its person."""

from __future__ import annotations

import json

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.access.actor import SCOPES, Actor, Role
from server.models.base import VERBS
from tests.conftest import Bear
from tests.server.rest_api.test_records import refused

pytestmark = pytest.mark.anyio
WIDTH = {"none": 0, "own": 1, "all": 2}


async def test_a_token_for_reading_one_model_reads_that_and_nothing_else(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    note = (await member.post("/api/v1/notes", json={"title": "shopping"})).json()["data"]["id"]
    reader = await bear.person("max", scopes=["api:read:notes"])
    for path in ("notes", f"notes/{note}", "notes/aggregate", "notes?q=shopping", "notes/export?format=csv",
                 f"notes/{note}/history", "notes/deleted"):  # fmt: skip
        assert (await reader.get(f"/api/v1/{path}")).status_code == 200, path
    for path in ("users", f"users/{bear.ids['max']}", "sessions", "api_tokens", "files", "notifications",
                 "users/export?format=csv", "server", "gateway", "import/running",
                 f"access/explain?model=notes&verb=read&user={bear.ids['olga']}"):  # fmt: skip
        answer = await reader.get(f"/api/v1/{path}")
        assert answer.status_code in (403, 404, 422), path
    expanded = await reader.get("/api/v1/notes?expand=owner_id")
    assert '"username"' not in expanded.text
    assert [it["name"] for it in (await reader.get("/api/v1/models")).json()["data"]] == ["notes"]
    change = {"verb": "update", "model": "notes", "id": note, "values": {"title": "y"}}
    refused(await reader.patch(f"/api/v1/notes/{note}", json={"title": "y"}), 403)
    refused(await reader.post("/api/v1/batch", json={"operations": [change]}), 403, "operations.0")
    refused(await reader.delete("/api/v1/notes/bulk?title=shopping"), 403)
    refused(await reader.post("/api/v1/undo", json={"first": 1, "last": 9}), 403)
    assert (await member.get(f"/api/v1/notes/{note}")).json()["data"]["title"] == "shopping"


async def test_a_token_for_one_model_changes_that_and_nothing_else(bear: Bear, member: httpx2.AsyncClient) -> None:
    writer = await bear.person("max", scopes=["api:notes"])
    note = (await writer.post("/api/v1/notes", json={"title": "a"})).json()["data"]["id"]
    assert (await writer.patch(f"/api/v1/notes/{note}", json={"title": "b"})).status_code == 200
    own = f"/api/v1/users/{bear.ids['max']}"
    refused(await writer.patch(own, json={"display_name": "x"}), 403)
    both = [{"verb": "create", "model": "notes", "values": {"title": "c"}},
            {"verb": "update", "model": "users", "id": bear.ids["max"], "values": {"display_name": "x"}}]  # fmt: skip
    refused(await writer.post("/api/v1/batch", json={"operations": both}), 403, "operations.1")
    assert (await member.get("/api/v1/notes")).json()["count"] == 1


async def test_a_narrow_token_of_an_admin_administers_nothing(bear: Bear, admin: httpx2.AsyncClient) -> None:
    narrow = await bear.person("ada", "admin", scopes=["api:notes"])
    for method, path in (("GET", "users"), ("GET", "audit_entries"), ("GET", "secrets"), ("GET", "backups"),
                         ("POST", "backups"), ("POST", "models"), ("POST", "server/check-file"),
                         ("POST", "api_tokens"), ("GET", "lan")):  # fmt: skip
        answer = await narrow.request(method, f"/api/v1/{path}", json={} if method == "POST" else None)
        assert answer.status_code in (403, 404), path
    refused(await narrow.post("/auth/invites", json={"role": "admin"}), 403)


async def test_a_token_makes_no_wider_one_and_a_scope_names_a_model_that_is_known(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    for wrong in ("api:nothing_here", "api:write:notes", "api:read:", "api:", "api:Notes", "api:audit_entries"):
        refused(await member.post("/api/v1/api_tokens", json={"name": "x", "scopes": [wrong]}), 422, "scopes")
    maker = await bear.person("max", scopes=["api:api_tokens", "api:read:notes"])
    for wider in ("api", "api:read", "mcp", "api:notes", "api:read:users"):
        refused(await maker.post("/api/v1/api_tokens", json={"name": "x", "scopes": [wider]}), 422, "scopes")
    made = await maker.post("/api/v1/api_tokens", json={"name": "x", "scopes": ["api:read:notes"]})
    assert made.status_code == 201, json.dumps(made.json())


async def test_explain_names_the_scopes(bear: Bear, member: httpx2.AsyncClient) -> None:
    reader = await bear.person("max", scopes=["api:read:notes"])
    answer = (await reader.get("/api/v1/access/explain?model=notes&verb=update")).json()["data"]
    assert not answer["allowed"] and answer["reasons"][-1]["source"] == "the credential's scopes"
    assert answer["reasons"][-1]["from"] == "api:read:notes"


NAMES = ("notes", "users", "api_tokens", "audit_entries", "access_rules", "files", "sessions")
SCOPE = st.sampled_from([*SCOPES, *(f"api:{it}" for it in NAMES), *(f"api:read:{it}" for it in NAMES)])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(scopes=st.frozensets(SCOPE), role=st.sampled_from(["admin", "member", "guest"]))
async def test_no_scopes_ever_give_more_than_the_person_has(bear: Bear, scopes: frozenset[str], role: Role) -> None:
    policy = bear.app.records.policy
    whole, narrow = (Actor("token", 1, "max", role, scopes=it) for it in (frozenset(SCOPES), scopes))
    for spec in bear.app.records.registry:
        for verb in VERBS:
            most, may = policy.permission(whole, spec, verb), policy.permission(narrow, spec, verb)
            reads = verb in ("list", "read")
            named = {"api", f"api:{spec.name}"} | ({"api:read", f"api:read:{spec.name}"} if reads else set())
            assert may.extent == (most.extent if scopes & named else "none")
            assert WIDTH[may.extent] <= WIDTH[most.extent] and set(may.shown) <= set(spec.shown)
