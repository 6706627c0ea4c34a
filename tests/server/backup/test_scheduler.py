"""Backups by the clock: made when due, made up after sleep, told when they fail, copied to another disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

import server.app
from server.access.actor import OWNER, SYSTEM
from server.backup.making import Maker
from server.backup.scheduler import Scheduler
from server.errors import StorageFull
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio


class Clock:
    """This computer's clock, set by the test."""

    def __init__(self) -> None:
        self.now = datetime.now().astimezone().replace(hour=12, minute=0, second=0, microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def set(self, day: int, hour: int, minute: int = 0) -> None:
        """The given hour, `day` days after the first."""
        self.now = (self.now.replace(hour=12) + timedelta(days=day)).replace(hour=hour, minute=minute)


class Night:
    """A server whose scheduler ticks when the test says so."""

    def __init__(self, bear: Bear, clock: Clock, folder: Path) -> None:
        self.bear = bear
        self.clock = clock
        self.folder = folder
        self.service = bear.app.backups
        self.service.clock = clock
        self.scheduler = Scheduler(self.service, bear.app.records, bear.app.settings)

    async def backups(self) -> list[dict[str, Any]]:
        await self.scheduler.tick()
        return list(reversed(await self.service.entries(OWNER)))

    async def told(self) -> list[str]:
        rows = await self.bear.app.records.find(SYSTEM, "notifications", where={"source": "backups"})
        return [row["title"] for row in rows]

    async def set(self, name: str, value: object) -> None:
        current = self.bear.app.settings.current
        self.bear.app.settings.publish(current.model_copy(update={name: value}))


class Waiting(Scheduler):
    """The server's own, which would make backups between those of the test."""

    async def run(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
async def night(tmp_path: Path, anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Night]:
    monkeypatch.setattr(server.app, "Scheduler", Waiting)
    async with running_bear(tmp_path / "data", backup_schedule="off") as bear:
        clock = Clock()
        clock.now += timedelta(days=1)
        found = Night(bear, clock, tmp_path / "data" / "backups")
        await found.set("backup_schedule", "daily 03:00")
        yield found


@pytest.fixture
async def ada(night: Night) -> httpx2.AsyncClient:
    return await night.bear.person("ada", "admin")


async def test_nothing_is_made_before_somebody_has_set_it_up(night: Night) -> None:
    assert await night.backups() == []


async def test_one_is_made_each_night_and_a_missed_one_at_once(night: Night, ada: httpx2.AsyncClient) -> None:
    # The account is older than last night's moment.
    assert len(await night.backups()) == 1
    night.clock.set(1, 2, 59)
    assert len(await night.backups()) == 1
    night.clock.set(0, 3)
    made = await night.backups()
    assert len(made) == 2 and made[1]["reason"] == "scheduled" and made[1]["made_by"] == "system"
    assert len(await night.backups()) == 2
    # Asleep for days: one, as soon as it is awake.
    night.clock.set(4, 17, 23)
    assert len(await night.backups()) == 3
    assert len(await night.backups()) == 3
    assert await night.told() == []


async def test_the_schedule_can_be_changed_and_turned_off(night: Night, ada: httpx2.AsyncClient) -> None:
    await night.set("backup_schedule", "off")
    assert await night.backups() == []
    await night.set("backup_schedule", "every 6 hours")
    assert len(await night.backups()) == 1
    night.clock.now += timedelta(hours=5, minutes=59)
    assert len(await night.backups()) == 1
    night.clock.now += timedelta(minutes=1)
    assert len(await night.backups()) == 2


async def test_a_clock_that_was_ahead_stops_nothing(night: Night, ada: httpx2.AsyncClient) -> None:
    night.clock.now += timedelta(days=900)
    assert len(await night.backups()) == 1
    night.clock.now -= timedelta(days=899)
    assert len(await night.backups()) == 2


async def test_a_failure_is_told_once_to_admins_and_tried_again_later(
    night: Night, ada: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await night.bear.person("max")
    tries = []

    def full(*_: object) -> None:
        tries.append(1)
        raise StorageFull("A backup needs more room.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Maker, "make", full)
        for _ in range(3):
            assert await night.backups() == []
        assert len(tries) == 1
        night.clock.now += timedelta(hours=1)
        await night.backups()
        assert len(tries) == 2
    assert await night.told() == ["The scheduled backup failed"]
    status = (await ada.get("/api/v1/backups/status")).json()["data"]
    assert status["last"]["error"] == "A backup needs more room."
    night.clock.now += timedelta(hours=1)
    assert len(await night.backups()) == 1


async def test_only_the_newest_are_kept(night: Night, ada: httpx2.AsyncClient) -> None:
    await night.set("backup_keep", 2)
    uploaded = night.folder / "upload-20200101T000000000Z.zip"
    uploaded.write_bytes(b"no matter what")
    for _ in range(4):
        made = await night.backups()
        night.clock.now += timedelta(days=1)
    assert [entry["name"].split("-")[0] for entry in made] == ["upload", "backup", "backup"]


async def test_copies_go_to_another_folder_with_a_limit_of_their_own(
    night: Night, ada: httpx2.AsyncClient, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    await night.set("backup_copy_to", str(disk))
    await night.set("backup_copy_keep", 2)
    # The disk is not plugged in: the backup is made, and somebody is told.
    assert len(await night.backups()) == 1
    assert await night.told() == ["The backup was not copied to the other folder"]
    assert not disk.exists()
    status = (await ada.get("/api/v1/backups/status")).json()["data"]
    assert "plugged in" in status["copies"]["problem"] and status["last"]["error"] is None

    disk.mkdir()
    (disk / "letter.txt").write_text("not ours")
    night.clock.now += timedelta(days=1)
    first, second = await night.backups()
    assert {path.name for path in disk.iterdir()} == {first["name"], second["name"], "letter.txt"}
    assert (disk / first["name"]).read_bytes() == (night.folder / first["name"]).read_bytes()
    night.clock.now += timedelta(days=1)
    *_, third = await night.backups()
    assert {path.name for path in disk.iterdir()} == {second["name"], third["name"], "letter.txt"}
    assert (await ada.get("/api/v1/backups/status")).json()["data"]["copies"]["problem"] is None


async def test_secrets_that_no_backup_can_bring_back_are_told_of(night: Night, ada: httpx2.AsyncClient) -> None:
    server = {"name": "clock", "transport": "stdio", "command": "clock", "env": {"KEY": "canary"}}
    assert (await ada.post("/api/v1/mcp_servers", json=server)).status_code == 201
    [made] = await night.backups()
    assert made["secrets"] == "not included"
    assert await night.told() == ["Backups are without your secrets"]


async def test_an_unknown_error_does_not_end_the_coming_nights(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[int] = []

    async def broken() -> None:
        ticks.append(1)
        raise RuntimeError("a bug")

    monkeypatch.setattr("server.backup.scheduler.TICK_SECONDS", 0)
    monkeypatch.setattr(night.scheduler, "tick", broken)
    task = asyncio.create_task(night.scheduler.run())
    async with asyncio.timeout(10):
        while len(ticks) < 3:
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
