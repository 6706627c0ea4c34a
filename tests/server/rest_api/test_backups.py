"""Backups over REST: admins alone; made, fetched, sent, checked, deleted."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import threading
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from server.backup.archive_reader import Archive
from tests.conftest import Bear
from tests.server.rest_api.tests_backup_support import URL

pytestmark = pytest.mark.anyio

ADDRESSES = [
    ("GET", ""),
    ("POST", ""),
    ("GET", "/status"),
    ("POST", "/upload"),
    ("POST", "/restore/undo"),
    ("GET", "/{name}/content"),
    ("HEAD", "/{name}/content"),
    ("DELETE", "/{name}"),
    ("POST", "/{name}/check"),
    ("POST", "/{name}/restore"),
]


async def made(admin: httpx2.AsyncClient) -> str:
    answer = await admin.post(URL, json={"without_phrase": True})
    assert answer.status_code == 201, answer.text
    name: str = answer.json()["data"]["name"]
    assert answer.headers["location"] == f"{URL}/{name}/content"
    return name


async def names(admin: httpx2.AsyncClient) -> list[str]:
    return [entry["name"] for entry in (await admin.get(URL)).json()["data"]]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
async def test_only_admins_come_near(
    bear: Bear,
    admin: httpx2.AsyncClient,
    member: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
    method: str,
    address: str,
) -> None:
    name = await made(admin)
    path = URL + address.format(name=name)
    for client, status in ((nobody, 401), (guest_role, 403), (member, 403)):
        for tried in (path, URL + address.format(name="backup-nowhere.zip")):
            answer = await client.request(method, tried)
            assert answer.status_code == status, (tried, answer.text)
            assert name not in answer.text
    reading = await bear.person("ada", scopes=["api:read"])
    allowed = (method, address) in (("GET", ""), ("GET", "/status"))
    assert (await reading.request(method, path)).status_code == (200 if allowed else 403)
    assert await names(admin) == [name]


async def test_every_address_is_in_the_document(admin: httpx2.AsyncClient) -> None:
    paths = (await admin.get("/api/openapi.json")).json()["paths"]
    for method, address in ADDRESSES:
        operation = paths[URL + address][method.lower()]
        assert operation["summary"]
        shown = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert shown and all(answer["content"] for answer in shown), (method, address)


async def test_a_server_set_up_just_now_makes_its_first_backup_later(admin: httpx2.AsyncClient) -> None:
    await admin.post("/api/v1/settings", json={"name": "backup_schedule", "value": "every 6 hours"})
    soon = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    assert (await admin.get(f"{URL}/status")).json()["data"]["next_at"] > soon


async def test_a_backup_is_made_listed_checked_fetched_and_deleted(admin: httpx2.AsyncClient) -> None:
    await admin.post("/api/v1/notes", json={"title": "kept"})
    name = await made(admin)
    [entry] = (await admin.get(URL)).json()["data"]
    assert (entry["name"], entry["kind"], entry["reason"], entry["made_by"]) == (name, "backup", "manual", "ada")
    assert (entry["counts"]["notes"], entry["secrets"], entry["problem"]) == (1, "none", None)
    assert (await admin.post(f"{URL}/{name}/check")).json()["data"] == entry
    status = (await admin.get(f"{URL}/status")).json()["data"]
    assert status["running"] is None and status["last"]["name"] == name and status["last"]["error"] is None
    assert status["next_at"] > entry["made_at"]

    fetched = await admin.get(f"{URL}/{name}/content")
    assert fetched.headers["content-type"] == "application/zip" and "no-store" in fetched.headers["cache-control"]
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        assert json.loads(archive.read("manifest.json"))["counts"]["notes"] == 1
    head = await admin.head(f"{URL}/{name}/content")
    assert int(head.headers["content-length"]) == len(fetched.content) == entry["size"] and head.content == b""
    part = await admin.get(f"{URL}/{name}/content", headers={"range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == fetched.content[10:20]

    assert (await admin.delete(f"{URL}/{name}")).json() == {"ok": True, "data": None}
    assert await names(admin) == []
    assert (await admin.get(f"{URL}/{name}/content")).json()["code"] == "unknown_backup"


async def test_the_first_backup_wants_a_recovery_phrase(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post(URL)
    assert (answer.status_code, answer.json()["code"]) == (409, "recovery_phrase_needed")
    assert await names(admin) == []


async def test_a_backup_of_elsewhere_is_taken_in(admin: httpx2.AsyncClient) -> None:
    name = await made(admin)
    content = (await admin.get(f"{URL}/{name}/content")).content
    await admin.delete(f"{URL}/{name}")
    answer = await admin.post(f"{URL}/upload", content=content)
    assert answer.status_code == 201, answer.text
    entry = answer.json()["data"]
    assert entry["name"].startswith("upload-") and entry["counts"]["users"] == 1
    assert await names(admin) == [entry["name"]]


async def test_two_uploads_of_one_moment_are_two_backups(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime(2026, 6, 1, 12, 0, 0, 999_500, tzinfo=UTC)
    contents = []
    for _ in range(2):
        name = await made(admin)
        contents.append((await admin.get(f"{URL}/{name}/content")).content)
        await admin.delete(f"{URL}/{name}")
    monkeypatch.setattr(bear.app.backups, "clock", lambda: moment)
    for content in contents:
        assert (await admin.post(f"{URL}/upload", content=content)).status_code == 201
    assert sorted(await names(admin)) == ["upload-20260601T120000999Z.zip", "upload-20260601T120001000Z.zip"]
    kept = [(await admin.get(f"{URL}/{name}/content")).content for name in sorted(await names(admin))]
    assert kept == contents


async def test_garbage_is_refused_and_nothing_of_it_stays(
    bear: Bear, admin: httpx2.AsyncClient, tmp_path: Path
) -> None:
    good = (await admin.get(f"{URL}/{await made(admin)}/content")).content
    flipped = bytearray(good)
    flipped[200] ^= 1
    before = sorted(path.name for path in (tmp_path / "data" / "backups").iterdir())
    for garbage in (b"", b"hello", b"PK\x03\x04" + b"\0" * 5000, good[:-100], bytes(flipped)):
        answer = await admin.post(f"{URL}/upload", content=garbage)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_backup"), answer.text
        assert ".upload-" not in answer.text
    assert sorted(path.name for path in (tmp_path / "data" / "backups").iterdir()) == before
    assert list((tmp_path / "data" / "tmp").iterdir()) == []


async def test_a_file_that_went_bad_is_listed_with_its_problem(admin: httpx2.AsyncClient, tmp_path: Path) -> None:
    name = await made(admin)
    path = tmp_path / "data" / "backups" / name
    path.write_bytes(path.read_bytes()[:-50])
    [entry] = (await admin.get(URL)).json()["data"]
    assert "not whole" in entry["problem"] and entry["counts"] == {} and entry["kind"] is None
    for what in ("check", "restore"):
        assert (await admin.post(f"{URL}/{name}/{what}")).json()["code"] == "bad_backup"


@pytest.mark.parametrize("name", ["..%2F..%2Fgridbear.db", "gridbear.db", ".hidden.zip", "a%00.zip", "%2Fetc%2Fpasswd"])
async def test_no_name_leads_out_of_the_folder(admin: httpx2.AsyncClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "data" / "backups" / ".hidden.zip").write_bytes(b"x")
    for method, address in ADDRESSES[5:]:
        answer = await admin.request(method, f"{URL}/{name}{address.removeprefix('/{name}')}")
        assert answer.status_code == 404, (method, address, answer.text)
    assert (tmp_path / "data" / "gridbear.db").exists()


@pytest.mark.parametrize(
    ("address", "body", "field"),
    [
        ("", {"kind": "copy"}, "kind"),
        ("", {"without_phrase": "yes"}, "without_phrase"),
        ("", {"more": 1}, "more"),
        ("/{name}/restore", {"phrase": 7}, "phrase"),
        ("/{name}/restore", {"dry": True}, "dry"),
        ("/restore/undo", {"name": []}, "name"),
    ],
)
async def test_a_wrong_body_is_told_by_field(
    admin: httpx2.AsyncClient, address: str, body: dict[str, object], field: str
) -> None:
    answer = await admin.post(URL + address.format(name=await made(admin)), json=body)
    assert answer.status_code == 422 and list(answer.json()["fields"]) == [field], answer.text


async def test_one_thing_at_a_time(bear: Bear, admin: httpx2.AsyncClient) -> None:
    jobs = bear.app.backups._jobs
    seen: list[httpx2.Response] = []
    go = threading.Event()

    def waits(_stop: Any, told: Any) -> None:
        told(0.25)
        go.wait(10)

    running = asyncio.ensure_future(jobs.alone("backup", waits))
    while jobs.running is None or jobs.running.progress == 0:
        await asyncio.sleep(0)
    seen.append(await admin.post(URL, json={"without_phrase": True}))
    status = (await admin.get(f"{URL}/status")).json()["data"]
    go.set()
    await running
    assert (seen[0].status_code, seen[0].json()["code"]) == (409, "backup_running")
    assert (status["running"]["what"], status["running"]["progress"]) == ("backup", 0.25)


async def test_a_backup_that_is_deleted_while_it_is_checked_is_not_there_any_more(
    admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = Archive.verify

    def and_it_goes(archive: Archive, *given: Any, **more: Any) -> None:
        verify(archive, *given, **more)
        archive.path.unlink()

    monkeypatch.setattr(Archive, "verify", and_it_goes)
    for path, body in (("check", {}), ("restore", {"dry_run": True})):
        with monkeypatch.context() as undisturbed:
            undisturbed.setattr(Archive, "verify", verify)
            name = await made(admin)
        answer = await admin.post(f"{URL}/{name}/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_backup"), answer.text


async def test_a_full_disk_is_said_and_nothing_stays(
    admin: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("server.backup.making.write_archive", full)
    answer = await admin.post(URL, json={"without_phrase": True})
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full"), answer.text
    assert list((tmp_path / "data" / "tmp").iterdir()) == [] and await names(admin) == []
    status = (await admin.get(f"{URL}/status")).json()["data"]
    assert "No space left" in status["last"]["error"] and status["running"] is None


async def test_an_upload_that_does_not_fit_is_refused_before_it_is_read(
    admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.backup.upload.shutil.disk_usage", lambda _: SimpleNamespace(free=1))
    answer = await admin.post(f"{URL}/upload", content=b"x" * 100)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
