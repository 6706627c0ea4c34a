"""What ends sessions, and who has to wait after wrong passwords."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from server.auth import behaviours
from tests.conftest import PASSWORD, Bear

pytestmark = pytest.mark.anyio


async def attempt(client: httpx2.AsyncClient, password: str, name: str = "max") -> httpx2.Response:
    return await client.post("/auth/login", data={"username": name, "password": password})


async def test_one_signs_out_elsewhere_or_everywhere(bear: Bear, member: httpx2.AsyncClient) -> None:
    here, there, olga = await bear.signed_in("max"), await bear.signed_in("max"), None
    await bear.person("olga")
    olga = await bear.signed_in("olga")
    assert (await here.post("/auth/sessions/revoke", json={"which": "nobody"})).status_code == 422
    assert (await member.post("/auth/sessions/revoke", json={"which": "all"})).status_code == 403
    answer = await here.post("/auth/sessions/revoke", json={"which": "others"})
    assert answer.json()["data"] == {"ended": 1}
    assert [(await client.get("/auth/me")).status_code for client in (here, there, olga)] == [200, 401, 200]
    assert (await here.post("/auth/sessions/revoke", json={"which": "all"})).json()["data"] == {"ended": 1}
    assert [(await client.get("/auth/me")).status_code for client in (here, olga)] == [401, 200]


@pytest.mark.parametrize("change", [{"role": "guest"}, {"is_active": False}])
async def test_another_role_or_none_ends_every_session_for_good(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, change: dict[str, object]
) -> None:
    client = await bear.signed_in("max")
    address = f"/api/v1/users/{bear.ids['max']}"
    assert (await admin.patch(address, json={"display_name": "Max"})).status_code == 200
    assert (await client.get("/auth/me")).status_code == 200
    assert (await admin.patch(address, json=change)).status_code == 200
    assert (await client.get("/auth/me")).status_code == 401
    assert (await admin.patch(address, json={"role": "member", "is_active": True})).status_code == 200
    assert (await client.get("/auth/me")).status_code == 401


async def test_the_wait_of_an_address_grows_and_is_counted_before_the_password_is_looked_at(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    now = [0.0]
    bear.app.people.sessions._clock = lambda: now[0]
    client = await bear.client("10.0.0.9", accept="application/json")
    assert [(await attempt(client, "wrong wrong wrong")).status_code for _ in range(10)] == [401] * 10
    waits = []
    for _ in range(4):
        refused = await attempt(client, PASSWORD)
        assert refused.status_code == 429 and refused.json()["code"] == "too_many_attempts"
        waits.append(int(refused.headers["retry-after"]))
        now[0] += waits[-1]
        assert (await attempt(client, "wrong wrong wrong")).status_code == 401
    assert waits == [1, 2, 4, 8]
    now[0] += 20
    assert (await attempt(client, PASSWORD)).status_code == 200
    assert (await attempt(client, "wrong wrong wrong")).status_code == 401


async def test_a_guesser_with_many_addresses_waits_and_the_person_does_not(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    known = await bear.client("10.0.0.5", accept="application/json")
    assert (await attempt(known, PASSWORD)).status_code == 200
    for number in range(12):
        guesser = await bear.client(f"10.1.0.{number}", accept="application/json")
        last = await attempt(guesser, "wrong wrong wrong")
    assert last.status_code == 429 and int(last.headers["retry-after"]) <= 30
    fresh = await bear.client("10.2.0.1", accept="application/json")
    assert (await attempt(fresh, PASSWORD)).status_code == 429
    assert (await attempt(known, PASSWORD)).status_code == 200, "signed in from there before"
    local = await bear.client(accept="application/json")
    assert (await attempt(local, PASSWORD)).status_code == 200, "on this computer one's own count"


async def test_a_name_that_nobody_has_waits_like_one_that_somebody_has(bear: Bear, admin: httpx2.AsyncClient) -> None:
    answers = list[list[Any]]()
    for name in ("ada", "nobody"):
        seen = []
        for number in range(12):
            client = await bear.client(f"10.3.{len(answers)}.{number}", accept="application/json")
            answer = await attempt(client, "wrong wrong wrong", name)
            seen.append((answer.status_code, answer.json()["error"], answer.headers.get("retry-after")))
        answers.append(seen)
    assert answers[0] == answers[1]


async def test_who_signs_in_very_often_ends_sessions_of_their_own_and_no_others(
    bear: Bear, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bear.person("olga")
    olga, first = await bear.signed_in("olga"), await bear.signed_in("max")
    monkeypatch.setattr(behaviours, "MOST_SESSIONS", 3)
    for _ in range(3):
        latest = await bear.signed_in("max")
    assert (await member.get("/api/v1/sessions")).json()["count"] == 3
    await bear.app.authenticator.flush_last_use()
    assert [(await it.get("/auth/me")).status_code for it in (first, latest, olga)] == [401, 200, 200]
