"""Names of people: no two are alike but for capital letters, and a name means its person however it is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from server.access.actor import OWNER
from server.errors import Conflict
from tests.conftest import PASSWORD, Bear, running_bear
from tests.server.rest_api.test_records import refused

pytestmark = pytest.mark.anyio
USERS = "/api/v1/users"
OTHER = "another calm password"


async def names(admin: httpx2.AsyncClient) -> list[str]:
    return [row["username"] for row in (await admin.get(USERS)).json()["data"]]


async def enter(bear: Bear, name: str, password: str = PASSWORD, address: str = "127.0.0.1") -> httpx2.Response:
    client = await bear.client(address, accept="application/json")
    return await client.post("/auth/login", data={"username": name, "password": password})


async def test_nobody_is_made_whose_name_is_anothers_but_for_capital_letters(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    answer = await admin.post(USERS, json={"username": "ADA", "password": PASSWORD})
    assert "'ada'" in refused(answer, 409, "username")["error"]
    assert (await admin.post("/auth/invites", json={"username": "aDa"})).status_code == 409
    made = await admin.post("/auth/invites", json={"role": "member"})
    token = made.json()["data"]["url"].partition("token=")[2]
    form = {"token": token, "username": "ADA", "password": PASSWORD, "password_confirm": PASSWORD}
    refused(await (await bear.client(accept="application/json")).post("/auth/link", json=form), 409)
    with pytest.raises(Conflict, match="'ada' exists already"):
        await bear.app.people.create_user(OWNER, "ADa", PASSWORD)
    file = "username,password\nADA,a calm bear in a den\nEva,a calm bear in a den\neVA,a calm bear in a den\n"
    answer = await admin.post(f"{USERS}/import?format=csv&mode=skip_bad", content=file)
    assert await names(admin) == ["ada", "Eva"], answer.text
    assert answer.text.count("is called") == 2


@pytest.mark.parametrize("name", ["ada", "ADA", "\uff21\uff24\uff21"])
async def test_whoever_signs_in_need_not_mind_capital_letters(bear: Bear, admin: httpx2.AsyncClient, name: str) -> None:
    answer = await enter(bear, name)
    assert answer.status_code == 200 and answer.json()["data"]["username"] == "ada"
    token = await bear.app.people.create_token(name)
    me = await (await bear.client(authorization=f"Bearer {token['token']}")).get("/auth/me")
    assert me.json()["data"]["username"] == "ada"
    assert (await bear.app.people.named(name))["id"] == bear.ids["ada"]


async def test_a_name_that_is_no_text_is_nobodys(bear: Bear, admin: httpx2.AsyncClient) -> None:
    as_json = {"content-type": "application/json", "accept": "application/json"}
    refused = await admin.post("/auth/invites", content=b'{"username": "ad\\ud800"}', headers=as_json)
    assert refused.status_code in (400, 422), refused.text
    stranger = await bear.client(**as_json)
    body = b'{"username": "ad\\ud800", "password": "wrong wrong wrong"}'
    assert (await stranger.post("/auth/login", content=body)).status_code in (400, 401, 422)


async def test_guesses_count_for_the_person_however_the_name_is_written(bear: Bear, admin: httpx2.AsyncClient) -> None:
    spellings = ("ada", "ADA", "\uff21\uff24\uff21", "\uff41da", "aDa")
    codes = [
        (await enter(bear, spellings[guess % 5], "wrong wrong wrong", f"10.1.1.{guess}")).status_code
        for guess in range(11)
    ]
    assert codes == [401] * 10 + [429]


async def test_twins_from_before_each_go_by_their_own_name(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        await bear.person("ada", "admin")
        await bear.app.people.create_user(OWNER, "max", OTHER)
        with closing(sqlite3.connect(bear.app.records.shelf.store.path)) as connection, connection:
            connection.execute("UPDATE users SET username = 'ADA' WHERE username = 'max'")
    async with running_bear(tmp_path / "data") as bear:
        for name, password in (("ada", PASSWORD), ("ADA", OTHER)):
            answer = await enter(bear, name, password)
            assert answer.status_code == 200 and answer.json()["data"]["username"] == name
        for name, password in (("ada", OTHER), ("ADA", PASSWORD), ("Ada", PASSWORD), ("Ada", OTHER)):
            assert (await enter(bear, name, password)).status_code == 401
        admin = await bear.signed_in("ada", **{"x-requested-with": "fetch"})
        twin = (await admin.get(f"{USERS}?username=ADA")).json()["data"][0]["id"]
        changed = await admin.patch(f"{USERS}/{twin}", json={"display_name": "Another Ada"})
        assert changed.status_code == 200, changed.text
