"""The profile: name, e-mail and picture are a person's own to change, and nobody else's."""

from __future__ import annotations

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.errors import Forbidden
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


async def upload(client: httpx2.AsyncClient, content: bytes = PNG, name: str = "me.png") -> int:
    answer = await client.post(f"/api/v1/files?name={name}", content=content)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["data"]["id"]
    return number


async def test_a_person_changes_their_own_profile(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    mine = f"/api/v1/users/{bear.ids['max']}"
    values = {"email": "max@example.org", "display_name": "Max"}
    answer = await member.patch(mine, json=values)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()["data"][name] for name in values} == values
    assert (await other.get(mine)).status_code == (await other.patch(mine, json=values)).status_code == 404
    assert (await nobody.patch(mine, json=values)).status_code == 401


async def test_a_picture_is_seen_by_all_and_changed_by_its_person(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    picture = await upload(member)
    content = f"/api/v1/files/{picture}/content"
    assert (await other.get(content)).status_code == 404
    made = await member.post("/api/v1/avatars", json={"picture": picture})
    assert made.status_code == 201, made.text
    row = f"/api/v1/avatars/{made.json()['data']['id']}"
    [seen] = (await other.get(f"/api/v1/avatars?owner_id={bear.ids['max']}")).json()["data"]
    assert seen["picture"] == picture and (await other.get(content)).content == PNG
    for verb, given in (("PATCH", {"picture": picture}), ("DELETE", None)):
        assert (await other.request(verb, row, json=given)).status_code == 404
    assert (await member.post("/api/v1/avatars", json={"picture": picture})).status_code == 409
    assert (await nobody.get("/api/v1/avatars")).status_code == (await nobody.get(content)).status_code == 401
    assert (await member.delete(row)).status_code == 200
    assert (await other.get(content)).status_code == 404


async def test_a_guest_has_a_profile_and_nothing_more(
    bear: Bear, admin: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    mine = f"/api/v1/users/{bear.ids['gus']}"
    assert (await guest_role.patch(mine, json={"email": "gus@example.org"})).status_code == 200
    assert (await admin.get(mine)).json()["data"]["email"] == "gus@example.org"
    for forbidden in ({"role": "admin"}, {"is_active": False}, {"username": "ada2"}, {"password": "x" * 20}):
        assert (await guest_role.patch(mine, json=forbidden)).status_code in (403, 422), forbidden
    assert (await guest_role.delete(mine)).status_code == 403


async def test_what_is_no_address_and_no_picture_is_refused(bear: Bear, member: httpx2.AsyncClient) -> None:
    mine = f"/api/v1/users/{bear.ids['max']}"
    for value in ("nobody", "x" * 250 + "@example.org"):
        answer = await member.patch(mine, json={"email": value})
        assert answer.status_code == 422 and "email" in answer.json()["fields"]
    for file in (await upload(member, b"only words", "words.txt"), await upload(member, PNG + bytes(2 << 20)), 4711):
        answer = await member.post("/api/v1/avatars", json={"picture": file})
        assert answer.status_code in (409, 422) and "picture" in answer.json()["fields"], (file, answer.text)


async def test_the_system_itself_makes_no_people(bear: Bear) -> None:
    with pytest.raises(Forbidden):
        await bear.app.people.create_user(SYSTEM, "mole", "a calm bear in a den")
    assert await bear.app.records.find(SYSTEM, "users", where={"username": "mole"}) == []
