"""Lists that take work: what is told of them, and which index is suggested."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace

import httpx2
import pytest

from server.db.conditions import Leaf
from server.db.schema_fingerprint import create_table_sql, index_sql
from server.db.statements import ListShape
from server.records import slow_lists
from server.records.index_advice import Trial
from server.records.slow_lists import SlowLists
from tests.conftest import Bear
from tests.server.rest_api.tests_indexes_support import INDEXES, ORDERS, ROWS, SLOW, listed, make, plan, slow

pytestmark = pytest.mark.anyio


@pytest.fixture
async def orders(bear: Bear, admin: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """An admin on a server with 20,000 orders."""
    await make(bear, admin)
    yield admin


async def test_a_list_that_reads_everything_is_told_and_an_index_makes_it_quick(
    bear: Bear, orders: httpx2.AsyncClient
) -> None:
    before = await listed(orders, "customer=customer 7&sort=-price&limit=20")
    assert len(before) == 20
    assert not plan(bear)[1]
    found = await slow(orders, "customer=…&sort=-price")
    assert found["compares"] == [{"field": "customer", "operator": "eq"}]
    assert (found["count"], found["rows"], found["rows_read"], found["reason"]) == (1, ROWS, ROWS, None)
    assert found["median_ms"] > 0
    assert found["p95_ms"] >= found["median_ms"]
    suggestion = found["suggestion"]
    assert (suggestion["fields"], suggestion["effect"]) == (["customer", "price"], "quick")

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
