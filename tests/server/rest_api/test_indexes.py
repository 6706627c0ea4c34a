"""Making and removing indexes: who may, what is refused, and what a made one outlives."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear, running_bear
from tests.server.rest_api.tests_indexes_support import INDEXES, MODEL, SLOW, listed, make, plan, slow

pytestmark = pytest.mark.anyio


@pytest.fixture
async def orders(bear: Bear, admin: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """An admin on a server with 20,000 orders."""
    await make(bear, admin)
    yield admin


async def test_what_there_is_already_is_not_made_again(orders: httpx2.AsyncClient) -> None:
    async def refused(*fields: str) -> str:
        answer = await orders.post(INDEXES, json={"model": "orders", "fields": list(fields)})
        assert answer.status_code == 409, answer.text
        return str(answer.json()["code"])

    assert await refused("number") == "index_exists"
    assert await refused("-number") == "index_exists"
    assert (await orders.post(INDEXES, json={"model": "orders", "fields": ["state", "-day"]})).status_code == 201
    assert await refused("state", "-day") == "index_exists"
    assert await refused("-state", "day") == "index_exists"
    assert await refused("state") == "index_exists"
    assert (await orders.post(INDEXES, json={"model": "orders", "fields": ["state", "day"]})).status_code == 201
    assert (await orders.post(INDEXES, json={"model": "orders", "fields": ["day"]})).status_code == 201
    assert (await orders.post(INDEXES, json={"model": "orders", "fields": ["day", "price"]})).status_code == 201
    told = {tuple(one["fields"]): one["superfluous"] for one in (await orders.get(INDEXES)).json()["data"]}
    assert told == {("state", "-day"): False, ("state", "day"): False, ("day",): True, ("day", "price"): False}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([], "wrong_count"),
        (["customer", "state", "price", "day", "number", "created_at"], "wrong_count"),
        (["nothing"], "unknown_field"),
        (["state); DROP TABLE orders; --"], "unknown_field"),
        (["extra"], "not_indexable"),
        (["state", "-state"], "twice"),
        (["id"], "not_needed"),
    ],
)
async def test_fields_that_make_no_index_are_refused_with_the_reason(
    bear: Bear, admin: httpx2.AsyncClient, fields: list[str], code: str
) -> None:
    await make(bear, admin, 3)
    answer = await admin.post(INDEXES, json={"model": "orders", "fields": fields})
    assert answer.status_code == 422
    assert answer.json()["fields"]["fields"]["code"] == code
    assert (await admin.get(INDEXES)).json()["data"] == []


async def test_of_models_that_are_not_there_and_in_wrong_bodies_nothing_is_made(admin: httpx2.AsyncClient) -> None:
    gone = await admin.post(INDEXES, json={"model": "a_plugins_model", "fields": ["name"]})
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_model")
    assert (await admin.delete(f"{INDEXES}/a_plugins_model/name")).status_code == 404
    never = await admin.delete(f"{INDEXES}/notes/title")
    assert (never.status_code, never.json()["code"]) == (404, "unknown_index")
    # The program's own are not made, and stay.
    assert (await admin.delete(f"{INDEXES}/notes/priority")).status_code == 404
    for body in ({}, {"model": "notes"}, {"model": "notes", "fields": "title"}, {"model": 1, "fields": ["title"]}):
        assert (await admin.post(INDEXES, json=body)).status_code == 422
    assert (await admin.post(INDEXES, json={"model": "users", "fields": ["password"]})).status_code == 422


async def test_too_many_are_refused(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await make(bear, admin, 3)
    names = ["customer", "state", "price", "day"]
    wanted = [(one, two) for one in names for two in names if one != two][:11]
    answers = [await admin.post(INDEXES, json={"model": "orders", "fields": fields}) for fields in wanted]
    codes = [answer.json().get("code") for answer in answers]
    assert codes == [None] * 10 + ["too_many_indexes"]


async def test_nobody_but_admins_sees_or_makes_any(
    orders: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, bear: Bear
) -> None:
    await listed(orders, "customer=a")
    reader = await bear.person("ada", "admin", scopes=["api:read"])
    for client in (member, guest_role):
        for answer in (await client.get(SLOW), await client.get(INDEXES)):
            assert answer.status_code == 403
            assert "customer" not in answer.text
    for client in (member, guest_role, reader):
        assert (await client.post(INDEXES, json={"model": "orders", "fields": ["customer"]})).status_code == 403
        assert (await client.delete(f"{INDEXES}/orders/customer")).status_code == 403
    assert (await reader.get(SLOW)).status_code == 200
    assert (await orders.get(INDEXES)).json()["data"] == []


async def test_removing_makes_the_list_slow_again_and_both_are_in_the_audit_log(
    bear: Bear, orders: httpx2.AsyncClient
) -> None:
    await orders.post(INDEXES, json={"model": "orders", "fields": ["customer", "-price"]})
    assert (await orders.delete(f"{INDEXES}/orders/customer,-price")).status_code == 200
    assert (await orders.get(INDEXES)).json()["data"] == []
    assert (await orders.delete(f"{INDEXES}/orders/customer,-price")).status_code == 404
    await listed(orders, "customer=customer 7")
    assert not plan(bear)[1]
    assert (await slow(orders, "customer=…"))["suggestion"]["fields"] == ["customer"]
    told = (await orders.get("/api/v1/audit_entries?kind__in=index_made,index_removed&sort=id")).json()["data"]
    assert [(one["kind"], one["actor_name"], one["model"], one["fields"], one["detail"]) for one in told] == [
        ("index_made", "ada", "orders", ["customer", "price"], "customer, -price"),
        ("index_removed", "ada", "orders", ["customer", "price"], "customer, -price"),
    ]


async def test_a_made_index_outlives_restarts_and_changes_of_its_model(tmp_path: Path, anyio_backend: str) -> None:
    folder = tmp_path / "data"
    async with running_bear(folder) as bear:
        admin = await bear.person("ada", "admin")
        await make(bear, admin, 2000)
        for fields in (["customer", "-price"], ["day"], ["state", "day"]):
            assert (await admin.post(INDEXES, json={"model": "orders", "fields": fields})).status_code == 201
        note = await admin.post(INDEXES, json={"model": "notes", "fields": ["title"]})
        assert note.status_code == 201
        known = bear.ids
    async with running_bear(folder) as bear:
        bear.ids = known
        admin = await bear.person("ada")
        assert await made_fields(admin, "orders") == [["customer", "-price"], ["day"], ["state", "day"]]
        assert await made_fields(admin, "notes") == [["title"]]
        await listed(admin, "customer=customer 7&sort=-price&total=false")
        assert "made.orders.customer.-price" in plan(bear)[0][0]
        # One field goes, one gets another name, one is new: the table is made again.
        changed_fields = [
            {**field, "name": "client", "was": "customer"} if field["name"] == "customer" else field
            for field in MODEL["fields"]
            if field["name"] != "state"
        ]
        changed = await admin.patch("/api/v1/models/orders?confirm=true", json={"fields": changed_fields})
        assert changed.status_code == 200, changed.text
        assert await made_fields(admin, "orders") == [["client", "-price"], ["day"]]
        await listed(admin, "client=customer 7&sort=-price&total=false")
        assert "made.orders.client.-price" in plan(bear)[0][0]
        # What was asked for under the old name is of no model any more.
        assert (await admin.get(SLOW)).status_code == 200
    with closing(sqlite3.connect(folder / "gridbear.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def made_fields(admin: httpx2.AsyncClient, model: str) -> list[list[str]]:
    found = (await admin.get(INDEXES)).json()["data"]
    return [one["fields"] for one in found if one["model"] == model]


async def test_a_dropped_model_takes_its_indexes_and_lists_along(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await make(bear, admin, 2000)
    await listed(admin, "customer=a")
    await admin.post(INDEXES, json={"model": "orders", "fields": ["day"]})
    assert (await admin.delete("/api/v1/models/orders?confirm=true")).status_code == 200
    assert (await admin.get(INDEXES)).json()["data"] == []
    assert [one for one in (await admin.get(SLOW)).json()["data"] if one["model"] == "orders"] == []
    await make(bear, admin, 3)
    assert (await admin.get(INDEXES)).json()["data"] == []
