"""The audit log: what is told, what never is, who reads it, and how long it stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pyotp
import pytest

from server.records.audit import AUDIT, expire_audit
from tests.conftest import CONTROL_TOKEN, PASSWORD, Bear, running_bear

pytestmark = pytest.mark.anyio

LOG = f"/api/v1/{AUDIT}"
TYPED = "my pa55word, typed into the wrong box"


async def entries(admin: httpx2.AsyncClient, **where: str | int) -> list[dict[str, Any]]:
    answer = await admin.get(LOG, params={"sort": "id", "limit": 500, **where})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_sign_ins_and_failed_ones_are_told_with_their_address(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await bear.person("max")
    far = await bear.client("192.0.2.7", accept="application/json")
    for name, password in (("max", "wrong"), (TYPED, "wrong"), ("max", PASSWORD)):
        await far.post("/auth/login", data={"username": name, "password": password})
    await far.post("/auth/logout")
    told = await entries(admin, address="192.0.2.7")
    assert [(row["kind"], row["about"], row["actor_name"]) for row in told] == [
        ("sign_in_failed", "max", "anonymous"),
        ("sign_in_failed", "unknown", "anonymous"),
        ("sign_in", "max", "max"),
        ("sign_out", "max", "max"),
    ]
    assert [row["kind"] for row in await entries(admin, actor_id=bear.ids["max"], through="user")] == [
        "sign_in",
        "sign_out",
    ]


async def test_what_was_typed_never_lands_in_the_log(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await bear.person("max")
    client = await bear.client(accept="application/json")
    secret = "the-secret-of-the-weather"
    await client.post("/auth/login", data={"username": TYPED, "password": TYPED})
    await client.post("/auth/login", data={"username": "max", "password": TYPED, "otp": TYPED})
    session = await bear.signed_in("max")
    await session.post("/auth/password", json={"current_password": TYPED, "new_password": TYPED})
    await session.post("/auth/password", json={"current_password": PASSWORD, "new_password": TYPED})
    made = await admin.post("/api/v1/secrets", json={"name": "weather", "value": secret})
    await admin.patch(f"/api/v1/secrets/{made.json()['data']['id']}", json={"value": secret * 2})
    token = (await admin.post("/api/v1/api_tokens", json={"name": "script"})).json()["data"]["token"]
    everything = orjson.dumps(await entries(admin)).decode()
    assert "password_changed" in everything and "password_refused" in everything and "weather" in everything
    for canary in (TYPED, secret, token, PASSWORD):
        assert canary not in everything


async def test_a_flood_of_attempts_is_told_once_for_each_wait(bear: Bear, admin: httpx2.AsyncClient) -> None:
    far = await bear.client("192.0.2.7", accept="application/json")
    for number in range(40):
        await far.post("/auth/login", data={"username": f"nobody{number}", "password": "wrong"})
    kinds = [row["kind"] for row in await entries(admin, address="192.0.2.7")]
    assert kinds.count("sign_in_throttled") == 1 and kinds.count("sign_in_failed") == 10


async def test_changes_of_what_decides_name_the_fields_and_no_value(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await bear.person("max")
    user = f"/api/v1/users/{bear.ids['max']}"
    await admin.patch(user, json={"role": "guest", "display_name": "Max the bear"})
    await admin.patch(user, json={"role": "guest"})
    setting = (await admin.post("/api/v1/settings", json={"name": "history_days", "value": 12345.5})).json()["data"][
        "id"
    ]
    await admin.delete(f"/api/v1/settings/{setting}")
    await admin.post("/api/v1/access_rules", json={"role": "guest", "model": "notes", "extent": "all"})
    group = (await admin.post("/api/v1/groups", json={"name": "friends"})).json()["data"]["id"]
    await admin.post("/api/v1/group_members", json={"group_id": group, "user_id": bear.ids["max"]})
    await admin.delete(f"/api/v1/groups/{group}")
    told = await entries(admin, actor_name="ada", through="token")
    short = [(row["kind"], row["model"], row["about"], row["fields"]) for row in told]
    assert short == [
        ("update", "users", "max", ["display_name", "role"]),
        ("create", "settings", "history_days", None),
        ("delete", "settings", "history_days", None),
        ("create", "access_rules", "notes", None),
        ("create", "groups", "friends", None),
        ("create", "group_members", None, None),
        ("delete", "group_members", "1", None),
        ("delete", "groups", "friends", None),
    ]
    assert {row["address"] for row in told} == {"127.0.0.1"} and {row["through"] for row in told} == {"token"}
    assert "12345" not in orjson.dumps(told).decode() and "the bear" not in orjson.dumps(told).decode()


async def test_a_change_that_is_refused_leaves_no_entry(bear: Bear, admin: httpx2.AsyncClient) -> None:
    before = len(await entries(admin))
    assert (await admin.patch(f"/api/v1/users/{bear.ids['ada']}", json={"role": "guest"})).status_code == 409
    operations = [
        {"verb": "create", "model": "groups", "values": {"name": "friends"}},
        {"verb": "delete", "model": "groups", "id": 999},
    ]
    assert (await admin.post("/api/v1/batch", json={"operations": operations})).status_code == 404
    assert len(await entries(admin)) == before


async def test_notes_are_not_audited(bear: Bear, admin: httpx2.AsyncClient) -> None:
    before = len(await entries(admin))
    note = (await admin.post("/api/v1/notes", json={"title": "milk"})).json()["data"]["id"]
    await admin.patch(f"/api/v1/notes/{note}", json={"title": "bread"})
    await admin.delete(f"/api/v1/notes/{note}")
    assert len(await entries(admin)) == before


async def test_accounts_and_their_keys_are_told(bear: Bear, admin: httpx2.AsyncClient) -> None:
    boss = await bear.signed_in("ada")
    session = await bear.signed_in("ada")
    link = (await boss.post("/auth/invites", json={"role": "guest"})).json()["data"]
    visitor = await bear.client(accept="application/json")
    form = {"token": link["url"].partition("token=")[2], "username": "gwen"}
    await visitor.post("/auth/link", json={**form, "password": PASSWORD, "password_confirm": PASSWORD})
    begun = (await session.post("/auth/second-factor", json={"password": PASSWORD})).json()["data"]
    await session.post("/auth/second-factor/confirm", json={"otp": pyotp.TOTP(begun["secret"]).now()})
    await session.post("/auth/second-factor/remove", json={"password": PASSWORD})
    token = (await boss.post("/api/v1/api_tokens", json={"name": "script"})).json()["data"]["id"]
    await boss.delete(f"/api/v1/api_tokens/{token}")
    await boss.post("/auth/sessions/revoke", json={"which": "others"})
    own = await entries(admin, through="user", actor_name="ada", kind__ne="sign_in")
    assert [(row["kind"], row["about"]) for row in own] == [
        ("link_made", None),
        ("second_factor_set", "ada"),
        ("second_factor_removed", "ada"),
        ("create", "script"),
        ("delete", "script"),
        ("sessions_ended", "ada"),
    ]
    assert [row["about"] for row in await entries(admin, kind="link_used")] == ["gwen"]
    assert [row["detail"] for row in await entries(admin, kind="sign_in", about="gwen")] == ["link"]


async def test_what_leaves_and_comes_in_whole_is_told(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await admin.post("/api/v1/notes/import?format=json", content='[{"title": "one"}, {"title": "two"}]')
    await admin.post("/api/v1/notes/import?format=json&dry_run=true", content='[{"title": "three"}]')
    await admin.get("/api/v1/notes/export")
    name = (await admin.post("/api/v1/backups", json={"without_phrase": True})).json()["data"]["name"]
    await admin.get(f"/api/v1/backups/{name}/content")
    await admin.delete(f"/api/v1/backups/{name}")
    last = (await entries(admin))[-5:]
    assert [(row["kind"], row["model"] or row["about"], row["detail"]) for row in last] == [
        ("import", "notes", "2 rows"),
        ("export", "notes", None),
        ("backup_made", name, "backup, manual"),
        ("backup_fetched", name, None),
        ("backup_deleted", name, None),
    ]


async def test_the_control_token_is_audited(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await bear.person("max")
    machine = await bear.client(authorization=f"Bearer {CONTROL_TOKEN}")
    form = {"username": "max", "password": "another calm bear"}
    assert (await machine.post("/_desktop/operations/user-reset-password", json=form)).status_code == 200
    told = await entries(admin, through="owner", about="max", kind__ne="create")
    assert [(row["kind"], row["detail"]) for row in told] == [
        ("password_reset", None),
        ("operation", "user-reset-password"),
    ]


async def test_only_admins_read_it_and_nobody_changes_it(
    bear: Bear,
    admin: httpx2.AsyncClient,
    member: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:
    first = (await entries(admin))[0]["id"]
    for client, status in ((member, 403), (guest_role, 403), (nobody, 401)):
        for address in (LOG, f"{LOG}/{first}", f"{LOG}/export", f"{LOG}/aggregate"):
            answer = await client.get(address)
            assert answer.status_code == status and '"ada"' not in answer.text, (address, answer.text)
    row = {"kind": "sign_in", "actor_name": "max", "through": "user"}
    assert (await admin.post(LOG, json=row)).status_code == 403
    assert (await admin.patch(f"{LOG}/{first}", json=row)).status_code == 403
    assert (await admin.delete(f"{LOG}/{first}")).status_code == 403
    assert (await admin.delete(f"{LOG}/bulk?all=true")).status_code == 403
    assert (await admin.post(f"{LOG}/import?format=json", content=orjson.dumps([row]))).status_code == 403
    operations = [{"verb": "delete", "model": AUDIT, "id": first}]
    assert (await admin.post("/api/v1/batch", json={"operations": operations})).status_code == 403
    assert (await entries(admin))[0]["id"] == first


async def test_old_entries_go_and_the_cap_holds(bear: Bear, admin: httpx2.AsyncClient) -> None:
    shelf = bear.app.records.shelf
    count = len(await entries(admin))
    assert await expire_audit(shelf) == 0
    assert await expire_audit(shelf, datetime.now(UTC) + timedelta(days=366)) == count
    assert await entries(admin) == []


async def test_it_goes_on_when_other_logs_have_stopped(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", free=lambda _: 500, storage_logs_stop_bytes=1000) as bear:
        admin = await bear.person("ada", "admin")
        assert bear.app.records.shelf.store.storage.logs_stopped
        await bear.signed_in("ada")
        await admin.post("/api/v1/groups", json={"name": "friends"})
        assert [row["kind"] for row in await entries(admin)] == ["create", "create", "sign_in", "create"]
        assert (await admin.get("/api/v1/history")).json()["count"] == 0
    async with running_bear(tmp_path / "data", free=lambda _: 500, storage_read_only_bytes=1000) as bear:
        far = await bear.client("192.0.2.7", accept="application/json")
        await far.post("/auth/login", data={"username": "ada", "password": "wrong"})
        session = await bear.signed_in("ada")
        assert [row["kind"] for row in await entries(session)][-2:] == ["sign_in_failed", "sign_in"]
