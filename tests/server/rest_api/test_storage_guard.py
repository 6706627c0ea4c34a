"""A disk that fills up and a file in doubt, as people see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.db.storage import Storage
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

MB = 1 << 20
NOTES = "/api/v1/notes"


class Disk:
    """A disk whose free space the test decides."""

    def __init__(self) -> None:
        self.free = 50_000 * MB

    def __call__(self, _folder: Path) -> int:
        return self.free


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def bear(tmp_path: Path, disk: Disk, anyio_backend: str) -> AsyncIterator[Bear]:
    limits = {"storage_logs_stop_bytes": 1024 * MB, "storage_read_only_bytes": 200 * MB}
    async with running_bear(tmp_path / "data", disk, **limits) as running:
        yield running


def storage_of(bear: Bear) -> Storage:
    return bear.app.storage_watch.storage


async def left(bear: Bear, disk: Disk, megabytes: int) -> None:
    """Have so much free, look, and let admins be told."""
    disk.free = megabytes * MB
    storage_of(bear).look()
    await bear.app.storage_watch.settled()


async def titles(client: httpx2.AsyncClient) -> list[str]:
    rows = (await client.get("/api/v1/notifications?category=storage&sort=id")).json()["data"]
    return [row["title"] for row in rows]


async def storage_shown(client: httpx2.AsyncClient) -> dict[str, Any]:
    shown: dict[str, Any] = (await client.get("/api/v1/server")).json()["data"]["storage"]
    return shown


async def test_logs_stop_first_and_records_go_on(
    bear: Bear, disk: Disk, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    first = (await member.post(NOTES, json={"title": "before"})).json()["data"]
    await left(bear, disk, 900)
    second = await member.post(NOTES, json={"title": "after"})
    assert second.status_code == 201
    assert (await member.patch(f"{NOTES}/{first['id']}", json={"done": True})).status_code == 200
    entries = await bear.app.records.find(SYSTEM, "history", where={"model": "notes"})
    assert [(entry["record_id"], entry["verb"]) for entry in entries] == [(first["id"], "create")]
    assert await titles(admin) == ["The disk is nearly full: logs have stopped"]
    assert await titles(member) == []
    await left(bear, disk, 5000)
    assert (await member.patch(f"{NOTES}/{first['id']}", json={"done": False})).status_code == 200
    assert len(await bear.app.records.find(SYSTEM, "history", where={"model": "notes"})) == 2
    assert (await titles(admin))[1:] == ["The disk has room again"]


async def test_a_webhook_delivery_is_refused_and_not_lost_unnoticed(
    bear: Bear, disk: Disk, admin: httpx2.AsyncClient
) -> None:
    await left(bear, disk, 900)
    values = {"event": "push", "delivery_id": "1", "size": 2, "body": "{}"}
    with pytest.raises(Exception, match="take no new rows") as refused:
        await bear.app.records.create(SYSTEM, "webhook_inbox_deliveries", values)
    assert getattr(refused.value, "code", "") == "logs_stopped"


async def test_a_low_disk_refuses_every_way_of_writing_and_goes_on_by_itself(
    bear: Bear, disk: Disk, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    note = (await member.post(NOTES, json={"title": "kept"})).json()["data"]
    await left(bear, disk, 150)
    attempts = [
        await member.post(NOTES, json={"title": "no"}),
        await member.put(f"{NOTES}/{note['id']}", json={"title": "no"}),
        await member.patch(f"{NOTES}/{note['id']}", json={"title": "no"}),
        await member.patch(f"{NOTES}/bulk?all=true", json={"done": True}),
        await member.post(f"{NOTES}/import?format=json", content='[{"title": "no"}]'),
        await member.post(f"{NOTES}/import?format=json&mode=skip_bad", content='[{"title": "no"}]'),
        await admin.post("/api/v1/users?upsert=username", json={"username": "new", "password": "long enough 77"}),
        await admin.post("/api/v1/models", json={"name": "books", "label": "Book", "label_plural": "Books",
                                                 "fields": [{"name": "title", "type": "text"}]}),
        await member.post("/api/v1/batch", json={"operations": [
            {"verb": "delete", "model": "notes", "id": note["id"]},
            {"verb": "create", "model": "notes", "values": {"title": "no"}},
        ]}),
    ]  # fmt: skip
    attempts.append(await member.post("/api/v1/files", files={"file": ("no.txt", b"no", "text/plain")}))
    for answer in attempts:
        assert answer.status_code == 507, answer.text
        body = answer.json()
        assert body["code"] == "storage_low" and "150 MB are free" in body["error"] and "Free some" in body["error"]
    assert (await member.get(f"{NOTES}/{note['id']}")).json()["data"]["title"] == "kept"
    assert (await member.get(NOTES)).json()["count"] == 1
    await left(bear, disk, 5000)
    assert (await member.post(NOTES, json={"title": "yes"})).status_code == 201
    assert await titles(admin) == ["The disk is full: nothing new is written", "The disk has room again"]


async def test_on_a_low_disk_people_sign_in_and_delete(
    bear: Bear, disk: Disk, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    ids = [(await member.post(NOTES, json={"title": f"note {n}"})).json()["data"]["id"] for n in range(4)]
    await left(bear, disk, 150)
    browser = await bear.signed_in("max")
    assert (await browser.delete(f"{NOTES}/{ids[0]}")).status_code == 200
    deletion = {"operations": [{"verb": "delete", "model": "notes", "id": ids[1]}]}
    assert (await member.post("/api/v1/batch", json=deletion)).status_code == 200
    assert (await member.delete(f"{NOTES}/bulk?title=note 2")).status_code == 200
    assert (await member.get(NOTES)).json()["count"] == 1
    assert (await browser.post("/auth/logout")).status_code in (200, 204, 303)


async def test_an_admin_changes_the_limits_while_nothing_else_can_be_written(tmp_path: Path, disk: Disk) -> None:
    disk.free = 150 * MB
    limits = tmp_path / "live"
    async with running_bear(limits, storage_logs_stop_bytes=None, storage_read_only_bytes=None) as bear:
        admin = await bear.person("ada", "admin")
        storage_of(bear)._free = disk
        await left(bear, disk, 150)
        assert (await admin.post(NOTES, json={"title": "no"})).status_code == 507
        changed = await admin.post("/api/v1/settings", json={"name": "storage_read_only_bytes", "value": 100 * MB})
        assert changed.status_code == 201, changed.text
        await left(bear, disk, 150)
        assert (await admin.post(NOTES, json={"title": "yes"})).status_code == 201


async def test_who_sees_what_of_the_storage(
    bear: Bear, disk: Disk, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:  # fmt: skip
    await member.post(NOTES, json={"title": "a row of history"})
    await left(bear, disk, 150)
    shown = await storage_shown(admin)
    assert shown["state"] == "read_only" and shown["free_bytes"] == 150 * MB
    assert shown["space"]["database_bytes"] > 0 and shown["space"]["wal_bytes"] > 0
    assert 0 < shown["space"]["logs"]["history"]["bytes"] < 2000
    for client in (member, guest_role):
        seen = await storage_shown(client)
        assert seen["state"] == "read_only" and "Free some space" in seen["message"] and seen["since"]
        assert seen["free_bytes"] is None and seen["space"] is None and seen["check"] is None
    assert (await nobody.get("/api/v1/server")).status_code == 401
    assert (await nobody.get("/healthz")).json() == {"status": "ok"}


async def test_trouble_in_the_file_stops_every_write_until_an_admin_decides(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await member.post(NOTES, json={"title": "kept"})
    storage_of(bear).failed("read_failed")
    refused = await member.post(NOTES, json={"title": "no"})
    assert refused.status_code == 507 and refused.json()["code"] == "recovery_mode"
    assert "gridbear restore" in refused.json()["error"]
    for answer in (await member.delete(f"{NOTES}/1"), await member.patch(f"{NOTES}/1", json={"done": True})):
        assert answer.json()["code"] == "recovery_mode"
    assert (await member.get(NOTES)).json()["count"] == 1
    await bear.app.storage_watch.settled()
    shown = await storage_shown(admin)
    assert shown["trouble"] == "read_failed" and shown["check"]["state"] == "whole"
    assert (await storage_shown(member))["check"] is None
    assert (await admin.post("/api/v1/server/go-on")).json()["data"]["state"] == "ok"
    assert (await member.post(NOTES, json={"title": "yes"})).status_code == 201


async def test_only_admins_check_the_file_and_decide(
    bear: Bear, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    storage_of(bear).failed("read_failed")
    await bear.app.storage_watch.settled()
    for address in ("/api/v1/server/check-file", "/api/v1/server/go-on"):
        assert (await member.post(address)).status_code == 403
        assert (await guest_role.post(address)).status_code == 403
        assert (await nobody.post(address)).status_code == 401
    assert storage_of(bear).in_recovery


async def test_going_on_needs_trouble_and_a_check_that_found_the_file_whole(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    nothing_to_decide = await admin.post("/api/v1/server/go-on")
    assert nothing_to_decide.status_code == 409 and nothing_to_decide.json()["code"] == "not_in_recovery"
    assert (await admin.post("/api/v1/server/check-file")).status_code == 202
    await bear.app.storage_watch.settled()
    assert (await storage_shown(admin))["check"]["state"] == "whole"


async def test_a_file_that_is_moved_away_loses_no_acknowledged_write(
    bear: Bear, tmp_path: Path, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    database = tmp_path / "data" / "gridbear.db"
    assert (await member.post(NOTES, json={"title": "kept"})).status_code == 201
    database.rename(tmp_path / "elsewhere.db")
    refused = await member.post(NOTES, json={"title": "no"})
    assert refused.status_code == 507 and refused.json()["code"] == "recovery_mode"
    assert not database.exists(), "never a fresh start beside the old file"
    assert (await member.get(f"{NOTES}?title__like=ke%25&q=kept")).json()["count"] == 1
    await bear.app.storage_watch.settled()
    assert (await storage_shown(admin))["trouble"] == "vanished"
    assert (await admin.post("/api/v1/server/go-on")).json()["code"] == "not_whole"
    (tmp_path / "elsewhere.db").rename(database)
    await admin.post("/api/v1/server/check-file")
    await bear.app.storage_watch.settled()
    assert (await admin.post("/api/v1/server/go-on")).status_code == 200
    assert (await member.post(NOTES, json={"title": "yes"})).status_code == 201
