"""Slow lists, the indexes that are suggested against them, and making and removing those."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.db.conditions import Leaf
from server.db.schema_fingerprint import create_table_sql, index_sql
from server.db.statements import ListShape
from server.db.writer import Transaction
from server.records import slow_lists
from server.records.index_advice import Trial
from server.records.slow_lists import SlowLists
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
SLOW, INDEXES, ORDERS = "/api/v1/server/slow-lists", "/api/v1/server/indexes", "/api/v1/orders"
ROWS = 20_000
MODEL: dict[str, Any] = {
    "name": "orders",
    "label": "Order",
    "label_plural": "Orders",
    "fields": [
        {"name": "customer", "type": "text"},
        {"name": "state", "type": "text"},
        {"name": "price", "type": "integer"},
        {"name": "day", "type": "text"},
        {"name": "number", "type": "integer", "indexed": True},
        {"name": "extra", "type": "json"},
    ],
}


async def make(bear: Bear, admin: httpx2.AsyncClient, rows: int = ROWS) -> None:
    """A model with many orders; a hundred customers."""
    answer = await admin.post("/api/v1/models", json=MODEL)
    assert answer.status_code == 201, answer.text
    await fill(bear, "orders", rows)


async def fill(bear: Bear, table: str, rows: int) -> None:
    def unit(transaction: Transaction) -> None:
        transaction.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            f"INSERT INTO {table} (customer, state, price, day, number, created_at, updated_at) "
            "SELECT 'customer ' || (i % 100), CASE i % 3 WHEN 0 THEN 'open' ELSE 'paid' END, i * 7919 % 10007, "
            "'2026-01-' || printf('%02d', 1 + i % 28), i, '2026-01-01T00:00:00.000Z', "
            "'2026-01-01T00:00:00.000Z' FROM n",
            (rows,),
        )

    await bear.app.records.shelf.store.write(unit, (table,))


@pytest.fixture
async def orders(bear: Bear, admin: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """An admin on a server with 20,000 orders."""
    await make(bear, admin)
    yield admin


async def slow(admin: httpx2.AsyncClient, query: str) -> dict[str, Any]:
    """What is said of one list."""
    answer = await admin.get(SLOW)
    assert answer.status_code == 200, answer.text
    [found] = [one for one in answer.json()["data"] if one["model"] == "orders" and one["query"] == query]
    return dict(found)


async def listed(client: httpx2.AsyncClient, query: str) -> list[int]:
    answer = await client.get(f"{ORDERS}?{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


def plan(bear: Bear) -> tuple[tuple[str, ...], bool]:
    """The plan of the latest list of orders, and whether it is cheap enough for the event loop."""
    _, last = bear.app.records.shelf.models["orders"].shapes()[-1]
    return last.plan, last.cheap


async def test_a_list_that_reads_everything_is_told_and_an_index_makes_it_quick(
    bear: Bear, orders: httpx2.AsyncClient
) -> None:
    before = await listed(orders, "customer=customer 7&sort=-price&limit=20")
    assert len(before) == 20
    found = await slow(orders, "customer=…&sort=-price")
    assert found["compares"] == [{"field": "customer", "operator": "eq"}]
    assert (found["count"], found["rows"], found["rows_read"], found["reason"]) == (1, ROWS, ROWS, None)
    assert found["median_ms"] > 0
    assert found["p95_ms"] >= found["median_ms"]
    suggestion = found["suggestion"]
    assert (suggestion["fields"], suggestion["effect"]) == (["customer", "price"], "quick")
    assert not plan(bear)[1]

    made = await orders.post(INDEXES, json={"model": "orders", "fields": suggestion["fields"]})
    assert made.status_code == 201, made.text
    # The estimate is good enough to decide by.
    assert suggestion["bytes"] / 2 < made.json()["data"]["bytes"] < suggestion["bytes"] * 2
    assert await listed(orders, "customer=customer 7&sort=-price&limit=20&total=false") == before
    steps, cheap = plan(bear)
    assert cheap
    assert any("USING INDEX made.orders.customer.price (customer=?)" in step for step in steps), steps
    after = await slow(orders, "customer=…&sort=-price")
    assert (after["suggestion"], after["reason"], after["index"]) == (None, "index_made", ["customer", "price"])
    assert (await orders.get(INDEXES)).json()["data"] == [
        {"model": "orders", "fields": ["customer", "price"], "rows": ROWS, "bytes": suggestion["bytes"],
         "superfluous": False}
    ]  # fmt: skip


async def test_values_of_filters_are_neither_kept_nor_told(bear: Bear, orders: httpx2.AsyncClient) -> None:
    domain = '["|",["customer","=","secret one"],["day","like","secret two%"]]'
    for query in ("customer=secret three", "price__gt=31415&state__in=secret four,b", f"domain={domain}", "q=x"):
        await orders.get(f"{ORDERS}?{query}")
    text = (await orders.get(SLOW)).text
    assert "customer=…" in text
    assert 'domain=[\\"|\\",[\\"customer\\",\\"=\\",\\"…\\"],[\\"day\\",\\"like\\",\\"…\\"]]' in text
    assert "secret" not in text
    assert "31415" not in text
    assert "secret" not in repr(bear.app.records.slow_lists.known())


@pytest.mark.parametrize(
    ("query", "shown", "fields", "effect"),
    [
        ("state=open&price__gt=5", "state=…&price__gt=…", ["state"], "quick"),
        ("price__gt=5&state=open&sort=day", "price__gt=…&state=…&sort=day", ["state", "day"], "quick"),
        ("sort=price", "sort=price", ["price"], "quick"),
        ("sort=state,-price", "sort=state,-price", ["-state", "price"], "quick"),
        ("price__gte=5&price__lt=9", "price__gte=…&price__lt=…", ["price"], "fewer_rows"),
        ("price__gte=5&sort=price", "price__gte=…&sort=price", ["price"], "quick"),
        ("customer__in=a,b", "customer__in=…", ["customer"], "fewer_rows"),
        ("price__gt=5&sort=day", "price__gt=…&sort=day", ["price"], "fewer_rows"),
        ("customer=a&day__ilike=b", "customer=…&day__ilike=…", ["customer"], "fewer_rows"),
    ],
)
async def test_equal_fields_come_first_then_the_order_or_a_range(
    bear: Bear, orders: httpx2.AsyncClient, query: str, shown: str, fields: list[str], effect: str
) -> None:
    before = await listed(orders, query)
    suggestion = (await slow(orders, shown))["suggestion"]
    assert (suggestion["fields"], suggestion["effect"]) == (fields, effect)
    assert (await orders.post(INDEXES, json={"model": "orders", "fields": fields})).status_code == 201
    assert await listed(orders, f"{query}&total=false") == before
    steps, cheap = plan(bear)
    assert any(f"made.orders.{'.'.join(fields)}" in step for step in steps), steps
    assert cheap == (effect == "quick")
    assert (await slow(orders, shown))["suggestion"] is None


@pytest.mark.parametrize(
    ("query", "shown", "reason"),
    [
        ("day__like=a%25", "day__like=…", "pattern"),
        ("state__ne=open", "state__ne=…", "no_index_helps"),
        ("sort=day:nocase", "sort=day:nocase", "no_index_helps"),
        ('domain=["!",["state","=","open"]]', 'domain=["!",["state","=","…"]]', "no_index_helps"),
    ],
)
async def test_where_no_index_helps_none_is_suggested(
    orders: httpx2.AsyncClient, query: str, shown: str, reason: str
) -> None:
    await listed(orders, query)
    found = await slow(orders, shown)
    assert (found["suggestion"], found["reason"]) == (None, reason)


async def test_a_small_table_wants_no_index(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await make(bear, admin, 900)
    await listed(admin, "customer=customer 7")
    found = await slow(admin, "customer=…")
    assert (found["suggestion"], found["reason"], found["rows"]) == (None, "few_rows", 900)


async def test_the_pages_after_the_first_seek_in_the_index_too(bear: Bear, orders: httpx2.AsyncClient) -> None:
    query = "customer=customer 7&sort=price&limit=50&total=false"
    expected = await listed(orders, "customer=customer 7&sort=price&limit=500")
    await orders.post(INDEXES, json={"model": "orders", "fields": ["customer", "price"]})
    seen: list[int] = []
    cursor = ""
    while True:
        page = (await orders.get(f"{ORDERS}?{query}{cursor}")).json()
        seen += [row["id"] for row in page["data"]]
        if "next" not in page:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == expected
    steps, cheap = plan(bear)
    assert cheap
    assert any("made.orders.customer.price (customer=? AND price>?)" in step for step in steps), steps


async def test_somebody_who_sees_their_own_rows_gets_an_index_that_begins_with_the_filter(
    orders: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await member.get(f"{ORDERS}?customer=a&sort=day")
    found = await slow(orders, "customer=…&sort=day")
    assert found["own_only"]
    assert found["suggestion"]["fields"] == ["customer", "owner_id", "day"]
    # The filter and the owner alone would be read well, and sorted.
    assert found["suggestion"]["effect"] == "quick"


async def test_an_index_is_said_to_answer_only_what_it_answers(orders: httpx2.AsyncClient) -> None:
    for query in ("customer=customer 7&sort=-price", "sort=price", "state=open"):
        await listed(orders, query)
    await orders.post(INDEXES, json={"model": "orders", "fields": ["customer", "price"]})
    told = {one["query"]: (one["index"], one["rows_read"]) for one in (await orders.get(SLOW)).json()["data"]}
    assert told["customer=…&sort=-price"] == (["customer", "price"], None)
    assert told["sort=price"] == (None, ROWS)
    assert told["state=…"] == (None, ROWS)


async def test_an_index_that_begins_with_the_owner_leaves_the_plain_list_of_ones_own_quick(
    bear: Bear, orders: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await listed(member, "sort=day")
    suggestion = (await slow(orders, "sort=day"))["suggestion"]
    assert suggestion["fields"] == ["owner_id", "day"]
    assert (await orders.post(INDEXES, json={"model": "orders", "fields": suggestion["fields"]})).status_code == 201
    for query in ("total=false", "sort=-id&total=false", "sort=day&total=false"):
        await listed(member, query)
        steps, cheap = plan(bear)
        assert cheap, steps


async def test_no_index_is_suggested_with_which_another_list_would_not_be_quick(
    bear: Bear, orders: httpx2.AsyncClient
) -> None:
    table = bear.app.records.registry.get("orders").table
    ddl = [create_table_sql(table), *index_sql(table).values()]
    wanted, other = ListShape(Leaf("customer", "eq", "f0")), ListShape(Leaf("state", "eq", "f0"))
    with closing(Trial(table, ddl, ())) as trial:
        assert trial.advise(wanted, ROWS, [ListShape()]).index == ("customer",)
        assert trial.advise(wanted, ROWS, [ListShape(), other]).index is None


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


async def test_only_so_many_lists_are_remembered_and_the_one_asked_longest_ago_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_lists, "MAX_LISTS", 2)
    lists = SlowLists()
    one, two, three = (ListShape(Leaf(column, "eq", "f0")) for column in ("a", "b", "c"))
    for shape, seconds in (
        (one, 1.0),
        (two, 1.0),
        (replace(one, fields=("a", "b"), after=(False,)), 3.0),
        (three, 1.0),
    ):
        lists.note("orders", shape, seconds)
    known = [(shape.condition, seen.count, list(seen.seconds)) for _, shape, seen in lists.known()]
    assert known == [(one.condition, 2, [1.0, 3.0]), (three.condition, 1, [1.0])]
    for _ in range(1000):
        lists.note("orders", one, 0.5)
    assert len(lists.known()[0][2].seconds) == slow_lists.KEPT_TIMES
