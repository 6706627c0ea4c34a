"""Files that nothing refers to: marked, removed in time, kept while a record may come back; crashes leave no mess."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.db.content_store import Draft
from server.errors import StorageFull
from server.records.file_reclaim import FileReclaim, Reclaimed
from server.records.history import History
from tests.conftest import Bear, running_bear
from tests.server.rest_api.tests_files_support import PNG, URL, bytes_kept, upload, uploaded

pytestmark = pytest.mark.anyio
NOTHING = Reclaimed(0, 0)


class Clock:
    """Days from now on."""

    def __init__(self) -> None:
        self.days = 0.0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def sweep(bear: Bear, clock: Clock) -> Reclaimed:
    """What the hourly sweep does, at the time of the clock."""
    await History(bear.app.records, clock).expire()
    return await FileReclaim(bear.app.records, bear.app._content, clock).sweep()


@pytest.fixture
async def books(admin: httpx2.AsyncClient) -> None:
    definition = {
        "name": "books",
        "label": "Book",
        "fields": [{"name": "title", "type": "text"}, {"name": "cover", "type": "file"}],
    }
    assert (await admin.post("/api/v1/models", json=definition)).status_code == 201


async def book(client: httpx2.AsyncClient, cover: int) -> str:
    answer = await client.post("/api/v1/books", json={"title": "x", "cover": cover})
    assert answer.status_code == 201, answer.text
    return f"/api/v1/books/{answer.json()['data']['id']}"


async def test_an_unused_file_goes_after_the_days_and_no_sooner(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    row = await uploaded(member, PNG)
    assert await sweep(bear, clock) == NOTHING
    clock.days = 29.9
    assert await sweep(bear, clock) == NOTHING
    assert (await member.get(f"{URL}/{row['id']}/content")).content == PNG
    clock.days = 30.1
    assert await sweep(bear, clock) == Reclaimed(1, 1)
    assert (await member.get(f"{URL}/{row['id']}")).status_code == 404
    assert (await member.get(f"{URL}/deleted")).json()["count"] == 0, "what was reclaimed can't come back"
    assert bytes_kept(bear) == set()


@pytest.mark.usefixtures("books")
async def test_a_used_file_stays_for_ever_and_a_deleted_record_takes_its_time(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    row = await uploaded(member, PNG)
    address = await book(member, row["id"])
    clock.days = 365
    assert await sweep(bear, clock) == NOTHING
    clock.days = 0
    await member.delete(address)
    await sweep(bear, clock)
    clock.days = 29.9
    assert await sweep(bear, clock) == NOTHING
    assert (await member.post(f"{address}/restore")).status_code == 200
    # Used again: the time that it was unused is forgotten.
    await sweep(bear, clock)
    clock.days = 60
    assert await sweep(bear, clock) == NOTHING
    assert (await member.get(f"{URL}/{row['id']}/content")).content == PNG


@pytest.mark.usefixtures("books")
async def test_a_file_used_between_two_sweeps_begins_anew(bear: Bear, member: httpx2.AsyncClient, clock: Clock) -> None:
    ways = []
    for number in range(4):
        row = await uploaded(member, PNG + bytes([number]))
        ways.append(row["id"])
    existing = (await member.post("/api/v1/books", json={"title": "y"})).json()["data"]["id"]
    await sweep(bear, clock)
    made = [await book(member, ways[0])]
    await member.patch(f"/api/v1/books/{existing}", json={"cover": ways[1]})
    report = await member.post("/api/v1/books/import", content=f"title,cover\nx,{ways[2]}\n".encode())
    made += [f"/api/v1/books/{existing}", f"/api/v1/books/{report.json()['data']['first_id']}"]
    for address in made:
        assert (await member.delete(address)).status_code == 200
    clock.days = 30.1
    # Only the one that nobody ever used: the others were in use since the first sweep.
    assert await sweep(bear, clock) == Reclaimed(1, 1)
    kept = [file_id for file_id in ways if (await member.get(f"{URL}/{file_id}")).status_code == 200]
    assert kept == ways[:3]


async def test_bytes_of_two_files_stay_while_one_needs_them(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, clock: Clock
) -> None:
    mine, yours = await uploaded(member, PNG), await uploaded(other, PNG)
    await member.delete(f"{URL}/{mine['id']}")
    await sweep(bear, clock)
    clock.days = 29
    assert await sweep(bear, clock) == NOTHING
    assert (await member.post(f"{URL}/{mine['id']}/restore")).status_code == 200
    await member.delete(f"{URL}/{mine['id']}")
    clock.days = 29.5
    assert await sweep(bear, clock) == NOTHING
    assert (await other.get(f"{URL}/{yours['id']}/content")).content == PNG
    clock.days = 31
    assert await sweep(bear, clock) == Reclaimed(1, 1)
    assert bytes_kept(bear) == set()


async def test_a_deleted_file_keeps_its_bytes_as_long_as_it_can_come_back(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    row = await uploaded(member, PNG)
    await member.delete(f"{URL}/{row['id']}")
    clock.days = 29.9
    assert await sweep(bear, clock) == NOTHING
    assert bytes_kept(bear) == {row["sha256"]}
    clock.days = 30.1
    assert await sweep(bear, clock) == Reclaimed(0, 1)


async def test_bytes_without_a_row_go_at_once_and_those_being_stored_do_not(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock
) -> None:
    content = bear.app._content
    draft = content.draft()
    draft.write(b"the process was killed before the row was there")
    draft.finish()
    with content.keeping(draft.sha256):
        content.put(draft)
        assert await sweep(bear, clock) == NOTHING
    assert await sweep(bear, clock) == Reclaimed(0, 1)
    assert bytes_kept(bear) == set()


async def test_a_sweep_that_was_cut_off_is_finished_by_the_next(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await uploaded(member, PNG)
    await sweep(bear, clock)
    clock.days = 31
    monkeypatch.setattr(bear.app._content, "begin_sweep", _killed)
    with pytest.raises(OSError, match="killed"):
        await sweep(bear, clock)
    assert len(bytes_kept(bear)) == 1
    assert (await member.get(URL)).json()["count"] == 0
    monkeypatch.undo()
    assert await sweep(bear, clock) == Reclaimed(0, 1)


def _killed() -> None:
    raise OSError("killed")


async def test_leftovers_of_a_killed_server_are_gone_after_the_start(tmp_path: Path, anyio_backend: str) -> None:
    async with running_bear(tmp_path / "data") as bear:
        row = await uploaded(await bear.person("max"), PNG)
    lone = tmp_path / "data" / "files" / "ab" / ("ab" * 32)
    lone.parent.mkdir(exist_ok=True)
    lone.write_bytes(b"bytes without a row")
    half = tmp_path / "data" / "tmp" / "upload-1234"
    half.write_bytes(b"half")
    async with running_bear(tmp_path / "data") as bear:
        assert not half.exists()
        for _ in range(1000):
            if not lone.exists():
                break
            await asyncio.sleep(0)
        await FileReclaim(bear.app.records, bear.app._content).sweep()
        assert bytes_kept(bear) == {row["sha256"]}


async def test_a_refused_row_leaves_no_bytes(
    bear: Bear, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any, **__: Any) -> None:
        raise StorageFull("no room for the row")

    monkeypatch.setattr(bear.app.records, "work", refused)
    assert (await upload(member, PNG)).status_code == 507
    assert bytes_kept(bear) == set()


async def test_a_low_disk_does_not_keep_files_from_being_reclaimed(
    bear: Bear, member: httpx2.AsyncClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await uploaded(member, PNG)
    await sweep(bear, clock)
    clock.days = 31
    storage = bear.app.records.shelf.store.storage
    monkeypatch.setattr(storage, "condition", replace(storage.condition, state="read_only"))
    assert await sweep(bear, clock) == Reclaimed(1, 1)


async def test_a_full_disk_leaves_nothing_and_says_so(
    bear: Bear, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for step in ("write", "finish"):
        monkeypatch.setattr(Draft, step, full)
        answer = await upload(member, PNG * 10_000)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert "No space left" in answer.json()["error"]
        monkeypatch.undo()
    monkeypatch.setattr(bear.app._content, "put", full)
    assert (await upload(member, PNG)).status_code == 507
    monkeypatch.undo()
    assert (await member.get(URL)).json()["count"] == 0
    assert bytes_kept(bear) == set()
    assert list((bear.app._folder.tmp).iterdir()) == []
    assert (await upload(member, PNG)).status_code == 201


async def test_a_client_that_goes_away_leaves_nothing(bear: Bear, member: httpx2.AsyncClient) -> None:
    token = member.headers["authorization"].encode()
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": URL, "raw_path": URL.encode(), "query_string": b"name=a.bin", "root_path": "",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8088),
        "headers": [(b"host", b"127.0.0.1:8088"), (b"authorization", token), (b"content-length", b"90000000")],
    }  # fmt: skip
    seen: list[int] = []

    async def receive() -> dict[str, Any]:
        seen.append(sum(path.stat().st_size for path in bear.app._folder.tmp.iterdir()))
        if len(seen) < 20:
            return {"type": "http.request", "body": b"x" * 500_000, "more_body": True}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        assert message.get("status", 204) == 204

    await bear.app(scope, receive, send)
    assert max(seen) > 5_000_000, "it went to the disk while it came"
    assert list(bear.app._folder.tmp.iterdir()) == []
    assert bytes_kept(bear) == set()
    assert (await member.get(URL)).json()["count"] == 0
