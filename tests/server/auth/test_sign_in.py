"""Signing in and out, set-up, tickets, and when a session ends."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2
import pytest

from server.errors import Unauthorized
from tests.conftest import CONTROL_TOKEN, PASSWORD, Bear, running_bear

pytestmark = pytest.mark.anyio


async def test_signing_in_gives_a_cookie_that_scripts_and_pages_can_use(bear: Bear, admin: httpx2.AsyncClient) -> None:
    client = await bear.client()
    form = {"username": "ada", "password": PASSWORD}
    page = await client.post("/auth/login", data=form)
    assert page.status_code == 303 and page.headers["location"] == "/"
    answer = await client.post("/auth/login", data=form, headers={"accept": "application/json"})
    assert answer.status_code == 200 and answer.json()["data"]["username"] == "ada"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie and "max-age=2592000" in cookie
    assert "secure" not in cookie
    assert (await client.get("/auth/me")).json()["data"]["username"] == "ada"
    assert (await client.post("/auth/logout")).status_code == 200
    assert (await client.get("/auth/me")).status_code == 401


async def test_an_unknown_person_and_a_wrong_password_get_the_same_answer(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    client = await bear.client(accept="application/json")
    answers = [
        await client.post("/auth/login", data={"username": name, "password": "wrong wrong wrong"})
        for name in ("ada", "nobody")
    ]
    bodies = [{key: value for key, value in answer.json().items() if key != "request_id"} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401] and bodies[0] == bodies[1]


async def test_too_many_guesses_are_stopped_and_told_when_to_come_back(bear: Bear, admin: httpx2.AsyncClient) -> None:
    client = await bear.client(accept="application/json", address="10.1.1.1")
    form = {"username": "ada", "password": "wrong wrong wrong"}
    codes = [(await client.post("/auth/login", data=form)).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]
    last = await client.post("/auth/login", data={"username": "ada", "password": PASSWORD})
    assert last.status_code == 429 and int(last.headers["retry-after"]) >= 1
    elsewhere = await bear.client(accept="application/json")
    assert (await elsewhere.post("/auth/login", data={"username": "ada", "password": PASSWORD})).status_code == 200


async def test_a_password_change_wants_the_old_one_and_ends_the_other_sessions(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    here, there = await bear.signed_in("ada"), await bear.signed_in("ada")
    wrong = await here.post("/auth/password", json={"current_password": "nope", "new_password": PASSWORD})
    assert wrong.status_code == 422 and "current_password" in wrong.json()["fields"]
    short = await here.post("/auth/password", json={"current_password": PASSWORD, "new_password": "short"})
    assert short.status_code == 422 and "new_password" in short.json()["fields"]
    new = "another calm bear"
    assert (await here.post("/auth/password", json={"current_password": PASSWORD, "new_password": new})).is_success
    assert (await here.get("/auth/me")).status_code == 200
    assert (await there.get("/auth/me")).status_code == 401


async def test_a_session_in_use_ends_after_its_last_day(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await bear.signed_in("ada")
    authenticator = bear.app.authenticator
    began = time.time()
    hour, cookie = 3600.0, client.cookies["gridbear_session_token"]
    scope = {"type": "http", "headers": [(b"cookie", f"gridbear_session_token={cookie}".encode())]}
    for day in range(0, 30, 2):
        monkeypatch.setattr(authenticator, "_clock", lambda day=day: began + day * 24 * hour)
        assert authenticator.actor_for(scope).username == "ada", f"used every second day, still good on day {day}"
    monkeypatch.setattr(authenticator, "_clock", lambda: began + 30 * 24 * hour + 60)
    with pytest.raises(Unauthorized):
        authenticator.actor_for(scope)


async def test_an_idle_session_ends(bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await bear.signed_in("ada")
    authenticator = bear.app.authenticator
    began = time.time()
    monkeypatch.setattr(authenticator, "_clock", lambda: began + 72 * 3600 + 60)
    assert (await client.get("/auth/me")).status_code == 401


async def test_set_up_works_once_from_this_computer_with_its_link_only(bear: Bear) -> None:
    client = await bear.client(accept="application/json")
    for address in ("/api/v1/notes", "/api/v1/models", "/auth/me", "/nope", "/mcp"):
        answer = await client.get(address)
        assert answer.status_code == 401 and answer.json()["code"] == "setup_required", address
    link = await bear.app.setup_link()
    assert link is not None
    form = {
        "token": link.partition("token=")[2], "username": "ada", "password": PASSWORD, "password_confirm": PASSWORD,
    }  # fmt: skip
    assert (await client.post("/auth/setup", json={**form, "token": "wrong"})).status_code == 403
    assert (await client.post("/auth/setup", json={**form, "password_confirm": "different"})).status_code == 422
    assert (
        await client.post("/auth/setup", json={**form, "password": "a", "password_confirm": "a"})
    ).status_code == 422
    elsewhere = await bear.client(address="192.168.1.7", accept="application/json")
    assert (await elsewhere.post("/auth/setup", json=form)).json()["code"] == "loopback_only"
    made = await client.post("/auth/setup", json=form)
    assert made.status_code == 201 and made.json()["data"]["role"] == "admin"
    assert (await client.get("/auth/me")).status_code == 200
    again = await client.post("/auth/setup", json={**form, "username": "eve"})
    assert again.status_code == 409 and await bear.app.setup_link() is None


async def test_a_ticket_works_once_soon_and_from_this_computer(bear: Bear, admin: httpx2.AsyncClient) -> None:
    owner = await bear.client(authorization=f"Bearer {CONTROL_TOKEN}")
    path = (await owner.post("/_desktop/ticket")).json()["data"]["path"]
    far = await bear.client(address="192.168.1.7")
    assert (await far.get(path)).status_code == 403
    window = await bear.client()
    assert (await window.get(path)).status_code == 303
    assert (await window.get("/auth/me")).json()["data"]["username"] == "ada"
    assert (await (await bear.client()).get(path)).json()["code"] == "ticket_invalid"
    for address in ("/_desktop/ticket", "/_desktop/operations/setup-link"):
        assert (await admin.post(address)).status_code == 403
    stolen = await bear.client(address="192.168.1.7", authorization=f"Bearer {CONTROL_TOKEN}")
    assert (await stolen.post("/_desktop/ticket")).status_code == 401


async def test_the_internal_secret_opens_nothing_else(tmp_path: Path) -> None:
    async with running_bear(tmp_path, internal_api_secret="a secret of the tests") as bear:
        await bear.person("ada", "admin")
        client = await bear.client(authorization="Bearer a secret of the tests")
        assert (await client.get("/api/internal/health")).status_code == 200
        for address in ("/api/v1/notes", "/api/v1/models", "/api/v1/server", "/mcp"):
            assert (await client.get(address)).status_code == 403, address
