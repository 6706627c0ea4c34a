"""Webhooks out, end to end: a change, a signed message at a real server on this computer, and what is told of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.asgi.signatures import new_standard_secret, verify_standard
from server.records.service import Records
from server.tasks import kinds
from server.webhooks import deliveries
from server.webhooks.answer import Answer
from server.webhooks.deliveries import Deliveries
from server.webhooks.sending import Sender
from tests.conftest import Bear
from tests.server.tasks.tests_tasks_support import ended as task_ended
from tests.server.webhooks.tests_webhooks_support import Receiver, at_home, delivery, ended, hook, receiving

pytestmark = pytest.mark.anyio


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three attempts without waiting."""
    monkeypatch.setattr(deliveries, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(kinds, "_FIRST_DELAY_SECONDS", 0.0)


async def test_a_change_is_told_signed_with_the_record_and_its_answer_is_kept(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        made = await hook(ada, receiver.url)
        note = (await ada.post("/api/v1/notes", json={"title": "bear"})).json()["data"]
        [got] = await receiver.wait(1)
        assert got.json["type"] == "notes.create"
        assert got.json["data"] == {"model": "notes", "id": note["id"], "record": note}
        assert verify_standard(
            made["secret"],
            got.body,
            message_id=got.headers["webhook-id"],
            timestamp=got.headers["webhook-timestamp"],
            signature=got.headers["webhook-signature"],
            now=time.time(),
        )
        [row] = await delivery(bear, ended(1))
        assert (row["status"], row["answer_status"], row["answer_body"], row["attempts"]) == (
            "delivered", 200, "thanks", 1,
        )  # fmt: skip
        assert row["key"] == got.headers["webhook-id"] and row["payload"] == got.json
        assert made["secret"] not in (await ada.get(f"/api/v1/webhooks/{made['id']}")).text


async def test_updates_and_deletions_are_told_and_what_was_not_asked_for_is_not(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        await hook(ada, receiver.url, events=["notes.update", "notes.delete"])
        note = (await ada.post("/api/v1/notes", json={"title": "bear"})).json()["data"]
        await ada.patch(f"/api/v1/notes/{note['id']}", json={"title": "two bears"})
        [first] = await receiver.wait(1)
        await ada.delete(f"/api/v1/notes/{note['id']}")
        _, second = await receiver.wait(2)
        assert (first.json["type"], first.json["data"]["record"]["title"]) == ("notes.update", "two bears")
        assert second.json["type"] == "notes.delete"
        assert second.json["data"] == {"model": "notes", "id": note["id"], "record": None}
        await delivery(bear, ended(2))


async def test_a_filter_decides_and_what_it_leaves_out_is_not_even_kept(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        await hook(ada, receiver.url, filter=[["priority", ">=", 3]])
        for priority in (1, 3):
            await ada.post("/api/v1/notes", json={"title": "n", "priority": priority})
        [got] = await receiver.wait(1)
        assert got.json["data"]["record"]["priority"] == 3
        await delivery(bear, ended(1))


async def test_a_failure_is_tried_again_under_the_same_id_until_it_is_taken(tmp_path: Path, impatient: None) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        receiver.answers = ["500 Oops", "302 Found\r\nLocation: /elsewhere"]
        ada = await bear.person("ada")
        await hook(ada, receiver.url)
        await ada.post("/api/v1/notes", json={"title": "bear"})
        got = await receiver.wait(3)
        assert len({one.headers["webhook-id"] for one in got}) == 1 and len({one.body for one in got}) == 1
        [row] = await delivery(bear, ended(1))
        assert (row["status"], row["attempts"], row["error"], row["next_attempt_at"]) == ("delivered", 3, None, None)


async def test_the_next_attempt_is_shown_while_it_is_waited_for(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        receiver.answer = "503 Later\r\nRetry-After: 600"
        ada = await bear.person("ada")
        await hook(ada, receiver.url)
        await ada.post("/api/v1/notes", json={"title": "bear"})
        [row] = await delivery(bear, lambda rows: bool(rows) and rows[0]["next_attempt_at"] is not None)
        assert row["status"] == "queued" and row["answer_status"] == 503 and "2xx is wanted" in row["error"]


async def test_a_receiver_that_never_answers_well_is_switched_off_and_its_owner_told(
    tmp_path: Path, impatient: None
) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        receiver.answer = "500 Oops"
        ada, max_ = await bear.person("ada"), await bear.person("max")
        made = await hook(ada, receiver.url, name="broken one")
        await ada.post("/api/v1/notes", json={"title": "bear"})
        [row] = await delivery(bear, ended(1))
        assert (row["status"], row["attempts"]) == ("failed", 3)
        await _until_off(bear, made["id"])
        webhook = (await ada.get(f"/api/v1/webhooks/{made['id']}")).json()["data"]
        assert webhook["disabled_because"] == "It answered 500; 2xx is wanted."
        told = await bear.app.records.find(SYSTEM, "notifications", where={"source": "webhooks"})
        assert [(row["owner_id"], row["title"]) for row in told] == [
            (bear.ids["ada"], "The webhook broken one was switched off")
        ]
        await ada.post("/api/v1/notes", json={"title": "more"})
        assert len(await bear.app.records.find(SYSTEM, "webhook_deliveries")) == 1
        again = await ada.patch(f"/api/v1/webhooks/{made['id']}", json={"enabled": True})
        assert again.json()["data"]["disabled_because"] is None
        assert (await max_.get("/api/v1/webhooks")).status_code == 403


async def _until_off(bear: object, webhook_id: int) -> None:
    records = bear.app.records  # type: ignore[attr-defined]
    async with asyncio.timeout(30):
        while (await records.get(SYSTEM, "webhooks", webhook_id))["enabled"] or not await records.find(
            SYSTEM, "notifications", where={"source": "webhooks"}
        ):
            await asyncio.sleep(0)


async def test_who_answers_that_they_are_gone_gets_no_second_attempt(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        receiver.answer = "410 Gone"
        ada = await bear.person("ada")
        made = await hook(ada, receiver.url)
        await ada.post("/api/v1/notes", json={"title": "bear"})
        [row] = await delivery(bear, ended(1))
        assert (row["status"], row["attempts"]) == ("failed", 1)
        await _until_off(bear, made["id"])


@pytest.mark.parametrize("change", ["url", "secret"])
async def test_a_webhook_that_is_mended_while_its_last_attempt_is_under_way_stays_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    async with receiving() as receiver, receiving() as other, at_home(tmp_path) as bear:
        receiver.answer = "410 Gone"
        ada = await bear.person("ada")
        made = await hook(ada, receiver.url)
        send = Sender.send
        mended = {"url": other.url, "secret": new_standard_secret()}

        async def and_meanwhile(*given: Any) -> Answer:
            answer = await send(*given)
            changed = await ada.patch(f"/api/v1/webhooks/{made['id']}", json={change: mended[change]})
            assert changed.status_code == 200, changed.text
            return answer

        monkeypatch.setattr(Sender, "send", and_meanwhile)
        await ada.post("/api/v1/notes", json={"title": "bear"})
        [row] = await delivery(bear, ended(1))
        assert row["status"] == "failed"
        [task] = await bear.app.records.find(SYSTEM, "tasks", where={"kind": f"webhook.{made['id']}"})
        await task_ended(bear, task["key"])
        webhook = await bear.app.records.get(SYSTEM, "webhooks", made["id"])
        assert (webhook["enabled"], webhook["disabled_because"]) == (True, None)


async def test_a_webhook_whose_mending_is_written_just_before_it_is_given_up_stays_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver, receiving() as other, at_home(tmp_path) as bear:
        receiver.answer = "410 Gone"
        ada = await bear.person("ada")
        made = await hook(ada, receiver.url)
        work = Records.work

        async def behind_the_change(self: Records, actor: Actor, run: Any, models: tuple[str, ...], **more: Any) -> Any:
            if actor is SYSTEM and models == ("webhooks",):
                monkeypatch.undo()
                changed = await ada.patch(f"/api/v1/webhooks/{made['id']}", json={"url": other.url})
                assert changed.status_code == 200, changed.text
            return await work(self, actor, run, models, **more)

        monkeypatch.setattr(Records, "work", behind_the_change)
        await ada.post("/api/v1/notes", json={"title": "bear"})
        await delivery(bear, ended(1))
        [task] = await bear.app.records.find(SYSTEM, "tasks", where={"kind": f"webhook.{made['id']}"})
        await task_ended(bear, task["key"])
        webhook = await bear.app.records.get(SYSTEM, "webhooks", made["id"])
        assert (webhook["url"], webhook["enabled"], webhook["disabled_because"]) == (other.url, True, None)
        assert await bear.app.records.find(SYSTEM, "notifications", where={"source": "webhooks"}) == []


async def once_delivered(bear: Bear, ada: httpx2.AsyncClient, receiver: Receiver) -> str:
    """Where a delivery that has arrived is sent again."""
    await hook(ada, receiver.url)
    await ada.post("/api/v1/notes", json={"title": "bear"})
    [row] = await delivery(bear, ended(1))
    return f"/api/v1/webhook_deliveries/{row['id']}/redeliver"


async def test_a_delivery_that_two_send_again_at_once_is_sent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        path = await once_delivered(bear, ada, receiver)
        changeable, send, go_on = Deliveries._changeable, Sender.send, asyncio.Event()

        async def and_another_meanwhile(*given: Any) -> dict[str, Any]:
            webhook = await changeable(*given)
            monkeypatch.setattr(Deliveries, "_changeable", changeable)
            assert (await ada.post(path)).status_code == 202
            return webhook

        async def later(*given: Any) -> Answer:
            await go_on.wait()
            return await send(*given)

        monkeypatch.setattr(Sender, "send", later)
        monkeypatch.setattr(Deliveries, "_changeable", and_another_meanwhile)
        answer = await ada.post(path)
        go_on.set()
        assert (answer.status_code, answer.json().get("code")) == (409, "delivery_open")
        for task in await bear.app.records.find(SYSTEM, "tasks", where={"kind__like": "webhook.%"}):
            await task_ended(bear, task["key"])
        assert len(receiver.got) == 2


async def test_a_webhook_is_tried_at_once_also_when_it_is_off(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        made = await hook(ada, receiver.url, enabled=False)
        answer = await ada.post(f"/api/v1/webhooks/{made['id']}/test")
        assert answer.json()["data"]["status"] == "delivered" and receiver.got[0].json["type"] == "webhook.test"
        receiver.answer = "404 Not Found"
        answer = await ada.post(f"/api/v1/webhooks/{made['id']}/test")
        assert answer.json()["data"]["status"] == "failed" and answer.json()["data"]["answer_status"] == 404
        assert (await ada.get(f"/api/v1/webhooks/{made['id']}")).json()["data"]["disabled_because"] is None


async def test_an_ended_delivery_is_sent_again_as_it_was(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        await hook(ada, receiver.url)
        note = (await ada.post("/api/v1/notes", json={"title": "bear"})).json()["data"]
        [row] = await delivery(bear, ended(1))
        await ada.delete(f"/api/v1/notes/{note['id']}")
        await receiver.wait(2)
        answer = await ada.post(f"/api/v1/webhook_deliveries/{row['id']}/redeliver")
        assert answer.status_code == 202 and answer.json()["data"]["status"] in ("queued", "delivered")
        got = await receiver.wait(3)
        assert got[2].body == got[0].body and got[2].headers["webhook-id"] == got[0].headers["webhook-id"]
        await delivery(bear, ended(2))
        assert (await ada.post("/api/v1/webhook_deliveries/999/redeliver")).status_code == 404


async def test_a_delivery_that_a_full_disk_keeps_from_being_sent_again_can_be_sent_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        path, storage = await once_delivered(bear, ada, receiver), bear.app.storage_watch.storage
        monkeypatch.setattr(storage, "condition", replace(storage.condition, state="read_only"))
        assert (await ada.post(path)).status_code == 507
        monkeypatch.undo()
        assert (await ada.post(path)).status_code == 202
        await receiver.wait(2)
        await delivery(bear, ended(1))


async def test_a_webhook_that_is_deleted_takes_its_deliveries_along(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        made = await hook(ada, receiver.url)
        await ada.post("/api/v1/notes", json={"title": "bear"})
        await delivery(bear, ended(1))
        assert (await ada.delete(f"/api/v1/webhooks/{made['id']}")).status_code == 200
        assert await bear.app.records.find(SYSTEM, "webhook_deliveries") == []
        await ada.post("/api/v1/notes", json={"title": "more"})
        assert await bear.app.records.find(SYSTEM, "webhook_deliveries") == []


async def test_many_notes_of_a_batch_are_told_one_by_one(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        await hook(ada, receiver.url)
        operations = [{"verb": "create", "model": "notes", "values": {"title": f"n{i}"}} for i in range(40)]
        assert (await ada.post("/api/v1/batch", json={"operations": operations})).status_code == 200
        await asyncio.gather(*(ada.post("/api/v1/notes", json={"title": f"m{i}"}) for i in range(40)))
        await receiver.wait(80)
        rows = await delivery(bear, ended(80))
        assert {row["status"] for row in rows} == {"delivered"}
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 80


async def test_a_change_that_was_undone_tells_nobody(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        await hook(ada, receiver.url)
        operations = [
            {"verb": "create", "model": "notes", "values": {"title": "n"}},
            {"verb": "delete", "model": "notes", "id": 999},
        ]
        assert (await ada.post("/api/v1/batch", json={"operations": operations})).status_code == 404
        assert (await ada.post("/api/v1/batch?dry_run=true", json={"operations": operations[:1]})).status_code == 200
        assert await bear.app.records.find(SYSTEM, "webhook_deliveries") == []
        assert receiver.got == []


async def test_a_filter_by_a_dropped_field_fails_visibly_and_its_deliveries_are_sent_once_it_is_mended(
    tmp_path: Path,
) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        deals = {"name": "deals", "label": "Deal", "fields": [{"name": "state", "type": "text"}]}
        assert (await ada.post("/api/v1/models", json=deals)).status_code == 201
        made = await hook(ada, receiver.url, events=["deals"], filter=[["state", "=", "won"]])
        changed = {"fields": [{"name": "status", "type": "text"}]}
        assert (await ada.patch("/api/v1/models/deals", json=changed)).status_code == 200
        assert (await ada.post("/api/v1/deals", json={"status": "won"})).status_code == 201
        [row] = await delivery(bear, ended(1))
        assert (row["status"], row["error"]) == ("failed", "deals has no state, which the filter names.")
        mended = {"filter": [["status", "=", "won"]]}
        assert (await ada.patch(f"/api/v1/webhooks/{made['id']}", json=mended)).status_code == 200
        assert (await ada.post(f"/api/v1/webhook_deliveries/{row['id']}/redeliver")).status_code == 202
        [got] = await receiver.wait(1)
        assert got.json["data"]["record"]["status"] == "won"
        [row] = await delivery(bear, ended(1))
        assert row["status"] == "delivered"
