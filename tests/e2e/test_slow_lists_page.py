"""Slow lists and the indexes against them, as an admin sees them in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
PAGE = "/#/data/slow-lists"
ORDERS: dict[str, Any] = {
    "name": "orders",
    "label": "Order",
    "label_plural": "Orders",
    "fields": [{"name": "customer", "type": "text"}, {"name": "price", "type": "integer"}],
}
SECRET = "Mrs Bearheart"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """With 20,000 orders, and two lists of them that were asked for."""
    with RunningServer(tmp_path / "data") as running:
        running.create_user("maja", PASSWORD, admin=True)
        with sign_in(running.url, "maja", PASSWORD) as client:
            assert client.post("/api/v1/models", json=ORDERS).status_code == 201
            rows = "customer,price\n" + "\n".join(f"customer {n % 100},{n * 7919 % 10007}" for n in range(20_000))
            sent = client.post(
                "/api/v1/orders/import?format=csv", content=rows, headers={"content-type": "text/csv"}, timeout=120
            )
            assert sent.json()["data"]["imported"] == 20_000, sent.text
            assert client.get("/api/v1/orders", params={"customer": SECRET, "sort": "-price"}).status_code == 200
            assert client.get("/api/v1/orders", params={"customer__ilike": "a%"}).status_code == 200
        yield running


def made(client: httpx2.Client) -> list[list[str]]:
    return [one["fields"] for one in client.get("/api/v1/server/indexes").json()["data"]]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_an_index_is_added_undone_and_removed(browser: Browser, server: RunningServer, theme: str, width: int) -> None:
    with sign_in(server.url, "maja", PASSWORD) as client:
        documented = Documented(client.get("/api/openapi.json").json())
        watched = Watched(browser, server.url, theme, width, dict(client.cookies))
        page = watched.open("/#/data", ".side a")
        page.click(".side-last >> text=Slow lists")
        line = page.locator("section:has(#slow-helped) li")
        line.locator("code >> text=customer=…&sort=-price").wait_for()
        expect(line).to_contain_text("reads all 20,000 records")
        expect(line).to_contain_text("changes wait a moment")
        assert SECRET not in page.content()
        assert watched.axe() == []

        page.get_by_role("button", name="Add the index on customer, price to orders").click()
        toast = page.locator(".toast", has_text="Index on customer, price added")
        toast.wait_for()
        served = page.locator("section:has(#slow-made) li")
        expect(served).to_contain_text("customer=…&sort=-price")
        expect(line).to_have_count(0)
        assert made(client) == [["customer", "price"]]
        assert watched.axe() == []

        toast.get_by_role("button", name="Undo").click()
        gone = page.locator(".toast", has_text="Index on customer, price removed")
        gone.wait_for()
        expect(line).to_have_count(1)
        assert made(client) == []
        gone.get_by_role("button", name="Undo").click()
        expect(served).to_have_count(1)
        assert made(client) == [["customer", "price"]]

        page.get_by_role("button", name="Remove the index on customer, price of orders").click()
        expect(served).to_have_count(0)
        assert made(client) == []
        page.click(".quiet-lists summary")
        page.locator(".quiet-lists >> text=like and ilike look at every text").wait_for()
        watched.check(documented)
        watched.close()


def test_where_nothing_was_slow_the_page_teaches(browser: Browser, server: RunningServer) -> None:
    watched = signed_in(browser, server, "maja")
    empty = {"ok": True, "data": [], "count": 0}
    for name in ("slow-lists", "indexes"):
        watched.page.route(f"**/api/v1/server/{name}", lambda route: route.fulfill(json=empty))
    page = watched.open(PAGE, ".empty")
    page.locator("text=No list was slow").wait_for()
    expect(page.locator(".empty .copyable")).to_contain_text("/api/v1/server/slow-lists")
    assert watched.axe() == []
    watched.check()
    watched.close()


def test_members_find_neither_the_page_nor_its_entry(browser: Browser, server: RunningServer) -> None:
    server.create_user("max", PASSWORD)
    watched = signed_in(browser, server, "max")
    page = watched.open(PAGE, ".empty")
    assert page.locator(".side-last a").all_inner_texts() == ["Map of models"]
    assert "customer" not in page.locator(".area").inner_text()
    watched.check()
    watched.close()
