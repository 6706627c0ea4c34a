"""A model with many orders, what is said of lists of them, and how SQLite answers those."""

from __future__ import annotations

from typing import Any

import httpx2

from server.db.transaction import Transaction
from tests.conftest import Bear

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
