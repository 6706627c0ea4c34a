"""Bodies that are long in coming: who has lost the right to enter meanwhile does nothing with them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from tests.conftest import PASSWORD, Bear

pytestmark = pytest.mark.anyio

Meanwhile = Callable[[], Awaitable[httpx2.Response]]
NEW_ADMIN = {"verb": "create", "model": "users", "values": {"username": "eve", "password": PASSWORD, "role": "admin"}}


async def coming(body: bytes, meanwhile: Meanwhile) -> AsyncIterator[bytes]:
    """`body` in two pieces, with a deed between them."""
    yield body[:5]
    answer = await meanwhile()
    assert answer.status_code == 200, answer.text
    yield body[5:]


@pytest.mark.parametrize(
    "address", ["/api/v1/notes", "/api/v1/batch", "/auth/invites", "/api/v1/models", "/api/v1/backups/upload"]
)
@pytest.mark.parametrize("how", ["disabled", "signed out", "token deleted"])
async def test_who_is_out_when_the_body_is_there_does_nothing(
    bear: Bear, admin: httpx2.AsyncClient, address: str, how: str
) -> None:
    await bear.person("olga", "admin")
    olga = await bear.signed_in("olga") if how == "signed out" else await bear.person("olga")
    [token] = [row["id"] for row in (await admin.get("/api/v1/api_tokens?sort=-id&limit=1")).json()["data"]]

    async def meanwhile() -> httpx2.Response:
        if how == "disabled":
            return await admin.patch(f"/api/v1/users/{bear.ids['olga']}", json={"is_active": False})
        if how == "signed out":
            return await olga.post("/auth/logout")
        return await admin.delete(f"/api/v1/api_tokens/{token}")

    body = {
        "/api/v1/notes": {"title": "late"},
        "/api/v1/batch": {"operations": [NEW_ADMIN]},
        "/auth/invites": {"role": "admin"},
        "/api/v1/backups/upload": {},
        "/api/v1/models": {"name": "late", "label": "Late", "fields": [{"name": "a", "type": "text"}]},
    }[address]
    answer = await olga.post(
        address, content=coming(json.dumps(body).encode(), meanwhile), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), answer.text
    for model in ("notes", "account_links"):
        assert (await admin.get(f"/api/v1/{model}")).json()["count"] == 0
    assert (await admin.get("/api/v1/users?username=eve")).json()["count"] == 0
    assert (await admin.get("/api/v1/models/late")).status_code == 404


async def test_who_is_an_admin_no_more_when_the_body_is_there_makes_no_other(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    olga = await bear.person("olga", "admin")

    async def demoted() -> httpx2.Response:
        return await admin.patch(f"/api/v1/users/{bear.ids['olga']}", json={"role": "member"})

    body = coming(json.dumps({"operations": [NEW_ADMIN]}).encode(), demoted)
    answer = await olga.post("/api/v1/batch", content=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "rights_changed"), answer.text
    assert (await admin.get("/api/v1/users?username=eve")).json()["count"] == 0


async def test_a_change_of_the_person_that_changes_no_right_stops_nothing(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    async def renamed() -> httpx2.Response:
        return await admin.patch(f"/api/v1/users/{bear.ids['max']}", json={"display_name": "Max"})

    answer = await member.post("/api/v1/notes", content=coming(b'{"title": "slow"}', renamed))
    assert answer.status_code == 201, answer.text
