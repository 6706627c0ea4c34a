"""What was committed is told, whatever ends the program in between; and a webhook begins with its own commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.access.actor import SYSTEM
from server.app import create_app
from server.config import Settings
from server.data_folder import DataFolder
from server.errors import Busy, StorageFull
from tests.conftest import FOR_TESTS, running_bear
from tests.server.webhooks.tests_webhooks_support import at_home, delivery, ended, hook, receiving

pytestmark = pytest.mark.anyio


async def changed_without_serving(folder: Path, *titles: str) -> list[dict[str, Any]]:
    """Notes made by the data alone, as by a program that ends right after the commit. The deliveries then."""
    DataFolder(folder).open()
    app = create_app(Settings(data_dir=folder, port=8088, **FOR_TESTS), control_token="x")
    async with app.data():
        for title in titles:
            await app.records.create(SYSTEM, "notes", {"title": title, "owner_id": 1})
        return await app.records.find(SYSTEM, "webhook_deliveries")


async def test_changes_right_before_the_end_are_told_after_the_next_start(tmp_path: Path) -> None:
    async with receiving() as receiver:
        async with at_home(tmp_path) as bear:
            await hook(await bear.person("ada"), receiver.url)
        rows = await changed_without_serving(tmp_path / "data", "one", "two")
        assert [row["status"] for row in rows] == ["waiting", "waiting"] and receiver.got == []
        async with at_home(tmp_path) as bear:
            await receiver.wait(2)
            await delivery(bear, ended(2))
            assert {got.json["data"]["record"]["title"] for got in receiver.got} == {"one", "two"}


async def test_what_was_queued_and_lost_its_task_gets_a_new_one(tmp_path: Path) -> None:
    async with receiving() as receiver:
        receiver.answer = "503 Later"
        async with at_home(tmp_path) as bear:
            ada = await bear.person("ada")
            await hook(ada, receiver.url)
            await ada.post("/api/v1/notes", json={"title": "bear"})
            await delivery(bear, lambda rows: bool(rows) and rows[0]["attempts"] == 1)
        receiver.answer = "200 OK"
        folder = tmp_path / "data"
        app = create_app(Settings(data_dir=folder, port=8088, **FOR_TESTS), control_token="x")
        async with app.data():
            for task in await app.records.find(SYSTEM, "tasks", where={"kind__like": "webhook.%"}):
                await app.records.update(SYSTEM, "tasks", task["id"], {"status": "interrupted"})
        async with at_home(tmp_path) as bear:
            [row] = await delivery(bear, ended(1))
            assert row["status"] == "delivered"
        first, second = receiver.got
        assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_a_webhook_hears_of_the_very_next_change_and_of_none_before(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        await ada.post("/api/v1/notes", json={"title": "before"})
        operations = [
            {"verb": "create", "model": "webhooks",
             "values": {"name": "in a batch", "url": receiver.url, "events": ["notes.create"]}},
            {"verb": "create", "model": "notes", "values": {"title": "in the same batch"}},
        ]  # fmt: skip
        assert (await ada.post("/api/v1/batch", json={"operations": operations})).status_code == 200
        await ada.post("/api/v1/notes", json={"title": "after"})
        await receiver.wait(2)
        assert {got.json["data"]["record"]["title"] for got in receiver.got} == {"in the same batch", "after"}
        await delivery(bear, ended(2))


async def test_a_filled_cap_keeps_what_is_still_to_be_sent(tmp_path: Path) -> None:
    async with (
        receiving() as receiver,
        running_bear(tmp_path / "data", webhooks_private_addresses=True, webhook_deliveries_max_bytes=10_000) as bear,
    ):
        ada = await bear.person("ada", "admin")
        receiver.answer = "503 Later"
        await hook(ada, receiver.url, events=["notes.update"])
        note = (await ada.post("/api/v1/notes", json={"title": "kept"})).json()["data"]
        await ada.patch(f"/api/v1/notes/{note['id']}", json={"title": "x" * 400})
        await delivery(bear, lambda rows: bool(rows) and rows[0]["attempts"] == 1)
        await hook(ada, receiver.url, name="second", events=["notes.create"])
        receiver.answer = "200 OK"
        for number in range(60):
            await ada.post("/api/v1/notes", json={"title": f"n{number}", "content": "y" * 300})
        rows = await delivery(bear, lambda rows: sum(row["status"] == "queued" for row in rows) == 1)
        assert rows[0]["status"] == "queued" and len(rows) < 60


async def test_a_change_that_can_not_be_read_just_then_is_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.webhooks.deliveries._RETRY_SECONDS", 0.0)
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        await hook(ada, receiver.url)
        read, failures = bear.app.records.list_page, [Busy("locked", retry_after=1.0), StorageFull("no room")]

        async def page(*asked: Any) -> Any:
            if failures:
                raise failures.pop()
            return await read(*asked)

        monkeypatch.setattr(bear.app.records, "list_page", page)
        await bear.app.records.create(SYSTEM, "notes", {"title": "told", "owner_id": bear.ids["ada"]})
        [got] = await receiver.wait(1)
        assert (got.json["data"]["record"]["title"], failures) == ("told", [])
