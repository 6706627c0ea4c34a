"""Whose webhook it is decides what it is told; who may make, change and try one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear
from tests.server.webhooks.tests_webhooks_support import NOTES, at_home, delivery, ended, hook, receiving

pytestmark = pytest.mark.anyio
ELSEWHERE = "https://receiver.example/hook"


async def allow_members(admin: httpx2.AsyncClient) -> None:
    """An admin lets members have webhooks of their own."""
    rule = {"model": "webhooks", "role": "member", "verb": "any", "extent": "own"}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201


async def test_only_admins_make_webhooks_until_a_rule_says_otherwise(
    member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    given = {**NOTES, "url": ELSEWHERE}
    for who, status in ((nobody, 401), (guest_role, 403), (member, 403), (admin, 201)):
        assert (await who.post("/api/v1/webhooks", json=given)).status_code == status
    await allow_members(admin)
    assert (await member.post("/api/v1/webhooks", json=given)).status_code == 201
    assert [row["id"] for row in (await member.get("/api/v1/webhooks")).json()["data"]] == [2]


async def test_a_member_hears_of_their_own_notes_alone_also_of_deletions(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada, max_, olga = [await bear.person(name) for name in ("ada", "max", "olga")]
        await allow_members(ada)
        await hook(max_, receiver.url)
        secret = (await olga.post("/api/v1/notes", json={"title": "olga's"})).json()["data"]
        await olga.patch(f"/api/v1/notes/{secret['id']}", json={"title": "still olga's"})
        await olga.delete(f"/api/v1/notes/{secret['id']}")
        await max_.post("/api/v1/notes", json={"title": "max's"})
        [got] = await receiver.wait(1)
        assert got.json["data"]["record"]["title"] == "max's"
        [row] = await delivery(bear, ended(1))
        assert row["owner_id"] == bear.ids["max"]
        assert (await olga.get("/api/v1/webhook_deliveries")).json()["data"] == []
        assert (await olga.post(f"/api/v1/webhook_deliveries/{row['id']}/redeliver")).status_code == 404


async def test_who_may_not_enter_any_more_hears_nothing(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada, bea = await bear.person("ada"), await bear.person("bea", "admin")
        made = await hook(bea, receiver.url)
        await ada.post("/api/v1/notes", json={"title": "before"})
        [row] = await delivery(bear, ended(1))
        assert (await ada.patch(f"/api/v1/users/{bear.ids['bea']}", json={"is_active": False})).status_code == 200
        await ada.post("/api/v1/notes", json={"title": "after"})
        await delivery(bear, ended(1))
        assert (await ada.post(f"/api/v1/webhooks/{made['id']}/test")).status_code == 409
        assert (await ada.post(f"/api/v1/webhook_deliveries/{row['id']}/redeliver")).status_code == 202
        [row] = await delivery(bear, ended(1))
        assert row["status"] == "failed" and "may not read" in row["error"]
        assert len(receiver.got) == 1


async def test_hidden_fields_are_neither_told_nor_asked_by_a_filter(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada, max_ = await bear.person("ada"), await bear.person("max")
        await allow_members(ada)
        await hook(max_, receiver.url, filter=[["priority", ">=", 1]], name="asks")
        await hook(max_, receiver.url, name="plain")
        rule = {"model": "notes", "role": "member", "verb": "any", "extent": "own", "hidden_fields": ["priority"]}
        assert (await ada.post("/api/v1/access_rules", json=rule)).status_code == 201
        await bear.app.records.create(SYSTEM, "notes", {"title": "n", "priority": 3, "owner_id": bear.ids["max"]})
        [got] = await receiver.wait(1)
        assert "priority" not in got.json["data"]["record"]
        [row] = await delivery(bear, ended(1))
        assert row["webhook_id"] == 2
        answer = await max_.post(
            "/api/v1/webhooks", json={**NOTES, "url": receiver.url, "filter": [["priority", "=", 1]]}
        )
        assert answer.status_code == 422 and "filter" in answer.json()["fields"]


async def test_what_was_hidden_since_is_not_told_by_a_delivery_that_is_sent_again(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada, max_ = await bear.person("ada"), await bear.person("max")
        await allow_members(ada)
        await hook(max_, receiver.url)
        await bear.app.records.create(SYSTEM, "notes", {"title": "n", "priority": 3, "owner_id": bear.ids["max"]})
        [row] = await delivery(bear, ended(1))
        rule = {"model": "notes", "role": "member", "verb": "any", "extent": "own", "hidden_fields": ["priority"]}
        assert (await ada.post("/api/v1/access_rules", json=rule)).status_code == 201
        again = await max_.post(f"/api/v1/webhook_deliveries/{row['id']}/redeliver")
        assert again.status_code in (200, 202), again.text
        first, second = await receiver.wait(2)
        assert first.json["data"]["record"]["priority"] == 3
        assert second.json["data"]["record"]["title"] == "n" and "priority" not in second.json["data"]["record"]


_WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"url": "http://receiver.example/"}, "url", "not_https"),
    ({"url": "https://127.0.0.1/"}, "url", "private_address"),
    ({"url": "https://[::ffff:10.0.0.1]/"}, "url", "private_address"),
    ({"url": "https://169.254.169.254/"}, "url", "private_address"),
    ({"url": "https://localhost/"}, "url", "private_address"),
    ({"url": "https://me:secret@receiver.example/"}, "url", "credentials"),
    ({"events": []}, "events", "required"),
    ({"events": ["nothing"]}, "events", "unknown_model"),
    ({"events": ["notes.burn"]}, "events", "unknown_event"),
    ({"events": ["webhook_deliveries"]}, "events", "untold_model"),
    ({"events": ["tasks"]}, "events", "untold_model"),
    ({"events": ["secrets"]}, "events", "untold_model"),
    ({"filter": [["nothing", "=", 1]]}, "filter", "unknown_field"),
    ({"filter": {"priority": 1}}, "filter", "wrong_type"),
    ({"secret": "short"}, "secret", "not_a_secret"),
]


async def test_what_could_not_work_is_refused_by_field(admin: httpx2.AsyncClient) -> None:
    for given, field, code in _WRONG:
        answer = await admin.post("/api/v1/webhooks", json={**NOTES, "url": ELSEWHERE, **given})
        assert answer.status_code == 422, answer.text
        assert answer.json()["fields"][field]["code"] == code, given


async def test_the_filter_fits_the_events_also_when_one_of_them_changes(admin: httpx2.AsyncClient) -> None:
    made = {**NOTES, "url": ELSEWHERE, "filter": [["priority", ">=", 3]]}
    where = f"/api/v1/webhooks/{(await admin.post('/api/v1/webhooks', json=made)).json()['data']['id']}"
    assert (await admin.patch(where, json={"events": ["users"]})).json()["fields"]["filter"]["code"] == "unknown_field"
    assert (await admin.patch(where, json={"events": ["users"], "filter": None})).status_code == 200
    assert (await admin.patch(where, json={"secret": None})).status_code == 422


async def test_nobody_turns_another_persons_webhook_to_an_address_of_theirs(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    member = await bear.person("max")
    for verb in ("list", "read", "update"):
        rule = {"model": "webhooks", "role": "member", "verb": verb, "extent": "all"}
        assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    made = (await admin.post("/api/v1/webhooks", json={**NOTES, "url": ELSEWHERE})).json()["data"]
    theirs = f"/api/v1/webhooks/{made['id']}"
    assert (await member.patch(theirs, json={"url": "https://evil.example/"})).status_code == 403
    assert (
        await member.patch("/api/v1/webhooks/bulk?name=hook", json={"url": "https://evil.example/"})
    ).status_code == 403
    assert (await member.post(f"{theirs}/test")).status_code == 404
    assert (await admin.get(theirs)).json()["data"]["url"] == ELSEWHERE
