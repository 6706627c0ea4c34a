"""People, sessions and tokens over REST: nobody raises themselves, and no secret comes out."""

from __future__ import annotations

import httpx2
import pytest

from server.internal_api.secret import internal_secret
from tests.conftest import CONTROL_TOKEN, PASSWORD, Bear
from tests.server.rest_api.test_records import refused

pytestmark = pytest.mark.anyio


async def test_a_taken_username_is_409_and_named(admin: httpx2.AsyncClient) -> None:
    refused(await admin.post("/api/v1/users", json={"username": "ada", "password": PASSWORD}), 409, "username")


async def test_a_password_goes_in_and_never_comes_out(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post("/api/v1/users", json={"username": "eve", "password": PASSWORD})
    listed = await admin.get("/api/v1/users")
    assert answer.status_code == 201
    for text in (answer.text, listed.text, (await admin.get(answer.headers["location"])).text):
        assert "password" not in text and "argon2" not in text
    refused(await admin.patch(answer.headers["location"], json={"password": PASSWORD}), 422, "password")
    refused(await admin.post("/api/v1/users", json={"username": "kit", "password": "short"}), 422, "password")
    refused(await admin.get("/api/v1/users?password=x"), 422, "password")
    refused(await admin.get("/api/v1/users?sort=password"), 422, "sort")


async def test_a_member_sees_and_changes_only_themselves(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    own = f"/api/v1/users/{bear.ids['max']}"
    assert [row["username"] for row in (await member.get("/api/v1/users")).json()["data"]] == ["max"]
    refused(await member.get(f"/api/v1/users/{bear.ids['olga']}"), 404)
    refused(await member.patch(f"/api/v1/users/{bear.ids['olga']}", json={"display_name": "x"}), 404)
    refused(await member.patch(own, json={"role": "admin"}), 422, "role")
    refused(await member.put(own, json={"role": "admin", "is_active": True}), 422, "role", "is_active")
    refused(await member.post("/api/v1/users", json={"username": "x"}), 403)
    refused(await member.delete(own), 403)
    assert (await member.put(own, json={"display_name": "Max"})).json()["data"]["role"] == "member"


async def test_the_last_admin_stays(bear: Bear, admin: httpx2.AsyncClient) -> None:
    path = f"/api/v1/users/{bear.ids['ada']}"
    for values in ({"role": "member"}, {"is_active": False}):
        assert refused(await admin.patch(path, json=values), 409)["code"] == "last_admin"
    refused(await admin.put(path, json={}), 409)
    refused(await admin.delete(path), 409)
    assert (await admin.get(path)).json()["data"]["role"] == "admin"


async def test_a_token_for_records_makes_one_for_the_numbers_and_none_the_other_way(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    answer = await member.post("/api/v1/api_tokens", json={"name": "numbers", "scopes": ["metrics"]})
    assert answer.status_code == 201, answer.text
    numbers = await bear.client(authorization=f"Bearer {answer.json()['data']['token']}")
    refused(await numbers.post("/api/v1/api_tokens", json={"name": "more", "scopes": ["api:read"]}), 403)


async def test_before_there_is_an_admin_people_are_changed_and_let_in_again(bear: Bear) -> None:
    member = await bear.person("max")
    own = f"/api/v1/users/{bear.ids['max']}"
    assert (await member.patch(own, json={"display_name": "Max"})).status_code == 200
    machine = await bear.client(authorization=f"Bearer {CONTROL_TOKEN}")
    form = {"username": "max", "password": "another calm bear"}
    answer = await machine.post("/_desktop/operations/user-reset-password", json=form)
    assert answer.status_code == 200, answer.text
    client = await bear.client(accept="application/json")
    assert (await client.post("/auth/login", data=form)).status_code == 200
    await bear.person("olga")
    assert (await machine.delete(f"/api/v1/users/{bear.ids['olga']}")).status_code == 200


async def test_a_disabled_person_is_out_at_once(bear: Bear, admin: httpx2.AsyncClient) -> None:
    client = await bear.person("zoe")
    session = await bear.signed_in("zoe")
    await admin.patch(f"/api/v1/users/{bear.ids['zoe']}", json={"is_active": False})
    refused(await client.get("/api/v1/notes"), 401)
    refused(await session.get("/auth/me"), 401)


async def test_a_token_is_told_once_and_its_hash_never(member: httpx2.AsyncClient, other: httpx2.AsyncClient) -> None:
    answer = await member.post("/api/v1/api_tokens", json={"name": "script"})
    token = answer.json()["data"]["token"]
    assert token.startswith("gb_")
    for path in ("/api/v1/api_tokens", answer.headers["location"]):
        assert token not in (await member.get(path)).text and "token_hash" not in (await member.get(path)).text
    refused(await other.get(answer.headers["location"]), 404)
    refused(await member.patch(answer.headers["location"], json={"scopes": ["api"]}), 422, "scopes")
    assert (await member.patch(answer.headers["location"], json={"name": "new"})).status_code == 200
    refused(await member.post("/api/v1/api_tokens", json={"name": "x", "scopes": ["root"]}), 422, "scopes")


async def test_a_deleted_token_ends_at_once(bear: Bear, member: httpx2.AsyncClient) -> None:
    made = (await member.post("/api/v1/api_tokens", json={"name": "script"})).json()["data"]
    client = await bear.client(authorization=f"Bearer {made['token']}")
    assert (await client.get("/api/v1/notes")).status_code == 200
    await member.delete(f"/api/v1/api_tokens/{made['id']}")
    refused(await client.get("/api/v1/notes"), 401)


async def test_a_token_does_what_its_scopes_say(bear: Bear, member: httpx2.AsyncClient) -> None:
    reader = await bear.person("max", scopes=["api:read"])
    assert (await reader.get("/api/v1/notes")).status_code == 200
    refused(await reader.post("/api/v1/notes", json={"title": "x"}), 403)
    refused(await reader.post("/api/v1/api_tokens", json={"name": "x"}), 403)
    tools = await bear.person("max", scopes=["mcp"])
    for path in ("/api/v1/notes", "/api/v1/models", "/api/v1/server", "/api/v1/gateway", "/api/v1/notes/1"):
        refused(await tools.get(path), 403)
    writer = await bear.person("max", scopes=["api"])
    refused(await writer.post("/api/v1/api_tokens", json={"name": "x", "scopes": ["mcp"]}), 422, "scopes")
    made = await writer.post("/api/v1/api_tokens", json={"name": "x", "scopes": ["api:read"]})
    assert made.status_code == 201


async def test_sessions_of_others_are_not_visible(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("max")
    [row] = (await session.get("/api/v1/sessions")).json()["data"]
    assert "token_hash" not in row
    assert (await other.get("/api/v1/sessions")).json()["count"] == 0
    refused(await other.delete(f"/api/v1/sessions/{row['id']}"), 404)
    refused(await session.post("/api/v1/sessions", json={}), 403)
    assert (await session.delete(f"/api/v1/sessions/{row['id']}")).status_code == 200
    refused(await session.get("/auth/me"), 401)


async def test_the_internal_secret_opens_nothing_of_rest(bear: Bear, admin: httpx2.AsyncClient) -> None:
    secret = internal_secret(bear.app._folder.path, "")
    client = await bear.client(authorization=f"Bearer {secret}")
    assert (await client.get("/api/internal/health")).status_code == 200
    for path in ("/api/v1/models", "/api/v1/server", "/api/v1/gateway", "/api/v1/notes", "/api/v1/users/1"):
        refused(await client.get(path), 403)


async def test_the_control_token_works_from_this_computer_only(bear: Bear, admin: httpx2.AsyncClient) -> None:
    headers = {"authorization": f"Bearer {CONTROL_TOKEN}"}
    assert (await (await bear.client(**headers)).get("/api/v1/users")).status_code == 200
    refused(await (await bear.client("192.168.1.7", **headers)).get("/api/v1/users"), 401)


async def test_a_token_that_has_ended_already_is_not_made(bear: Bear, admin: httpx2.AsyncClient) -> None:
    tokens = "/api/v1/api_tokens"
    before = (await admin.get(tokens)).json()["count"]
    refused(await admin.post(tokens, json={"name": "t", "expires_at": "2020-01-01T00:00:00Z"}), 422, "expires_at")
    assert (await admin.get(tokens)).json()["count"] == before
    made = await admin.post(tokens, json={"name": "t", "expires_at": "2999-01-01T00:00:00Z"})
    assert made.status_code == 201
