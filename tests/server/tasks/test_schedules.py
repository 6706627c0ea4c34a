"""Schedules: what they run, for whom, what happens to runs that were missed, and that each run is begun once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.tasks.kinds import Kind
from server.tasks.queue import Tasks
from server.tasks.report import Report
from server.tasks.schedules import Schedules
from tests.conftest import Bear, running_bear
from tests.server.tasks.tests_tasks_support import ended

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


class World:
    """A scheduler with a clock of the test's own, on a running server whose own scheduler is still."""

    def __init__(self, bear: Bear, tasks: Tasks) -> None:
        self.bear = bear
        self.now = NOON
        self.ran: list[tuple[str, dict[str, Any]]] = []
        self.tasks = tasks
        tasks.register(Kind("test", self._run, schedulable="Does what the test wants."))
        self.schedules = Schedules(bear.app.records, bear.app._bus, tasks, lambda: self.now)

    async def _run(self, actor: Actor, given: dict[str, Any], report: Report) -> None:
        self.ran.append((actor.username, given))

    async def at(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> list[tuple[str, dict[str, Any]]]:
        """What has run in all, once everything that is due so long after noon has ended."""
        self.now = NOON + timedelta(days=days, hours=hours, minutes=minutes)
        await self.schedules.tick()
        for task in await self.bear.app.records.find(SYSTEM, "tasks", where={"kind": "test"}):
            await ended(self.bear, task["key"])
        return self.ran

    async def made(self, client: httpx2.AsyncClient, **values: Any) -> dict[str, Any]:
        answer = await client.post("/api/v1/schedules", json={"name": "s", "task": "test", **values})
        assert answer.status_code == 201, answer.text
        row: dict[str, Any] = answer.json()["data"]
        return row

    async def row(self, row: dict[str, Any]) -> dict[str, Any]:
        return await self.bear.app.records.get(SYSTEM, "schedules", row["id"])


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with running_bear(folder / "data") as bear:
        await bear.app.schedules.stop()
        tasks = Tasks(bear.app.records, bear.app.settings, bear.app._bus)
        await bear.person("ada", "admin")
        await bear.person("max")
        try:
            yield World(bear, tasks)
        finally:
            await tasks.stop()


async def test_it_runs_for_its_owner_when_its_time_comes_and_says_when_next(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        made = await it.made(max_, cron="0 13 * * *", time_zone="UTC", input={"n": 1})
        assert made["next_run_at"] == "2026-06-01T13:00:00.000Z"
        assert await it.at(minutes=59) == []
        assert await it.at(hours=1) == [("max", {"n": 1})]
        assert len(await it.at(hours=1, minutes=5)) == 1
        row = await it.row(made)
        assert (row["next_run_at"], row["last_run_at"]) == ("2026-06-02T13:00:00.000Z", "2026-06-01T13:00:00.000Z")
        [task] = (await max_.get("/api/v1/tasks")).json()["data"]
        assert (task["key"], task["title"], task["status"]) == (row["last_task"], "s", "completed")


async def test_of_missed_runs_one_is_made_up_for_or_none_as_its_owner_wants(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        once = await it.made(max_, every_seconds=3600, input={"missed": "one"})
        skipped = await it.made(max_, every_seconds=3600, missed="skip", input={"missed": "none"})
        assert await it.at(days=2, minutes=30) == [("max", {"missed": "one"})]
        assert (await it.row(once))["next_run_at"] == "2026-06-03T13:00:00.000Z"
        row = await it.row(skipped)
        assert "was missed" in row["problem"] and row["next_run_at"] == "2026-06-03T13:00:00.000Z"
        # A little late is not missed.
        assert len(await it.at(days=2, hours=1, minutes=1)) == 3
        assert (await it.row(skipped))["problem"] is None


async def test_a_single_run_pauses_its_schedule_afterwards(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        made = await it.made(await it.bear.person("max"), at="2026-06-01T12:30:00Z")
        assert len(await it.at(hours=3)) == 1
        row = await it.row(made)
        assert (row["enabled"], row["next_run_at"]) == (False, None)
        assert len(await it.at(days=3)) == 1


async def test_a_pause_keeps_it_still_and_its_end_begins_from_now(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        made = await it.made(max_, every_seconds=3600)
        where = f"/api/v1/schedules/{made['id']}"
        assert (await max_.patch(where, json={"enabled": False})).json()["data"]["next_run_at"] is None
        assert await it.at(days=1) == []
        answer = await max_.patch(where, json={"enabled": True})
        assert answer.json()["data"]["next_run_at"] == "2026-06-02T13:00:00.000Z"
        assert (await max_.patch("/api/v1/schedules/bulk?name=s", json={"enabled": False})).status_code == 200
        assert await it.at(days=2) == []
        assert (await max_.patch("/api/v1/schedules/bulk?name=s", json={"enabled": True})).status_code == 200
        assert await it.at(days=2) == [] and (await it.row(made))["next_run_at"] is not None


async def test_a_run_is_begun_by_hand_by_its_owner_and_admins(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.bear.person("olga")
        ada, max_, olga = [await it.bear.person(name) for name in ("ada", "max", "olga")]
        made = await it.made(max_, cron="0 0 1 1 *", enabled=False)
        max_actor = Actor(kind="user", user_id=it.bear.ids["max"], username="max", role="member")
        task = await it.schedules.run(max_actor, made["id"])
        await ended(it.bear, task["key"])
        assert it.ran == [("max", {})] and (await it.row(made))["last_task"] == task["key"]
        # The server's own queue does not know the kind of the test.
        where = f"/api/v1/schedules/{made['id']}/run"
        assert (await max_.post(where)).json()["code"] == "unknown_kind"
        assert (await ada.post(where)).json()["code"] == "unknown_kind"
        assert (await olga.post(where)).status_code == 404


async def test_while_a_run_goes_on_the_next_is_left_out(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        goes_on, begun = asyncio.Event(), asyncio.Event()

        async def slow(actor: Actor, given: dict[str, Any], report: Report) -> None:
            begun.set()
            await goes_on.wait()

        it.tasks.register(Kind("slow", slow, schedulable="Takes its time."))
        made = await it.made(await it.bear.person("max"), task="slow", every_seconds=60)
        await it.at(minutes=1)
        await begun.wait()
        await it.at(minutes=2)
        assert "had not ended" in (await it.row(made))["problem"]
        assert len(await it.bear.app.records.find(SYSTEM, "tasks", where={"kind": "slow"})) == 1
        goes_on.set()


async def test_a_crash_between_the_task_and_the_note_of_it_begins_no_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as it:
        made = await it.made(await it.bear.person("max"), every_seconds=3600)

        async def crash(*_: Any) -> None:
            raise RuntimeError("the program ended here")

        monkeypatch.setattr(it.schedules, "_plan", crash)
        with pytest.raises(RuntimeError):
            await it.at(hours=1)
        monkeypatch.undo()
        assert (await it.row(made))["next_run_at"] == "2026-06-01T13:00:00.000Z"
        assert len(await it.at(hours=1, minutes=1)) == 1
        assert (await it.row(made))["next_run_at"] == "2026-06-01T14:00:00.000Z"


async def test_a_schedule_whose_times_are_changed_while_its_run_begins_keeps_the_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        made = await it.made(max_, at="2026-06-01T12:30:00Z")
        submit = it.tasks.submit

        async def submit_and_change(*args: Any, **more: Any) -> dict[str, Any]:
            task = await submit(*args, **more)
            answer = await max_.patch(f"/api/v1/schedules/{made['id']}", json={"at": "2026-06-02T09:00:00Z"})
            assert answer.status_code == 200, answer.text
            return task

        monkeypatch.setattr(it.tasks, "submit", submit_and_change)
        assert len(await it.at(minutes=31)) == 1
        row = await it.row(made)
        assert (row["enabled"], row["next_run_at"]) == (True, "2026-06-02T09:00:00.000Z")
        assert row["last_run_at"] == "2026-06-01T12:31:00.000Z"


async def test_what_is_paused_or_deleted_while_an_earlier_run_begins_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        first, paused, last = [await it.made(max_, every_seconds=3600, input={"n": number}) for number in (1, 2, 3)]
        submit = it.tasks.submit

        async def submit_and_change(*args: Any, **more: Any) -> dict[str, Any]:
            task = await submit(*args, **more)
            if args[3] == {"n": 1}:
                answer = await max_.patch(f"/api/v1/schedules/{paused['id']}", json={"enabled": False})
                assert answer.status_code == 200, answer.text
                assert (await max_.delete(f"/api/v1/schedules/{first['id']}")).status_code in (200, 204)
            return task

        monkeypatch.setattr(it.tasks, "submit", submit_and_change)
        assert sorted(given["n"] for _, given in await it.at(hours=1)) == [1, 3]
        row = await it.row(paused)
        assert (row["enabled"], row["next_run_at"]) == (False, None)
        assert (await it.row(last))["next_run_at"] == "2026-06-01T14:00:00.000Z"


async def paused_or_deleted(client: httpx2.AsyncClient, path: str, deed: str) -> None:
    """What its person does to the schedule at `path`."""
    answer = await (client.patch(path, json={"enabled": False}) if deed == "paused" else client.delete(path))
    assert answer.status_code in (200, 204), answer.text


@pytest.mark.parametrize("deed", ["paused", "deleted"])
async def test_what_is_paused_or_deleted_while_it_is_looked_whether_it_still_runs_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        made = await it.made(max_, every_seconds=3600)
        path, still_runs = f"/api/v1/schedules/{made['id']}", it.schedules._still_runs

        async def and_meanwhile(*given: Any) -> bool:
            found = await still_runs(*given)
            await paused_or_deleted(max_, path, deed)
            return found

        monkeypatch.setattr(it.schedules, "_still_runs", and_meanwhile)
        assert await it.at(hours=1) == []
        if deed == "paused":
            row = await it.row(made)
            assert (row["enabled"], row["next_run_at"], row["last_run_at"]) == (False, None, None)


@pytest.mark.parametrize("deed", ["paused", "deleted"])
async def test_what_is_paused_or_deleted_just_before_its_task_is_stored_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        made = await it.made(max_, every_seconds=3600)
        path, submit = f"/api/v1/schedules/{made['id']}", it.tasks.submit

        async def but_before(*given: Any, **more: Any) -> dict[str, Any]:
            await paused_or_deleted(max_, path, deed)
            return await submit(*given, **more)

        monkeypatch.setattr(it.tasks, "submit", but_before)
        assert await it.at(hours=1) == []
        if deed == "paused":
            row = await it.row(made)
            told = [row[name] for name in ("enabled", "next_run_at", "last_run_at", "last_task", "problem")]
            assert told == [False, None, None, None, None]


async def test_a_run_by_hand_of_a_schedule_that_is_deleted_meanwhile_is_told_with_its_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        made = await it.made(max_, every_seconds=3600)
        submit = it.tasks.submit

        async def and_meanwhile(*given: Any, **more: Any) -> dict[str, Any]:
            task = await submit(*given, **more)
            assert (await max_.delete(f"/api/v1/schedules/{made['id']}")).status_code in (200, 204)
            return task

        monkeypatch.setattr(it.tasks, "submit", and_meanwhile)
        actor = Actor(kind="user", user_id=it.bear.ids["max"], username="max", role="member")
        task = await it.schedules.run(actor, made["id"])
        await ended(it.bear, task["key"])
        assert len(it.ran) == 1


async def test_a_run_whose_kind_goes_while_it_is_begun_waits_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as it:
        made = await it.made(await it.bear.person("max"), every_seconds=3600)
        store = it.tasks._intake.store

        async def and_meanwhile(*given: Any) -> dict[str, Any]:
            await it.tasks.unregister("test")
            return await store(*given)

        monkeypatch.setattr(it.tasks._intake, "store", and_meanwhile)
        it.now = NOON + timedelta(hours=1)
        await it.schedules.tick()
        [task] = await it.bear.app.records.find(SYSTEM, "tasks", where={"kind": "test"})
        assert (task["status"], (await it.row(made))["last_task"]) == ("queued", task["key"])
        monkeypatch.undo()
        it.tasks.register(Kind("test", it._run, schedulable="x"))
        await ended(it.bear, task["key"])
        assert len(it.ran) == 1


async def test_it_does_nothing_for_somebody_who_may_not_enter_any_more(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        ada, max_ = await it.bear.person("ada"), await it.bear.person("max")
        made = await it.made(max_, every_seconds=3600)
        assert (await ada.patch(f"/api/v1/users/{it.bear.ids['max']}", json={"is_active": False})).status_code == 200
        assert await it.at(hours=1) == []
        assert "may not enter" in (await it.row(made))["problem"]


async def test_a_kind_that_nobody_does_is_told_and_a_single_run_waits_for_it(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        max_ = await it.bear.person("max")
        again = await it.made(max_, every_seconds=3600)
        once = await it.made(max_, at="2026-06-01T12:30:00Z")
        await it.tasks.unregister("test")
        await it.schedules.tick()
        it.now = NOON + timedelta(hours=1)
        await it.schedules.tick()
        assert "Nobody here" in (await it.row(again))["problem"] and "Nobody here" in (await it.row(once))["problem"]
        it.tasks.register(Kind("test", it._run, schedulable="x"))
        assert len(await it.at(hours=1, minutes=1)) == 1


async def test_bad_schedules_and_other_peoples_are_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.bear.person("olga")
        await it.bear.person("gus", "guest")
        max_, olga, gus = [await it.bear.person(name) for name in ("max", "olga", "gus")]
        made = await it.made(max_, every_seconds=3600)
        where = f"/api/v1/schedules/{made['id']}"
        good = {"name": "s", "task": "test", "every_seconds": 60}
        for change, field in (
            ({"task": "mcp_nothing"}, "task"),
            ({"input": ["no"]}, "input"),
            ({"every_seconds": 9}, "every_seconds"),
            ({"every_seconds": None}, "cron"),
            ({"cron": "* * * * *"}, "cron"),
            ({"every_seconds": None, "at": "2026-06-01T11:59:00Z"}, "at"),
            ({"next_run_at": "2026-06-01T11:59:00Z"}, "next_run_at"),
            ({"plugin": "x"}, "plugin"),
        ):
            answer = await max_.post("/api/v1/schedules", json={**good, **change})
            assert answer.status_code == 422 and field in answer.json()["fields"], (change, answer.text)
        never = await max_.post("/api/v1/schedules", json={"name": "s", "task": "test"})
        assert never.status_code == 422 and "cron" in never.json()["fields"], never.text
        assert (await gus.post("/api/v1/schedules", json=good)).status_code == 403
        for answer in (await olga.get(where), await olga.patch(where, json={"input": {}}), await olga.delete(where)):
            assert answer.status_code == 404
        assert (await max_.patch("/api/v1/schedules/bulk?name=s", json={"input": {}})).status_code == 403
        narrow = await it.bear.person("max", scopes=["api"])
        assert (await narrow.post("/api/v1/schedules", json=good)).json()["code"] == "credential_too_narrow"


async def test_a_reminder_reaches_its_person_alone(
    bear: Bear, member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    kinds = (await member.get("/api/v1/schedules/kinds")).json()["data"]
    assert {"mcp_tool", "remind"} <= {kind["task"] for kind in kinds}
    given = {"name": "tea", "task": "remind", "cron": "0 16 * * *", "input": {"title": "Tea is ready"}}
    made = (await member.post("/api/v1/schedules", json=given)).json()["data"]
    assert made["time_zone"]
    answer = await member.post(f"/api/v1/schedules/{made['id']}/run")
    assert answer.status_code == 202
    assert (await ended(bear, answer.json()["data"]["key"]))["status"] == "completed"
    told = (await member.get("/api/v1/notifications")).json()["data"]
    assert [row["title"] for row in told] == ["Tea is ready"]
    assert (await admin.get("/api/v1/notifications?category=reminder&owner_id=1")).json()["data"] == []


async def test_an_end_that_comes_together_with_news_ends_them(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await bear.app.schedules.tick()
    await admin.post("/api/v1/schedules", json={"name": "s", "task": "remind", "every_seconds": 3600})
    ending = asyncio.create_task(bear.app.schedules.stop())
    assert await asyncio.wait({ending}, timeout=5) == ({ending}, set())
