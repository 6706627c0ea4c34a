"""Weak points that servers of this kind have had (S1 to S16), each shown to be impossible here.

S1, S2, S3 and half of S10 and S13 are about OAuth: tests/server/auth/oauth names them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from server.access.actor import SYSTEM
from server.asgi.signatures import sign_sha256
from server.errors import Conflict, StartupError
from server.mcp_gateway.upstreams.references import resolved
from tests.conftest import PASSWORD, Bear, running_bear
from tests.server.web.test_policy import ALL, HERE, NOBODY, POLICY

pytestmark = pytest.mark.anyio


async def tool(client: httpx2.AsyncClient, name: str, **arguments: Any) -> str:
    """What the gateway answers to a call of the official client, as text."""
    url = "http://127.0.0.1:8088/mcp"
    transport = streamable_http_client(url, http_client=client, terminate_on_close=False)
    async with Client(transport, mode="2026-07-28", cache=None) as gateway:
        try:
            return str((await gateway.call_tool(name, arguments)).content)
        except MCPError as error:
            return f"refused: {error.message}"


async def test_s4_an_id_that_a_model_writes_reaches_nobody_elses_records(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    task = {"owner_id": bear.ids["ada"], "key": "k1", "kind": "mcp_tool", "title": "the admin's", "status": "running"}
    await bear.app.records.create(SYSTEM, "tasks", task)
    for name in ("async_task_status", "async_cancel_task"):
        told, missing = await tool(member, name, task_id="k1"), await tool(member, name, task_id="k2")
        assert told.replace("k1", "k2") == missing and "the admin's" not in told
    assert "k1" not in await tool(member, "async_list_tasks")
    assert "k1" in await tool(admin, "async_list_tasks")
    note = (await admin.post("/api/v1/notes", json={"title": "the admin's"})).json()["data"]["id"]
    assert (await member.get(f"/api/v1/notes/{note}")).status_code == 404


async def test_s5_a_call_in_the_background_passes_the_same_checks_as_a_direct_one(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    for name, more in (("private", {}), ("off", {"visibility": "everyone", "enabled": False})):
        server = {"name": name, "transport": "http", "url": "http://127.0.0.1:9/mcp", **more}
        await bear.app.records.create(SYSTEM, "mcp_servers", server)
    told = {
        (await tool(member, way, tool_name=name, arguments={})).replace(name, "it")
        for name in ("private__echo", "off__echo", "nothing__echo")
        for way in ("async_run_tool", "execute_discovered_tool")
    }
    assert told == {"refused: Unknown tool: it"}
    assert await bear.app.records.find(SYSTEM, "tasks") == []


async def test_s6_a_file_is_an_id_and_no_path_leads_anywhere(bear: Bear, admin: httpx2.AsyncClient) -> None:
    definition = {"name": "papers", "label": "Paper", "fields": [{"name": "scan", "type": "file"}]}
    assert (await admin.post("/api/v1/models", json=definition)).status_code == 201
    for path in ("gridbear.db", "../secrets/key-ring", "/etc/passwd", "files/1"):
        assert (await admin.post("/api/v1/papers", json={"scan": path})).status_code == 422
    key = next((bear.app._folder.path / "secrets").iterdir()).name
    for address in (
        f"/api/v1/files/..%2Fsecrets%2F{key}/content", f"/ui/..%2F..%2Fsecrets%2F{key}",
        "/ui/%2e%2e/%2e%2e/gridbear.db", "/api/v1/backups/..%2Fgridbear.db/content",
        "/api/v1/backups/%2Fetc%2Fpasswd/content",
    ):  # fmt: skip
        answer = await admin.get(address)
        assert answer.status_code in (404, 422) and b"SQLite" not in answer.content, address


def test_s7_a_missing_secret_is_named_and_never_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("weather", "of the environment")
    empty: dict[str, str | None] = {"weather": None}
    for known in ({}, empty):
        with pytest.raises(Conflict, match="'weather' is not there or has no value"):
            resolved({"KEY": "${secret:weather}"}, known.get)


async def test_s8_without_a_secret_no_delivery_is_believed(bear: Bear, nobody: httpx2.AsyncClient) -> None:
    body = b'{"a": 1}'
    for headers in ({}, {"x-hub-signature-256": "sha256="}, {"x-hub-signature-256": f"sha256={'0' * 64}"}):
        assert (await nobody.post("/api/webhook-inbox/", content=body, headers=headers)).status_code == 401
    with pytest.raises(ValueError, match="secret"):
        sign_sha256("", body)


async def test_s9_a_forwarded_address_gets_round_no_limit(bear: Bear, admin: httpx2.AsyncClient) -> None:
    statuses = []
    for number in range(30):
        client = await bear.client("192.0.2.7", **{"x-forwarded-for": f"10.0.0.{number}", "accept": "application/json"})
        form = {"username": f"nobody{number}", "password": "wrong"}
        statuses.append((await client.post("/auth/login", data=form)).status_code)
    assert statuses[-1] == 429
    near = await bear.client("192.0.2.7", **{"x-forwarded-for": "127.0.0.1"})
    assert (await near.post("/auth/setup", json={"token": "x"})).json()["code"] == "loopback_only"


async def test_s10_what_opens_an_account_is_in_no_file_of_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_bear(folder) as bear:
        admin = await bear.person("ada", "admin")
        session = await bear.signed_in("ada")
        begun = (await session.post("/auth/second-factor", json={"password": PASSWORD})).json()["data"]
        otp = pyotp.TOTP(begun["secret"]).now()
        codes = (await session.post("/auth/second-factor/confirm", json={"otp": otp})).json()["data"]["recovery_codes"]
        invite = (await admin.post("/auth/invites", json={})).json()["data"]["url"].partition("token=")[2]
        made = (await admin.post("/api/v1/api_tokens", json={"name": "x"})).json()["data"]["token"]
        cookie = session.cookies["gridbear_session_token"]
        secrets = [PASSWORD, begun["secret"], codes[0], codes[0].replace("-", ""), invite, made, cookie]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files and not [
        (path, secret) for path in files for secret in secrets if secret.encode() in path.read_bytes()
    ]


async def test_s11_no_hash_comes_out_and_rights_are_of_the_person(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await bear.signed_in("max")
    for model in ("users", "sessions", "api_tokens", "account_links", "second_factors", "oauth_tokens"):
        for address in (f"/api/v1/{model}", f"/api/v1/{model}/export", f"/api/v1/{model}?fields=id"):
            text = (await admin.get(address)).text
            assert "argon2" not in text and "_hash" not in text and '"password"' not in text, address
    await member.post("/api/v1/notes", json={"title": "mine"})
    assert (await other.get("/api/v1/notes")).json()["count"] == 0


async def test_s12_without_its_key_the_server_stops_and_makes_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_bear(folder) as bear:
        admin = await bear.person("ada", "admin")
        await admin.post("/api/v1/secrets", json={"name": "weather", "value": "sun"})
    ring = folder / "secrets" / "key-ring"
    ring.rename(tmp_path / "away")
    with pytest.raises(StartupError, match="recover"):
        async with running_bear(folder):
            pass
    assert not ring.exists()


async def test_s13_nothing_is_done_by_get_from_another_site_or_with_a_code_of_before(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("ada")
    assert (await session.get("/auth/logout")).status_code == 405
    foreign = {"origin": "https://evil.example"}
    for address in ("/auth/logout", "/api/v1/notes", "/auth/sessions/revoke", "/mcp"):
        assert (await session.post(address, json={}, headers=foreign)).json()["code"] == "cross_site"
    assert (await session.get("/auth/me")).status_code == 200
    begun = (await session.post("/auth/second-factor", json={"password": PASSWORD})).json()["data"]
    otp = pyotp.TOTP(begun["secret"]).now()
    assert (await session.post("/auth/second-factor/confirm", json={"otp": otp})).status_code == 200
    again = await (await bear.client()).post("/auth/login", data={"username": "ada", "password": PASSWORD, "otp": otp})
    assert again.status_code == 401 and again.json()["code"] == "wrong_otp"


def test_s14_no_link_opens_records_without_a_sign_in() -> None:
    """There are no shared links: what is open to everybody is pages, documents and the ways to sign in."""
    open_doors = {door.split(" ", 1)[1] for door, who in POLICY.items() if who in (ALL, HERE)}
    assert not [address for address in open_doors if address.startswith(("/api/v1", "/mcp", "/api/internal"))]
    assert {door for door, who in POLICY.items() if who == NOBODY} == {"POST /api/webhook-inbox/"}


async def test_s15_only_an_admin_says_which_program_runs(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    server = {"name": "mine", "transport": "stdio", "command": "/bin/sh", "args": ["-c", "true"], "enabled": False}
    await admin.post("/api/v1/groups", json={"name": "friends"})
    await admin.post("/api/v1/group_members", json={"group_id": 1, "user_id": bear.ids["max"]})
    rules = ({"role": "member", "extent": "all"}, {"group_id": 1, "extent": "all"})
    for rule in rules:
        await admin.post("/api/v1/access_rules", json={"model": "mcp_servers", "verb": "any", **rule})
    made = (await admin.post("/api/v1/mcp_servers", json=server)).json()["data"]["id"]
    for client in (member, guest_role):
        assert (await client.post("/api/v1/mcp_servers", json={**server, "name": "yours"})).status_code == 403
        assert (await client.patch(f"/api/v1/mcp_servers/{made}", json={"command": "/bin/rm"})).status_code == 403


async def test_s16_a_person_without_a_password_is_refused_like_any_other(
    bear: Bear, admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    assert (await admin.post("/api/v1/users", json={"username": "new"})).status_code == 201
    for name in ("new", "nobody"):
        for password in ("", "None", "null", PASSWORD):
            form = {"username": name, "password": password}
            answer = await nobody.post("/auth/login", data=form, headers={"accept": "application/json"})
            assert answer.status_code == 401 and answer.json()["code"] == "wrong_credentials"
