"""Ways round the waits and the ends of sessions that somebody with half of a credential would try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pyotp
import pytest

from server.access.actor import OWNER
from server.auth import passwords, people, sign_in
from server.auth.oauth.clients import Clients
from tests.conftest import PASSWORD, Bear
from tests.server.auth.oauth.tests_oauth_support import App

pytestmark = pytest.mark.anyio

WRONG, NEW = "wrong wrong wrong", "another good password"
LOGIN = "/auth/login"


async def attempt(client: httpx2.AsyncClient, name: str, password: str, **more: str) -> int:
    return (await client.post(LOGIN, data={"username": name, "password": password, **more})).status_code


async def with_factor(bear: Bear, name: str) -> pyotp.TOTP:
    client = await bear.signed_in(name)
    begun = (await client.post("/auth/second-factor", json={"password": PASSWORD})).json()["data"]
    app = pyotp.TOTP(begun["secret"])
    assert (await client.post("/auth/second-factor/confirm", json={"otp": app.now()})).status_code == 200
    return app


async def test_every_refused_sign_in_costs_one_look_at_a_password(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admin.post("/api/v1/users", json={"username": "empty"})
    await admin.patch(f"/api/v1/users/{bear.ids['max']}", json={"is_active": False})
    hasher = passwords._hasher()
    looked: list[str] = []

    class Counting:
        def verify(self, stored: str, given: str) -> bool:
            looked.append(stored.rpartition("$")[0].rpartition("$")[0])
            return hasher.verify(stored, given)

    passwords._nobodys_hash()
    monkeypatch.setattr(passwords, "_hasher", Counting)
    told = set()
    for name, password in (("ada", WRONG), ("nobody", WRONG), ("empty", WRONG), ("max", PASSWORD), ("ada", "")):
        client = await bear.client(accept="application/json")
        answer = await client.post(LOGIN, data={"username": name, "password": password})
        told.add((answer.status_code, answer.json()["error"], answer.json()["code"]))
    assert len(told) == 1 and len(looked) == 5 and len(set(looked)) == 1, "as dear for each of them"


@pytest.mark.parametrize("address", ["10.9.9.9", "127.0.0.1"])
async def test_leaving_the_code_out_now_and_then_buys_no_guesses_at_it(
    bear: Bear, member: httpx2.AsyncClient, address: str
) -> None:
    await with_factor(bear, "max")
    bear.app.people.sessions._clock = lambda: 0.0
    guesser = await bear.client(address, accept="application/json")
    seen = []
    for number in range(40):
        code = {} if number % 5 == 4 else {"otp": "abcdef"}
        seen.append(await attempt(guesser, "max", PASSWORD, **code))
    assert seen.count(429) >= 25, seen
    assert len([it for number, it in enumerate(seen) if it == 401 and number % 5 != 4]) <= 10


async def test_signing_in_oneself_buys_no_guesses_at_others(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    bear.app.people.sessions._clock = lambda: 0.0
    for address in ("10.9.9.9", "127.0.0.1"):
        # The person who is guessed at is signed in at the same address: their own account makes nobody wait there.
        assert await attempt(await bear.client(address, accept="application/json"), "ada", PASSWORD) == 200
        guesser = await bear.client(address, accept="application/json")
        seen = []
        for number in range(40):
            own = number % 5 == 4
            seen.append(await attempt(guesser, "max" if own else "ada", PASSWORD if own else WRONG))
        guesses = [it for number, it in enumerate(seen) if number % 5 != 4]
        assert guesses.count(401) <= 10 and guesses.count(429) >= 20, (address, seen)


async def test_an_admin_who_must_set_up_a_factor_takes_nobody_elses_away(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await with_factor(bear, "max")
    session = await bear.signed_in("ada")
    path = f"/auth/users/{bear.ids['max']}/second-factor/remove"
    setting = {"name": "second_factor_roles", "value": "admin"}
    assert (await admin.post("/api/v1/settings", json=setting)).status_code == 201
    assert (await session.post(path, json={"password": PASSWORD})).status_code == 403
    assert bear.app.people.factors.is_in_force(bear.ids["max"])


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize("path", [LOGIN, "/auth/link", "/auth/link/look"])
async def test_a_form_without_an_end_is_not_read_to_its_end(bear: Bear, kind: str, path: str) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        if kind.startswith("multipart"):
            yield b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n'
        for _ in range(200):
            given += 1
            yield b"a" * 16_384

    nobody = await bear.client()
    answer = await nobody.post(path, content=endless(), headers={"content-type": kind})
    assert answer.status_code == 413 and given <= 10, (answer.status_code, given)


async def test_a_form_in_every_shape_is_read(bear: Bear, admin: httpx2.AsyncClient) -> None:
    client = await bear.client(accept="application/json")
    form = {"username": "ada", "password": PASSWORD}
    assert (await client.post(LOGIN, json=form)).status_code == 200
    assert (await client.post(LOGIN, data=form)).status_code == 200
    parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                    for name, value in form.items())  # fmt: skip
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    assert (await client.post(LOGIN, content=f"{parts}--x--\r\n", headers=multipart)).status_code == 200
    file = '--x\r\nContent-Disposition: form-data; name="username"; filename="a"\r\n\r\nada\r\n--x--\r\n'
    for body, headers in ((file, multipart), ("not multipart", multipart), ("", multipart), ("[1]", {}), ("{", {}),
                          ("a=b", {"content-type": "text/plain"})):  # fmt: skip
        answer = await client.post(LOGIN, content=body, headers={"content-type": "application/json", **headers})
        assert answer.status_code in (400, 422), (body, answer.text)


async def test_a_sign_in_with_the_password_of_before_does_not_outlive_its_change(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = passwords.verify_password

    async def and_meanwhile(stored: str | None, given: str) -> bool:
        good = await verify(stored, given)
        await bear.app.people.set_password(OWNER, bear.ids["max"], NEW)
        return good

    monkeypatch.setattr(sign_in, "verify_password", and_meanwhile)
    client = await bear.client(accept="application/json")
    answer = await client.post(LOGIN, data={"username": "max", "password": PASSWORD})
    assert answer.status_code == 401 and answer.json()["code"] == "wrong_credentials"
    assert (await admin.get(f"/api/v1/sessions?owner_id={bear.ids['max']}")).json()["count"] == 0
    monkeypatch.undo()
    assert await attempt(await bear.client(accept="application/json"), "max", NEW) == 200


@pytest.mark.parametrize("step", ["verify_password", "hash_password"])
async def test_a_password_that_is_set_anew_while_its_holder_changes_it_is_the_one_that_stays(
    bear: Bear, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    session = await bear.signed_in("max")
    module = sign_in if step == "verify_password" else people
    real = getattr(passwords, step)

    async def and_meanwhile(*given: Any) -> Any:
        result = await real(*given)
        monkeypatch.undo()
        await bear.app.people.set_password(OWNER, bear.ids["max"], NEW)
        return result

    monkeypatch.setattr(module, step, and_meanwhile)
    form = {"current_password": PASSWORD, "new_password": "of whoever knew it too"}
    answer = await session.post("/auth/password", data=form)
    assert answer.status_code == 422 and "current_password" in answer.json()["fields"], answer.text
    assert await attempt(await bear.client(accept="application/json"), "max", NEW) == 200


async def test_an_app_is_not_let_in_by_a_session_that_ended_while_it_was_decided(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(await bear.client())
    await app.register()
    session = await bear.signed_in("max")
    confirm = Clients.confirm

    async def and_meanwhile(*given: Any) -> int:
        row = await confirm(*given)
        await bear.app.people.set_password(OWNER, bear.ids["max"], NEW)
        return row

    monkeypatch.setattr(Clients, "confirm", and_meanwhile)
    answer = await session.post("/oauth/consent/decide", data={**app.request(), "decision": "allow"})
    assert answer.status_code == 401, answer.text
    assert not bear.app.people.grants._codes


async def test_a_code_that_is_exchanged_while_the_password_changes_gives_nothing_that_lasts(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(await bear.client())
    await app.register()
    code = await app.allowed_by(await bear.signed_in("max"))
    create, storing, go_on = bear.app.records.create, asyncio.Event(), asyncio.Event()

    async def slow(actor: Any, model: str, values: Any) -> Any:
        if model == "oauth_tokens":
            storing.set()
            await go_on.wait()
        return await create(actor, model, values)

    end_of = bear.app.people.grants.end_of

    async def and_meanwhile(user_id: int) -> None:
        ending = asyncio.create_task(end_of(user_id))
        for _ in range(20):
            await asyncio.sleep(0)
        go_on.set()
        await ending

    monkeypatch.setattr(bear.app.records, "create", slow)
    monkeypatch.setattr(bear.app.people.grants, "end_of", and_meanwhile)
    exchanging = asyncio.create_task(app.exchange(code))
    await asyncio.wait_for(storing.wait(), 10)
    await asyncio.wait_for(bear.app.people.set_password(OWNER, bear.ids["max"], NEW), 10)
    answer = await asyncio.wait_for(exchanging, 10)
    assert (await admin.get("/api/v1/oauth_tokens")).json()["count"] == 0
    if answer.status_code == 200:
        assert (await app.tools(answer.json()["access_token"])).status_code == 401


async def test_another_site_signs_nobody_in(bear: Bear, admin: httpx2.AsyncClient) -> None:
    form = {"username": "ada", "password": PASSWORD}
    for foreign in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
                    {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:9999"}):  # fmt: skip
        client = await bear.client(**foreign)
        for path in (LOGIN, "/auth/setup", "/auth/link"):
            answer = await client.post(path, data=form)
            assert answer.status_code == 403 and answer.json()["code"] == "cross_site", (path, foreign)
            assert "set-cookie" not in answer.headers
    for own in ({"origin": "http://127.0.0.1:8088", "sec-fetch-site": "same-origin"}, {}):
        assert (await (await bear.client(**own)).post(LOGIN, data=form)).status_code == 303
