"""Second factors: setting up, signing in with codes, losing the app, roles that need one."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import httpx2
import pyotp
import pytest

from server.access.actor import SYSTEM
from server.auth.second_factors import STEP_SECONDS
from server.db.connection import connect
from server.secrets.key_ring import Place
from tests.conftest import PASSWORD, Bear

pytestmark = pytest.mark.anyio

FACTOR = "/auth/second-factor"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def step(self, steps: int = 1) -> None:
        self.now += steps * STEP_SECONDS


@pytest.fixture
def clock(bear: Bear) -> Clock:
    clock = Clock()
    bear.app.people.factors._clock = clock
    return clock


async def enrolled(client: httpx2.AsyncClient, clock: Clock) -> tuple[pyotp.TOTP, list[str]]:
    begun = (await client.post(FACTOR, json={"password": PASSWORD})).json()["data"]
    app = pyotp.TOTP(begun["secret"])
    confirmed = await client.post(f"{FACTOR}/confirm", json={"otp": app.at(int(clock.now))})
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["data"]["recovery_codes"]


async def sign_in(bear: Bear, otp: str | None = None, password: str = PASSWORD) -> httpx2.Response:
    client = await bear.client(accept="application/json")
    form = {"username": "max", "password": password, **({"otp": otp} if otp is not None else {})}
    return await client.post("/auth/login", data=form)


async def test_setting_one_up_gives_a_qr_code_and_recovery_codes_once(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    client = await bear.signed_in("max")
    assert (await client.post(FACTOR, json={"password": "wrong wrong wrong"})).status_code == 422
    begun = (await client.post(FACTOR, json={"password": PASSWORD})).json()["data"]
    assert begun["uri"].startswith("otpauth://totp/GridBear:max?secret=")
    assert len(begun["qr"]) == len(begun["qr"][0]) and set("".join(begun["qr"])) == {"0", "1"}
    # Begun is not in force: nobody is locked out by closing the page.
    assert (await sign_in(bear)).status_code == 200
    wrong = await client.post(f"{FACTOR}/confirm", json={"otp": "000000"})
    assert wrong.status_code == 422 and "otp" in wrong.json()["fields"]
    _, codes = await enrolled(client, clock)
    assert len(set(codes)) == 10
    assert (await client.get(FACTOR)).json()["data"] == {"in_force": True, "recovery_codes": 10}
    assert (await client.get("/auth/me")).json()["data"]["second_factor"] is True
    assert (await client.post(FACTOR, json={"password": PASSWORD})).status_code == 409


async def test_signing_in_needs_the_code_and_each_code_works_once(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    app, _ = await enrolled(await bear.signed_in("max"), clock)
    assert (await sign_in(bear)).json()["code"] == "otp_required"
    used = app.at(int(clock.now))
    assert (await sign_in(bear, used)).json()["code"] == "wrong_otp"
    clock.step()
    fresh = app.at(int(clock.now))
    assert (await sign_in(bear, fresh, "wrong wrong wrong")).json()["code"] == "wrong_credentials"
    assert (await sign_in(bear, fresh)).status_code == 200
    assert (await sign_in(bear, fresh)).json()["code"] == "wrong_otp"
    # The one before is as right by the clock, and older than one that was used.
    assert (await sign_in(bear, app.at(int(clock.now) - STEP_SECONDS))).json()["code"] == "wrong_otp"


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_clock_may_be_half_a_minute_wrong(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock, steps: int, right: bool
) -> None:
    app, _ = await enrolled(await bear.signed_in("max"), clock)
    clock.step(10)
    answer = await sign_in(bear, app.at(int(clock.now) + steps * STEP_SECONDS))
    assert (answer.status_code == 200) is right


@pytest.mark.parametrize("nonsense", ["", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "-12345", "\x00" * 6])
async def test_nonsense_is_no_code(bear: Bear, member: httpx2.AsyncClient, clock: Clock, nonsense: str) -> None:
    await enrolled(await bear.signed_in("max"), clock)
    assert (await sign_in(bear, nonsense)).status_code == 401


async def test_a_recovery_code_works_once_and_new_ones_end_the_old(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    client = await bear.signed_in("max")
    _, codes = await enrolled(client, clock)
    assert (await sign_in(bear, codes[0].upper().replace("-", " "))).status_code == 200
    assert (await sign_in(bear, codes[0])).status_code == 401
    fresh = (await client.post(f"{FACTOR}/recovery-codes", json={"password": PASSWORD})).json()["data"]
    assert (await sign_in(bear, codes[1])).status_code == 401
    assert (await sign_in(bear, fresh["recovery_codes"][0])).status_code == 200


async def test_a_recovery_code_of_somebody_else_is_worth_nothing(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, clock: Clock
) -> None:
    await enrolled(await bear.signed_in("max"), clock)
    _, codes = await enrolled(await bear.signed_in("olga"), clock)
    assert (await sign_in(bear, codes[0])).status_code == 401
    olga = await bear.client(accept="application/json")
    form = {"username": "olga", "password": PASSWORD, "otp": codes[0]}
    assert (await olga.post("/auth/login", data=form)).status_code == 200


async def test_removing_it_asks_for_the_password_and_a_token_is_not_enough(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    client = await bear.signed_in("max")
    await enrolled(client, clock)
    assert (await member.post(f"{FACTOR}/remove", json={"password": PASSWORD})).status_code == 403
    assert (await client.post(f"{FACTOR}/remove", json={"password": "wrong wrong wrong"})).status_code == 422
    assert (await client.post(f"{FACTOR}/remove", json={"password": PASSWORD})).status_code == 200
    assert (await sign_in(bear)).status_code == 200


async def test_an_admin_removes_it_for_somebody_who_lost_the_app_and_nobody_else_does(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, clock: Clock
) -> None:
    client = await bear.signed_in("max")
    await enrolled(client, clock)
    address = f"/auth/users/{bear.ids['max']}/second-factor/remove"
    olga, ada = await bear.signed_in("olga"), await bear.signed_in("ada")
    assert (await olga.post(address, json={"password": PASSWORD})).status_code == 403
    assert (await ada.post(address, json={"password": "wrong wrong wrong"})).status_code == 422
    assert (await ada.post(address, json={"password": PASSWORD})).status_code == 200
    assert (await client.get("/auth/me")).status_code == 401
    assert (await sign_in(bear)).status_code == 200


async def test_a_role_that_needs_one_can_do_nothing_but_set_it_up(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, clock: Clock
) -> None:
    client = await bear.signed_in("max")
    assert (await client.get("/api/v1/notes")).status_code == 200
    values = {"name": "second_factor_roles", "value": "member"}
    assert (await admin.post("/api/v1/settings", json=values)).status_code == 201
    refused = await client.get("/api/v1/notes")
    assert refused.status_code == 403 and refused.json()["code"] == "second_factor_required"
    assert (await client.get("/api/webhook-inbox/secret")).status_code in (403, 404, 405)
    assert (await client.get("/mcp")).status_code in (401, 403)
    assert (await client.get("/auth/me")).json()["data"]["scopes"] == ["enrol"]
    await enrolled(client, clock)
    assert (await client.get("/api/v1/notes")).status_code == 200
    assert (await (await bear.signed_in("ada")).get("/api/v1/notes")).status_code == 200


async def test_a_group_that_needs_one_can_do_nothing_but_set_it_up(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient, clock: Clock
) -> None:
    max_, olga = await bear.signed_in("max"), await bear.signed_in("olga")
    url = "/api/v1/settings"
    for wrong in ("group:keepers", "members", "admin,owner", "group:"):
        answer = await admin.post(url, json={"name": "second_factor_roles", "value": wrong})
        assert answer.status_code == 422 and "value" in answer.json()["fields"], answer.text
    group = (await admin.post("/api/v1/groups", json={"name": "keepers"})).json()["data"]["id"]
    value = {"name": "second_factor_roles", "value": "group:keepers"}
    assert (await admin.post(url, json=value)).status_code == 201
    assert [(await it.get("/api/v1/notes")).status_code for it in (max_, olga)] == [200, 200]
    joined = await admin.post("/api/v1/group_members", json={"group_id": group, "user_id": bear.ids["max"]})
    assert [(await it.get("/api/v1/notes")).status_code for it in (max_, olga)] == [403, 200]
    for refused in (
        await admin.patch(f"/api/v1/groups/{group}", json={"name": "others"}),
        await admin.delete(f"/api/v1/groups/{group}"),
    ):
        assert refused.status_code == 409 and refused.json()["code"] == "group_in_use", refused.text
    assert (await admin.patch(f"/api/v1/groups/{group}", json={"description": "They keep."})).status_code == 200
    await enrolled(max_, clock)
    assert (await max_.get("/api/v1/notes")).status_code == 200
    await admin.delete(f"/api/v1/group_members/{joined.json()['data']['id']}")
    setting = (await admin.get(f"{url}?name=second_factor_roles")).json()["data"][0]["id"]
    assert (await admin.delete(f"{url}/{setting}")).status_code == 200
    assert (await admin.delete(f"/api/v1/groups/{group}")).status_code == 200


async def test_secrets_and_codes_are_nowhere_to_be_read(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient, clock: Clock
) -> None:
    app, codes = await enrolled(await bear.signed_in("max"), clock)
    texts = []
    for client in (admin, member):
        for address in ("/api/v1/second_factors", "/api/v1/recovery_codes", "/api/v1/second_factors/1/history"):
            texts += [(await client.get(address)).text]
    assert (await other.get("/api/v1/second_factors")).json()["data"] == []
    assert not [text for text in texts for secret in (app.secret, *codes) if secret in text]
    [row] = await bear.app.records.find(SYSTEM, "second_factors")
    stored: Any = bear.app._store.read_now("SELECT secret FROM second_factors", {})
    assert row["confirmed_at"] and app.secret not in str(stored)


async def test_a_factor_whose_secret_was_emptied_opens_with_recovery_codes_alone(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    """After `gridbear secrets forget` or a restore without secrets."""
    _, codes = await enrolled(await bear.signed_in("max"), clock)
    records = bear.app.records
    [row] = records.all_now(SYSTEM, "second_factors")
    emptied = records.shelf.vault.seal("", Place("second_factors", "secret", row["id"]))
    with closing(connect(records.shelf.store.path)) as connection:
        connection.execute("UPDATE second_factors SET secret = ?", (emptied,))
    clock.step()
    assert (await sign_in(bear, "123456")).json()["code"] == "wrong_otp"
    assert (await sign_in(bear, codes[0])).status_code == 200
