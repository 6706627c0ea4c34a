"""From consent to tokens and to their end, and everything that is refused on the way."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import OWNER
from server.auth.oauth import grants
from server.records.service import Records
from tests.conftest import PASSWORD, Bear
from tests.server.auth.oauth.tests_oauth_support import ORIGIN, App, decided, query_of

pytestmark = pytest.mark.anyio
# Whether the gateway's door opens; what is behind it (the SDK's session handling) is not the point here.
OPEN = {200, 202, 400, 406}


async def test_an_allowed_app_lists_tools_and_nothing_else_of_the_person(app: App, max_in: httpx2.AsyncClient) -> None:
    issued = await app.tokens(max_in)
    assert issued["token_type"] == "Bearer" and issued["scope"] == "mcp" and issued["expires_in"] == 3600
    assert (await app.tools(issued["access_token"])).status_code in OPEN
    headers = {"authorization": f"Bearer {issued['access_token']}"}
    for path in ("/api/v1/notes", "/api/v1/users", "/auth/me", "/api/v1/events"):
        assert (await app.http.get(path, headers=headers)).status_code == 401, path


async def test_the_redirect_names_the_issuer_and_carries_the_state(app: App, max_in: httpx2.AsyncClient) -> None:
    back = await decided(max_in, app.request())
    assert back.startswith(f"{app.redirect}?")
    assert query_of(back) == {"code": query_of(back)["code"], "state": "a state", "iss": ORIGIN}
    denied = await decided(max_in, app.request(), "deny")
    told = query_of(denied)
    assert denied.startswith(f"{app.redirect}?") and "code" not in told
    assert told["error"] == "access_denied" and told["state"] == "a state" and told["iss"] == ORIGIN


async def test_a_wrong_verifier_or_redirect_or_resource_or_client_gets_no_token(
    app: App, max_in: httpx2.AsyncClient
) -> None:
    other = App(app.http, "http://127.0.0.1:7778/callback")
    await other.register()
    for change, error in (
        ({"code_verifier": "w" * 50}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:1/callback"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"resource": f"{ORIGIN}/mcp/time"}, "invalid_target"),
        ({"resource": "https://evil.example/mcp"}, "invalid_target"),
        ({"client_id": other.client_id}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "invalid_request"),
        ({"code": "made up"}, "invalid_grant"),
    ):
        code = await app.allowed_by(max_in)
        answer = await app.exchange(change.pop("code", code) or code, **change)
        assert answer.status_code == 400, (change, answer.text)
        assert answer.json()["error"] in (error, "unsupported_grant_type") and "access_token" not in answer.text
    answer = await app.exchange(await app.allowed_by(max_in), client_id="nobody")
    assert answer.status_code == 401 and answer.json()["error"] == "invalid_client"


async def test_a_code_that_is_used_twice_ends_its_tokens(app: App, max_in: httpx2.AsyncClient) -> None:
    code = await app.allowed_by(max_in)
    issued = (await app.exchange(code)).json()
    assert (await app.tools(issued["access_token"])).status_code in OPEN
    again = await app.exchange(code)
    assert again.status_code == 400 and again.json()["error"] == "invalid_grant"
    assert (await app.tools(issued["access_token"])).status_code == 401
    assert (await app.refresh(issued["refresh_token"])).status_code == 400


async def test_a_refresh_token_works_once_and_its_second_use_ends_the_whole_family(
    app: App, max_in: httpx2.AsyncClient
) -> None:
    first = await app.tokens(max_in)
    second = (await app.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await app.tools(first["access_token"])).status_code == 401, "the old access token ended with the refresh"
    assert (await app.tools(second["access_token"])).status_code in OPEN
    assert (await app.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await app.tools(second["access_token"])).status_code == 401
    assert (await app.refresh(second["refresh_token"])).status_code == 400


async def test_a_refresh_stays_within_what_was_allowed(app: App, max_in: httpx2.AsyncClient) -> None:
    issued = await app.tokens(max_in, scope="mcp api:read")
    assert (await app.refresh(issued["refresh_token"], scope="mcp api")).json()["error"] == "invalid_scope"
    wrong = await app.refresh(issued["refresh_token"], resource=f"{ORIGIN}/mcp/time")
    assert wrong.json()["error"] == "invalid_target"
    narrow = (await app.refresh(issued["refresh_token"], scope="mcp")).json()
    headers = {"authorization": f"Bearer {narrow['access_token']}"}
    assert (await app.http.get("/api/v1/notes", headers=headers)).status_code == 401
    wide = (await app.refresh(narrow["refresh_token"])).json()
    headers = {"authorization": f"Bearer {wide['access_token']}"}
    assert (await app.http.get("/api/v1/notes", headers=headers)).status_code == 200
    assert (await app.http.post("/api/v1/notes", json={"title": "x"}, headers=headers)).status_code == 403


async def test_a_token_is_good_for_the_resource_it_was_made_for_alone(app: App, max_in: httpx2.AsyncClient) -> None:
    issued = await app.tokens(max_in, resource=f"{ORIGIN}/mcp/time")
    refused = await app.tools(issued["access_token"])
    assert refused.status_code == 401 and refused.json()["code"] == "wrong_resource"
    elsewhere = await app.http.post(
        "/mcp/time", headers={"authorization": f"Bearer {issued['access_token']}", "host": "localhost:8088"}
    )
    assert elsewhere.status_code == 401
    own = await app.tools(issued["access_token"], "/mcp/time")
    assert own.status_code == 404, "the door opened, and there is no such server"


async def test_s2_a_token_without_the_scope_mcp_calls_no_tools(app: App, max_in: httpx2.AsyncClient) -> None:
    issued = await app.tokens(max_in, scope="api:read")
    answer = await app.tools(issued["access_token"])
    assert answer.status_code == 403
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge and 'scope="mcp"' in challenge


async def test_s3_a_token_acts_as_the_person_who_allowed_it_whatever_the_request_says(
    bear: Bear, app: App, max_in: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    issued = await app.tokens(max_in, scope="mcp api")
    headers = {"authorization": f"Bearer {issued['access_token']}"}
    me = (await app.http.get("/auth/me?user_identity=ada", headers={**headers, "x-user": "ada"})).json()["data"]
    assert me["username"] == "max" and me["kind"] == "token" and me["scopes"] == ["api", "mcp"]
    assert (await other.post("/api/v1/notes", json={"title": "Olga's"})).status_code == 201
    assert (await app.http.get("/api/v1/notes", headers=headers)).json()["data"] == []


async def test_an_app_of_an_admin_administers_nothing_and_makes_nothing_that_outlasts_it(bear: Bear, app: App) -> None:
    ada = await bear.signed_in("ada")
    issued = await app.tokens(ada, scope="mcp api")
    headers = {"authorization": f"Bearer {issued['access_token']}"}
    mine = f"/api/v1/users/{bear.ids['ada']}"
    for verb, path, body in (
        ("POST", "/api/v1/api_tokens", {"name": "for ever"}),
        ("POST", "/api/v1/users", {"username": "eve", "password": PASSWORD}),
        ("PATCH", mine, {"role": "guest"}),
        ("PATCH", mine, {"is_active": False}),
        ("POST", "/api/v1/mcp_servers", {"name": "x", "transport": "stdio", "command": "sh"}),
        ("POST", "/api/v1/access_rules", {"role": "guest", "model": "notes", "verb": "read", "extent": "all"}),
        ("POST", "/api/v1/settings", {"name": "second_factor_roles", "value": ""}),
        ("POST", "/api/v1/secrets", {"name": "x", "value": "y"}),
        ("POST", "/api/v1/backups", {"without_phrase": True}),
        ("POST", "/api/v1/models", {"name": "x", "label": "x", "fields": []}),
        ("POST", "/auth/invites", {"role": "admin"}),
        ("POST", "/auth/resets", {"user_id": str(bear.ids["ada"])}),
        ("POST", f"/auth/users/{bear.ids['ada']}/leave", {"trash": True}),
    ):
        answer = await app.http.request(verb, path, json=body, headers=headers)
        assert answer.status_code in (403, 422), (path, answer.text)
        assert answer.status_code == 403 or path == mine, (path, answer.text)
        assert "gb_" not in answer.text and "token=" not in answer.text
    form = app.request() | {"decision": "allow"}
    assert (await app.http.post("/oauth/consent/decide", data=form, headers=headers)).status_code == 403
    assert (await app.http.post("/api/v1/notes", json={"title": "x"}, headers=headers)).status_code == 201
    assert (await app.http.get("/api/v1/users", headers=headers)).json()["count"] == 1


async def test_an_app_of_an_admin_uses_the_servers_that_are_for_admins_and_one_of_a_member_does_not(
    bear: Bear, app: App, max_in: httpx2.AsyncClient
) -> None:
    values = {"name": "time", "transport": "http", "url": "http://127.0.0.1:9/mcp", "visibility": "admins"}
    await bear.app.records.create(OWNER, "mcp_servers", values)
    for person, found in ((await bear.signed_in("ada"), True), (max_in, False)):
        issued = await app.tokens(person, resource=f"{ORIGIN}/mcp/time")
        answer = await app.tools(issued["access_token"], "/mcp/time")
        assert (answer.status_code != 404) is found and answer.status_code != 401, answer.text


async def test_s10_codes_and_tokens_are_in_no_file(
    bear: Bear, app: App, max_in: httpx2.AsyncClient, tmp_path: Path
) -> None:
    code = await app.allowed_by(max_in)
    issued = (await app.exchange(code)).json()
    shown = (await max_in.get("/api/v1/oauth_tokens")).text
    with sqlite3.connect(tmp_path / "data" / "gridbear.db") as database:
        stored = "\n".join(database.iterdump())
    database.close()
    assert "Test app" in stored
    for secret in (code, issued["access_token"], issued["refresh_token"], issued["refresh_token"].partition(".")[2]):
        assert secret not in stored and secret not in shown
        for file in (tmp_path / "data").rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes(), file


async def test_disabling_a_new_role_and_a_new_password_end_the_tokens(
    bear: Bear, app: App, admin: httpx2.AsyncClient
) -> None:
    for number, change in enumerate(({"is_active": False}, {"role": "guest"}, None)):
        name = f"p{number}"
        await bear.person(name)
        person = await bear.signed_in(name)
        issued = await app.tokens(person)
        pending = await app.allowed_by(person)
        assert (await app.tools(issued["access_token"])).status_code in OPEN
        if change is not None:
            changed = await admin.patch(f"/api/v1/users/{bear.ids[name]}", json=change)
        else:
            form = {"current_password": PASSWORD, "new_password": "another horse battery"}
            changed = await person.post("/auth/password", data=form)
        assert changed.status_code == 200, changed.text
        assert (await app.tools(issued["access_token"])).status_code == 401, change
        assert (await app.refresh(issued["refresh_token"])).status_code == 400, change
        assert (await app.exchange(pending)).status_code == 400, change
        assert (await admin.get(f"/api/v1/oauth_tokens?owner_id={bear.ids[name]}")).json()["count"] == 0


async def test_codes_and_tokens_expire(
    bear: Bear, app: App, max_in: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "CODE_SECONDS", -1.0)
    assert (await app.exchange(await app.allowed_by(max_in))).status_code == 400
    monkeypatch.undo()
    monkeypatch.setattr(grants, "ACCESS_SECONDS", -1)
    issued = await app.tokens(max_in)
    expired = await app.tools(issued["access_token"])
    assert expired.status_code == 401 and "resource_metadata=" in expired.headers["www-authenticate"]
    monkeypatch.undo()
    fresh = (await app.refresh(issued["refresh_token"])).json()
    assert (await app.tools(fresh["access_token"])).status_code in OPEN
    monkeypatch.setattr(grants, "UNUSED_DAYS", -1.0)
    last = (await app.refresh(fresh["refresh_token"])).json()
    assert (await app.refresh(last["refresh_token"])).json()["error"] == "invalid_grant"
    await bear.app.people.grants.sweep()
    assert (await max_in.get("/api/v1/oauth_tokens")).json()["count"] == 0


async def test_connected_apps_are_seen_and_ended_by_their_person_and_by_admins(
    app: App,
    max_in: httpx2.AsyncClient,
    other: httpx2.AsyncClient,
    admin: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:
    issued = await app.tokens(max_in)
    listed = (await max_in.get("/api/v1/oauth_tokens")).json()["data"]
    assert [row["client_name"] for row in listed] == ["Test app"] and "hash" not in str(listed)
    address = f"/api/v1/oauth_tokens/{listed[0]['id']}"
    assert (await other.get("/api/v1/oauth_tokens")).json()["data"] == []
    assert (await other.delete(address)).status_code == 404
    assert (await nobody.delete(address)).status_code == 401
    assert (await max_in.patch(address, json={"scopes": ["api"]})).status_code in (403, 405)
    assert (await max_in.get("/api/v1/oauth_clients")).status_code == 403
    assert (await app.tools(issued["access_token"])).status_code in OPEN
    assert (await max_in.delete(address)).status_code == 200
    assert (await app.tools(issued["access_token"])).status_code == 401
    again = await app.tokens(max_in)
    assert (await app.tools(again["access_token"])).status_code in OPEN
    client = (await admin.get("/api/v1/oauth_clients")).json()["data"][0]
    assert (await admin.delete(f"/api/v1/oauth_clients/{client['id']}")).status_code == 200
    assert (await app.tools(again["access_token"])).status_code == 401
    assert (await app.refresh(again["refresh_token"])).status_code == 401


async def test_a_client_ends_its_own_tokens_and_no_others(app: App, max_in: httpx2.AsyncClient) -> None:
    stranger = App(app.http, "http://127.0.0.1:7778/callback")
    await stranger.register()
    for name in ("access_token", "refresh_token"):
        issued = await app.tokens(max_in)
        foreign = {"token": issued[name], "client_id": stranger.client_id}
        assert (await app.http.post("/oauth/revoke", data=foreign)).status_code == 200
        assert (await app.tools(issued["access_token"])).status_code in OPEN, "of another client: nothing happened"
        own = {"token": issued[name], "client_id": app.client_id}
        assert (await app.http.post("/oauth/revoke", data=own)).status_code == 200
        assert (await app.tools(issued["access_token"])).status_code == 401
        assert (await app.refresh(issued["refresh_token"])).status_code == 400
    unknown = {"token": "gba_nothing", "client_id": app.client_id}
    assert (await app.http.post("/oauth/revoke", data=unknown)).status_code == 200
    assert (await app.http.post("/oauth/revoke", data=unknown | {"client_id": "nobody"})).status_code == 401


def ends_before(monkeypatch: pytest.MonkeyPatch, step: str, who: httpx2.AsyncClient, address: str) -> None:
    """Just before the next record is written by `step`, `who` deletes the one at `address`."""
    write = getattr(Records, step)

    async def and_ends_first(*given: Any) -> dict[str, Any]:
        monkeypatch.undo()
        assert (await who.delete(address)).status_code == 200
        return dict(await write(*given))

    monkeypatch.setattr(Records, step, and_ends_first)


def is_told_as_the_protocol_says(answer: httpx2.Response) -> bool:
    return (answer.status_code, answer.json().get("error")) == (400, "invalid_grant")


async def test_an_app_whose_permission_ends_while_it_refreshes_hears_it_as_the_protocol_says(
    app: App, max_in: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = await app.tokens(max_in)
    row = (await max_in.get("/api/v1/oauth_tokens")).json()["data"][0]
    ends_before(monkeypatch, "update", max_in, f"/api/v1/oauth_tokens/{row['id']}")
    answer = await app.refresh(issued["refresh_token"])
    assert is_told_as_the_protocol_says(answer), answer.text


async def test_an_app_that_is_deleted_while_it_exchanges_its_code_hears_it_as_the_protocol_says(
    app: App, max_in: httpx2.AsyncClient, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await app.allowed_by(max_in)
    client = (await admin.get("/api/v1/oauth_clients")).json()["data"][0]
    ends_before(monkeypatch, "create", admin, f"/api/v1/oauth_clients/{client['id']}")
    answer = await app.exchange(code)
    assert is_told_as_the_protocol_says(answer), answer.text
