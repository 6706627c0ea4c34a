"""Invitations and password resets by one-time links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pyotp
import pytest

from server.qr_code import qr_rows
from tests.conftest import PASSWORD, Bear

pytestmark = pytest.mark.anyio

NEW = "another calm bear"


async def made(client: httpx2.AsyncClient, address: str, **form: object) -> tuple[str, dict[str, object]]:
    answer = await client.post(address, json=form)
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    return str(data["url"]).partition("token=")[2], data


async def use(bear: Bear, token: str, **form: object) -> httpx2.Response:
    client = await bear.client(accept="application/json")
    sent = {"token": token, "password": NEW, "password_confirm": NEW, **form}
    return await client.post("/auth/link", json=sent)


async def test_an_invitation_makes_one_account_of_its_role_and_signs_it_in(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    token, data = await made(admin, "/auth/invites", role="guest")
    assert str(data["url"]).startswith("http://127.0.0.1:8088/auth/link?token=")
    assert data["qr"] == qr_rows(str(data["url"]))
    nobody = await bear.client()
    looked = await nobody.post("/auth/link/look", json={"token": token})
    assert looked.json()["data"]["role"] == "guest" and set(looked.json()["data"]) == {
        "purpose", "username", "role", "expires_at",
    }  # fmt: skip
    assert (await use(bear, token, password_confirm="different")).status_code == 422
    assert (await use(bear, token, username="no good name")).status_code == 422
    assert (await use(bear, token, username="ada")).status_code == 409
    answer = await use(bear, token, username="gwen", display_name="Gwen")
    assert answer.status_code == 201 and answer.json()["data"]["role"] == "guest"
    assert "gridbear_session_token=" in answer.headers["set-cookie"]
    assert (await use(bear, token, username="gwen2")).json()["code"] == "link_invalid"
    assert (await admin.get("/api/v1/account_links")).json()["count"] == 0


async def test_an_invitation_for_a_name_is_for_that_name(bear: Bear, admin: httpx2.AsyncClient) -> None:
    token, _ = await made(admin, "/auth/invites", role="member", username="gwen")
    answer = await use(bear, token, username="mallory", role="admin")
    assert answer.json()["data"]["username"] == "gwen" and answer.json()["data"]["role"] == "member"


async def test_an_invitation_puts_into_groups(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    for name in ("keepers", "bakers", "gone"):
        assert (await admin.post("/api/v1/groups", json={"name": name})).status_code == 201
    for wrong in (["nobody"], "keepers,nobody", [1], 7, {"a": 1}):
        refused = await admin.post("/auth/invites", json={"groups": wrong})
        assert refused.status_code == 422 and "groups" in refused.json()["fields"], wrong
    assert (await member.post("/auth/invites", json={"groups": ["keepers"]})).status_code == 403
    token, data = await made(admin, "/auth/invites", groups=["keepers", "gone", "keepers"])
    assert data["groups"] == ["keepers", "gone"]
    assert (await admin.delete("/api/v1/groups/3")).status_code == 200
    setting = {"name": "second_factor_roles", "value": "group:keepers"}
    assert (await admin.post("/api/v1/settings", json=setting)).status_code == 201
    joined = await use(bear, token, username="gwen", groups=["bakers"])
    assert joined.status_code == 201, joined.text
    rows = (await admin.get("/api/v1/group_members")).json()["data"]
    assert [(row["group_id"], row["user_id"]) for row in rows] == [(1, joined.json()["data"]["id"])]
    cookie = {"cookie": joined.headers["set-cookie"].partition(";")[0]}
    told = await (await bear.client()).get("/api/v1/notes", headers=cookie)
    assert told.json()["code"] == "second_factor_required", "what the group asks for is asked from the first moment"
    form = await admin.post("/auth/invites", data={"role": "guest", "groups": "keepers, bakers"})
    assert form.json()["data"]["groups"] == ["keepers", "bakers"]


async def test_a_reset_link_sets_the_password_and_ends_every_session(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("max")
    first, _ = await made(admin, "/auth/resets", user_id=bear.ids["max"])
    token, _ = await made(admin, "/auth/resets", user_id=bear.ids["max"])
    assert (await use(bear, first)).json()["code"] == "link_invalid", "a newer link ends the one before"
    assert (await use(bear, token, password="short", password_confirm="short")).status_code == 422
    assert (await use(bear, token)).status_code == 201
    assert (await session.get("/auth/me")).status_code == 401
    client = await bear.client(accept="application/json")
    old = await client.post("/auth/login", data={"username": "max", "password": PASSWORD})
    new = await client.post("/auth/login", data={"username": "max", "password": NEW})
    assert (old.status_code, new.status_code) == (401, 200)
    assert (await use(bear, token)).status_code == 403


async def test_links_expire_and_are_withdrawn(bear: Bear, admin: httpx2.AsyncClient) -> None:
    token, _ = await made(admin, "/auth/invites", hours=1)
    links = bear.app.people.links
    links._now = lambda: datetime.now(UTC) + timedelta(minutes=61)
    assert (await use(bear, token, username="gwen")).json()["code"] == "link_invalid"
    links._now = lambda: datetime.now(UTC)
    token, data = await made(admin, "/auth/invites")
    assert (await admin.delete(f"/api/v1/account_links/{data['id']}")).status_code == 200
    assert (await use(bear, token, username="gwen")).json()["code"] == "link_invalid"


async def test_an_invitation_that_is_withdrawn_while_it_is_used_leaves_no_account(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, data = await made(admin, "/auth/invites", role="admin")
    create = bear.app.people.create_user

    async def and_meanwhile(*given: Any, **more: Any) -> dict[str, Any]:
        user = await create(*given, **more)
        assert (await admin.delete(f"/api/v1/account_links/{data['id']}")).status_code == 200
        return user

    monkeypatch.setattr(bear.app.people, "create_user", and_meanwhile)
    assert (await use(bear, token, username="gwen")).json()["code"] == "link_invalid"
    assert [person["username"] for person in await bear.app.people.everybody()] == ["ada"]


async def test_only_admins_make_links_and_nobody_else_sees_them(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:  # fmt: skip
    token, _ = await made(admin, "/auth/invites", username="gwen")
    reader = await bear.person("ada", "admin", scopes=["api:read"])
    for client, status in ((member, 403), (guest_role, 403), (reader, 403), (nobody, 401)):
        assert (await client.post("/auth/invites", json={})).status_code == status
        assert (await client.post("/auth/resets", json={"user_id": bear.ids["ada"]})).status_code == status
    for client in (member, guest_role):
        assert (await client.get("/api/v1/account_links")).status_code == 403
    listed = (await admin.get("/api/v1/account_links")).text
    assert "gwen" in listed and token not in listed


@pytest.mark.parametrize(
    ("address", "form", "field"),
    [
        ("/auth/invites", {"role": "owner"}, "role"),
        ("/auth/invites", {"username": "no good name"}, "username"),
        ("/auth/invites", {"username": "x" * 65}, "username"),
        ("/auth/invites", {"hours": 0}, "hours"),
        ("/auth/invites", {"hours": "soon"}, "hours"),
        ("/auth/invites", {"hours": 1e9}, "hours"),
        ("/auth/resets", {"user_id": "ada"}, "user_id"),
        ("/auth/resets", {}, "user_id"),
        ("/auth/resets", {"user_id": "9" * 30}, "user_id"),
    ],
)
async def test_wrong_words_are_named(
    bear: Bear, admin: httpx2.AsyncClient, address: str, form: dict[str, object], field: str
) -> None:
    answer = await admin.post(address, json=form)
    assert answer.status_code == 422 and field in answer.json()["fields"], answer.text
    assert (await admin.post("/auth/invites", json={"username": "ada"})).status_code == 409


async def test_a_reset_does_not_get_round_the_second_factor(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    client = await bear.signed_in("max")
    begun = (await client.post("/auth/second-factor", json={"password": PASSWORD})).json()["data"]
    code = pyotp.TOTP(begun["secret"]).now()
    assert (await client.post("/auth/second-factor/confirm", json={"otp": code})).status_code == 200
    token, _ = await made(admin, "/auth/resets", user_id=bear.ids["max"])
    answer = await use(bear, token)
    assert answer.status_code == 200 and "set-cookie" not in answer.headers
