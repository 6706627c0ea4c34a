"""What is open when a credential ends: streams of events, streams, calls and sessions of the gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from server.access.actor import OWNER
from server.auth.endings import Endings
from server.records.times import to_text
from tests.conftest import PASSWORD, Bear
from tests.server.auth.oauth.tests_oauth_support import App
from tests.server.mcp_gateway.tests_shop_support import Shop, opened

pytestmark = pytest.mark.anyio

NEW = "another good password"
LEGACY = {"mcp-protocol-version": "2025-11-25"}
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}  # fmt: skip
CALL: dict[str, Any] = {"name": "shop__wait", "arguments": {}}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
WAIT = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": CALL}
WAIT_MODERN = {**WAIT, "params": {**CALL, "_meta": META}}
MODERN = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "shop__wait"}
HOUR = 3600.0

End = Callable[["Held"], Awaitable[Any]]


class Held:
    """Somebody whose requests stay open, and the admin who may end that."""

    def __init__(self, bear: Bear, admin: httpx2.AsyncClient, client: httpx2.AsyncClient, shop: Shop) -> None:
        self.bear, self.admin, self.client, self.shop = bear, admin, client, shop
        self.refresh_token = ""
        self.app: App | None = None

    def open(self, method: str, path: str, body: Any = None, **headers: str) -> Open:
        given = {name: value for name, value in self.client.headers.items() if name == "authorization"}
        cookie = self.client.cookies.get("gridbear_session_token")
        if cookie:
            given["cookie"] = f"gridbear_session_token={cookie}"
        accept = "text/event-stream" if method == "GET" else "application/json, text/event-stream"
        return Open(self.bear, method, path, body, {**given, "accept": accept, **headers})


class Open:
    """One request that is open until the server ends it."""

    def __init__(self, bear: Bear, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
        self.messages: list[dict[str, Any]] = []
        self.started = asyncio.Event()
        text = b"" if body is None else json.dumps(body).encode()
        sent = {"host": "127.0.0.1:8088", "content-type": "application/json", "content-length": str(len(text))}
        scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in {**sent, **headers}.items()],
            "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 8088),
        }  # fmt: skip
        given = [{"type": "http.request", "body": text, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if given:
                return given.pop()
            await asyncio.Event().wait()
            raise AssertionError("never")

        async def send(message: Any) -> None:
            self.messages.append(message)
            self.started.set()

        self._task = asyncio.create_task(bear.app(scope, receive, send))

    async def begun(self) -> Open:
        await asyncio.wait_for(self.started.wait(), 10)
        assert self.messages[0]["status"] == 200, self.messages
        return self

    async def ended(self) -> list[dict[str, Any]]:
        """What it was told, once the server has ended it properly."""
        await asyncio.wait_for(self._task, 10)
        assert not self.messages[-1].get("more_body", False), "the end is told"
        return self.messages


async def of_token(bear: Bear, admin: httpx2.AsyncClient) -> Held:
    await bear.person("max")
    return Held(bear, admin, await bear.person("max", scopes=["api", "mcp"]), opened(bear))


async def of_session(bear: Bear, admin: httpx2.AsyncClient) -> Held:
    await bear.person("max")
    return Held(bear, admin, await bear.signed_in("max"), opened(bear))


async def of_app(bear: Bear, admin: httpx2.AsyncClient) -> Held:
    await bear.person("max")
    app = App(await bear.client())
    await app.register()
    tokens = await app.tokens(await bear.signed_in("max"), scope="mcp api:read")
    client = await bear.client(authorization=f"Bearer {tokens['access_token']}")
    held = Held(bear, admin, client, opened(bear))
    held.app, held.refresh_token = app, tokens["refresh_token"]
    return held


async def disabled(held: Held) -> Any:
    return await held.admin.patch(f"/api/v1/users/{held.bear.ids['max']}", json={"is_active": False})


async def demoted(held: Held) -> Any:
    return await held.admin.patch(f"/api/v1/users/{held.bear.ids['max']}", json={"role": "guest"})


async def token_deleted(held: Held) -> Any:
    rows = (await held.client.get("/api/v1/api_tokens?sort=-id")).json()["data"]
    return await held.client.delete(f"/api/v1/api_tokens/{rows[0]['id']}")


async def signed_out(held: Held) -> Any:
    return await held.client.post("/auth/logout")


async def signed_out_elsewhere(held: Held) -> Any:
    return await (await held.bear.signed_in("max")).post("/auth/sessions/revoke", json={"which": "others"})


async def new_password(held: Held) -> Any:
    body = {"current_password": PASSWORD, "new_password": NEW}
    return await (await held.bear.signed_in("max")).post("/auth/password", json=body)


async def reset_by_owner(held: Held) -> Any:
    return await held.bear.app.people.set_password(OWNER, held.bear.ids["max"], NEW)


async def session_deleted(held: Held) -> Any:
    session = (await held.client.get("/auth/me")).json()["data"]["session_id"]
    return await (await held.bear.signed_in("max")).delete(f"/api/v1/sessions/{session}")


async def app_revoked(held: Held) -> Any:
    assert held.app is not None
    form = {"token": held.refresh_token, "client_id": held.app.client_id}
    return await held.app.http.post("/oauth/revoke", data=form)


async def permission_deleted(held: Held) -> Any:
    max_ = await held.bear.signed_in("max")
    rows = (await max_.get("/api/v1/oauth_tokens")).json()["data"]
    return await max_.delete(f"/api/v1/oauth_tokens/{rows[0]['id']}")


async def app_deleted(held: Held) -> Any:
    rows = (await held.admin.get("/api/v1/oauth_clients")).json()["data"]
    return await held.admin.delete(f"/api/v1/oauth_clients/{rows[0]['id']}")


async def refresh_token_stolen(held: Held) -> Any:
    assert held.app is not None
    assert (await held.app.refresh(held.refresh_token)).status_code == 200
    return await held.app.refresh(held.refresh_token)


WAYS: list[tuple[Any, End]] = [
    (of_token, token_deleted), (of_token, disabled), (of_token, demoted),
    (of_session, signed_out), (of_session, signed_out_elsewhere), (of_session, session_deleted),
    (of_session, new_password), (of_session, reset_by_owner), (of_session, disabled), (of_session, demoted),
    (of_app, app_revoked), (of_app, permission_deleted), (of_app, app_deleted), (of_app, refresh_token_stolen),
    (of_app, new_password), (of_app, disabled), (of_app, demoted),
]  # fmt: skip


@pytest.mark.parametrize(("begin", "end"), WAYS, ids=[f"{begin.__name__}, {end.__name__}" for begin, end in WAYS])
async def test_everything_that_is_open_ends_with_its_credential(
    bear: Bear, admin: httpx2.AsyncClient, begin: Any, end: End
) -> None:
    held: Held = await begin(bear, admin)
    events = await held.open("GET", "/api/v1/events").begun()
    hello = await held.open("POST", "/mcp", HELLO).begun()
    session = dict(hello.messages[0]["headers"])[b"mcp-session-id"].decode()
    in_session = {**LEGACY, "mcp-session-id": session}
    await held.open("POST", "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, **in_session).ended()
    stream = await held.open("GET", "/mcp", **in_session).begun()
    calls = []
    for more in (in_session, MODERN):
        held.shop.waiting.clear()
        body = WAIT if more is in_session else WAIT_MODERN
        calls.append(held.open("POST", "/mcp", body, **more))
        await asyncio.wait_for(held.shop.waiting.wait(), 10)

    answer = await end(held)
    assert not isinstance(answer, httpx2.Response) or answer.status_code in (200, 400), answer.text

    assert (await events.ended())[0]["status"] == (await stream.ended())[0]["status"] == 200
    for call in calls:
        told = b"".join(it.get("body", b"") for it in await call.ended())
        assert b'"result"' not in told, told
    assert not held.shop.go_on.is_set()
    assert session not in bear.app.gateway.endpoint._endpoints[None]._manager._server_instances
    after = held.open("POST", "/mcp", WAIT, **in_session)
    assert (await after.ended())[0]["status"] in (401, 404)


async def test_what_goes_on_is_left_alone(bear: Bear, admin: httpx2.AsyncClient) -> None:
    held = await of_app(bear, admin)
    other = Held(bear, admin, await bear.person("olga"), held.shop)
    streams = [await it.open("GET", "/api/v1/events").begun() for it in (held, other)]
    held.shop.waiting.clear()
    call = held.open("POST", "/mcp", WAIT_MODERN, **MODERN)
    await asyncio.wait_for(held.shop.waiting.wait(), 10)
    assert held.app is not None
    assert (await held.app.refresh(held.refresh_token)).status_code == 200, "the app is as welcome as before"
    path = f"/api/v1/users/{bear.ids['max']}"
    assert (await admin.patch(path, json={"display_name": "Max the First"})).status_code == 200
    token = (await other.client.post("/api/v1/api_tokens", json={"name": "x"})).json()["data"]["id"]
    assert (await other.client.delete(f"/api/v1/api_tokens/{token}")).status_code == 200
    held.shop.go_on.set()
    told = b"".join(it.get("body", b"") for it in await call.ended())
    assert b'"result"' in told
    bear.app.stop_streams()
    heard = [b"".join(it.get("body", b"") for it in await stream.ended()) for stream in streams]
    assert b'"api_tokens","verb":"delete"' in heard[1], "it was open to the end"
    assert b'"oauth_tokens","verb":"update"' in heard[0] and b"api_tokens" not in heard[0]


@pytest.mark.parametrize(("begin", "near", "beyond"), [
    (of_token, 11 * HOUR, 12 * HOUR), (of_session, 71 * HOUR, 72 * HOUR + 60),
])  # fmt: skip
async def test_what_is_open_ends_when_the_time_of_its_credential_is_up(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, begin: Any, near: float, beyond: float
) -> None:
    held: Held = await begin(bear, admin)
    authenticator = bear.app.authenticator
    began = authenticator._clock()
    if begin is of_token:
        expires = to_text(datetime.fromtimestamp(began + 12 * HOUR, UTC))
        made = await bear.app.people.create_token("max", expires_at=expires)
        held.client = await bear.client(authorization=f"Bearer {made['token']}")
    endings = Endings(authenticator, bear.app.settings, bear.app._bus, look_seconds=0.01)
    monkeypatch.setattr(bear.app.gateway.endpoint, "_endings", endings)
    stream = held.open("POST", "/mcp", WAIT_MODERN, **MODERN)
    await asyncio.wait_for(held.shop.waiting.wait(), 10)
    monkeypatch.setattr(authenticator, "_clock", lambda: began + near)
    endings.look()
    assert not stream.started.is_set(), "there is time left"
    monkeypatch.setattr(authenticator, "_clock", lambda: began + beyond)
    assert (await stream.ended())[0]["status"] == 401
    endings.stop()


async def test_a_role_that_must_have_a_second_factor_from_now_on_ends_what_its_people_have_open(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    held = await of_session(bear, admin)
    call = held.open("POST", "/mcp", WAIT_MODERN, **MODERN)
    await asyncio.wait_for(held.shop.waiting.wait(), 10)
    setting = {"name": "second_factor_roles", "value": "member"}
    assert (await admin.post("/api/v1/settings", json=setting)).status_code == 201
    assert (await call.ended())[0]["status"] == 401
