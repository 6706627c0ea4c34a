"""Larger plugins in `examples`, written from the docs alone: relations, libraries, processes, messages."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.plugin_api import new_standard_secret, sign_standard
from tests.conftest import Bear
from tests.plugins.test_written_from_docs import call, installed
from tests.server.plugin_host.tests_plugin_support import on, switch, wheel, write
from tests.server.tasks.tests_tasks_support import ended
from tests.server.webhooks.tests_webhooks_support import receiving

pytestmark = pytest.mark.anyio
PIGEON = """
from server.plugin_api import channel

@channel(reaches="Pigeons fly to numbers of three digits.", to_pattern=r"[0-9]{3}")
async def send_message(to: str, text: str) -> dict[str, str]:
    return {"to": to, "text": text}
"""


async def begun(bear: Bear, kind: str) -> dict[str, Any]:
    """The first task of a kind that something began by itself, once it has ended."""
    come = asyncio.Event()
    end = bear.app._bus.subscribe(lambda _event: come.set(), ("tasks",))
    try:
        async with asyncio.timeout(30):
            while not (rows := await bear.app.records.find(SYSTEM, "tasks", where={"kind": kind})):
                await come.wait()
                come.clear()
    finally:
        end()
    return await ended(bear, rows[0]["key"])


async def run_schedule(bear: Bear, client: httpx2.AsyncClient, task: str) -> dict[str, Any]:
    [schedule] = (await client.get("/api/v1/schedules", params={"task": task})).json()["data"]
    begun = await client.post(f"/api/v1/schedules/{schedule['id']}/run")
    return await ended(bear, begun.json()["data"]["key"])


async def test_everybody_has_shelves_and_books_of_their_own_and_strangers_see_what_the_key_opens(
    house: Bear, ada: httpx2.AsyncClient, tmp_path: Path
) -> None:
    await installed(ada, tmp_path, "reading-list")
    bo, cy, stranger = await house.person("bo", "member"), await house.person("cy", "member"), await house.client()
    shelf = (await bo.post("/api/v1/reading_list_shelves", json={"name": "Bed"})).json()["data"]
    assert (await bo.post("/api/v1/reading_list_shelves", json={"name": "Bed"})).status_code == 409
    await call(bo, "reading-list__add_book", title="Emma", author="Austen")
    [book] = (await bo.get("/api/v1/reading_list_books")).json()["data"]
    at = f"/api/v1/reading_list_books/{book['id']}"
    assert (await bo.patch(at, json={"shelf_id": shelf["id"]})).status_code == 200
    assert (await bo.patch(at, json={"stars": 6})).json()["fields"]["stars"]["code"] == "too_large"
    refused = await call(bo, "reading-list__find_books", state="lost")
    assert refused["result"]["isError"] and "invalid_arguments" in str(refused)
    assert "Emma" in str(await call(bo, "reading-list__find_books"))
    assert "Emma" not in str(await call(cy, "reading-list__find_books"))
    assert "not_found" in str(await call(cy, "reading-list__finish_book", book_id=book["id"]))
    await call(bo, "reading-list__finish_book", book_id=book["id"], stars=5)
    assert (await bo.get("/api/reading-list/year")).json()["data"] == {"read": 1, "goal": 12}
    assert (await cy.get("/api/reading-list/year")).json()["data"] == {"read": 0, "goal": 12}
    assert (await stranger.get("/api/reading-list/year")).status_code == 401

    async def favourites(key: str) -> httpx2.Response:
        return await stranger.get("/api/reading-list/favourites", headers={"X-Feed-Key": key})

    assert (await favourites("")).status_code == 404
    settings = {"goal": 20, "feed_key": "open sesame"}
    assert (await ada.put("/api/v1/plugins/reading-list/settings", json=settings)).status_code == 200
    assert (await favourites("guessed")).status_code == 404
    assert (await favourites("open sesame")).json()["data"] == [{"title": "Emma", "author": "Austen"}]
    assert "open sesame" not in (await ada.get("/api/v1/plugins/reading-list/settings")).text
    # A shelf goes, its books stay.
    assert (await bo.delete(f"/api/v1/reading_list_shelves/{shelf['id']}")).status_code == 200
    assert (await bo.get(at)).json()["data"]["shelf_id"] is None


async def test_a_site_that_goes_down_and_comes_back_is_told_and_summed_up_in_a_process(
    house: Bear, ada: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "wheels"
    shelf.mkdir()
    wheel(shelf, "humanize", "4.9.0", files={"humanize.py": "def naturaldelta(value):\n    return 'a moment'\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.delitem(sys.modules, "humanize", raising=False)
    await installed(ada, tmp_path, "uptime-watch")
    bo = await house.person("bo", "member")

    async def looked() -> dict[str, Any]:
        return await ended(house, (await ada.post("/api/uptime-watch/look")).json()["data"]["key"])

    async with receiving() as site:
        new = {"name": "honey", "url": site.url}
        assert (await bo.post("/api/v1/uptime_watch_sites", json=new)).status_code == 403
        forged = await ada.post("/api/v1/uptime_watch_sites", json={**new, "state": "up"})
        assert forged.json()["fields"]["state"]["code"] == "read_only"
        assert (await ada.post("/api/v1/uptime_watch_sites", json=new)).status_code == 201
        # A hook begins the first look by itself.
        first = await begun(house, "uptime-watch.look")
        assert (first["status"], first["result"]) == ("completed", {"sites": 1}), first["error"]
        site.answer = "503 Service Unavailable"
        assert (await looked())["status"] == "completed"
        site.answer = "200 OK"
        assert (await looked())["status"] == "completed"
    assert (await bo.post("/api/uptime-watch/look")).status_code == 403
    [seen] = (await bo.get("/api/v1/uptime_watch_sites")).json()["data"]
    assert (seen["name"], seen["state"]) == ("honey", "up")
    assert "honey" in str(await call(bo, "uptime-watch__status"))
    told = (await ada.get("/api/v1/notifications?sort=id")).json()["data"]
    assert [one["title"] for one in told] == [f"honey is {state} after a moment" for state in ("down", "up")]
    assert told[0]["message"] == "it answers 503"
    summed = await run_schedule(house, ada, "uptime-watch.sum_up")
    assert summed["status"] == "completed", summed["error"]
    [seen] = (await bo.get("/api/v1/uptime_watch_sites")).json()["data"]
    assert (seen["report"]["looks"], round(seen["report"]["up"], 2)) == (3, 0.67)
    assert (await switch(ada, "uptime-watch", "disable")).status_code == 200
    monkeypatch.delitem(sys.modules, "humanize", raising=False)


async def test_a_signed_invoice_is_filed_in_the_background_and_told_by_a_channel_before_it_is_due(
    house: Bear, ada: httpx2.AsyncClient, tmp_path: Path
) -> None:
    await installed(ada, tmp_path, "invoice-inbox")
    secret, shop = new_standard_secret(), await house.client()

    async def send(invoice: dict[str, Any], key: str = secret, age: int = 0) -> httpx2.Response:
        body, moment = json.dumps(invoice).encode(), int(time.time()) - age
        signature = sign_standard(key, "m-1", moment, body)
        head = {"webhook-id": "m-1", "webhook-timestamp": str(moment), "webhook-signature": signature}
        return await shop.post("/api/invoice-inbox/", content=body, headers=head)

    invoice = {"number": "A-1", "sender": "Honey Ltd", "amount": 12.5, "due_at": "2020-01-02T00:00:00Z"}
    assert (await send(invoice)).status_code == 401
    settings = {"secret": secret, "messenger": "pigeon-post", "to": "123"}
    assert (await ada.put("/api/v1/plugins/invoice-inbox/settings", json=settings)).status_code == 200
    assert (await send(invoice, new_standard_secret())).status_code == 401
    assert (await send(invoice, age=400)).status_code == 401
    assert "this is no invoice" in (await send({"number": "A-2"})).text
    assert (await send(invoice)).status_code == 201
    assert (await send(invoice)).json()["data"] == "known already"
    filed = await begun(house, "invoice-inbox.file_document")
    assert filed["status"] == "completed", filed["error"]
    text = (await ada.get(f"/api/v1/files/{filed['result']['file']}/content")).text
    assert "Honey Ltd" in text and "12.50 EUR, due 2020-01-02" in text

    write(tmp_path / "data" / "plugins", "pigeon-post", files={"channel.py": PIGEON}, type="channel",
          permissions=["messages"])  # fmt: skip
    assert (await on(ada, "pigeon-post", "messages"))["state"] == "on"
    told = await run_schedule(house, ada, "invoice-inbox.tell")
    assert told["status"] == "completed", told["error"]
    sent = await begun(house, "send-message:pigeon-post")
    assert sent["result"] == {"to": "123", "text": "Invoice A-1 of 12.50 EUR is due on 2020-01-02"}
    notices = (await ada.get("/api/v1/notifications")).json()["data"]
    assert [notice["title"] for notice in notices] == ["Invoice A-1 of 12.50 EUR is due on 2020-01-02"]

    bo = await house.person("bo", "member")
    assert (await bo.get("/api/v1/invoice_inbox_invoices")).status_code == 403
    assert "no invoice B" in str(await call(ada, "invoice-inbox__mark_paid", number="B"))
    await call(ada, "invoice-inbox__mark_paid", number="A-1")
    assert "A-1" not in str(await call(ada, "invoice-inbox__open_invoices"))
