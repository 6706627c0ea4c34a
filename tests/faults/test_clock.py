"""A clock that jumps eight hours forward, and a day back: nobody is locked out, nothing is lost or counted twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.records import history, times
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

NOTES = "/api/v1/notes"
HOUR = 3600.0
JUMPS = (8 * HOUR, -24 * HOUR, 8 * HOUR)


class Wall:
    """The wall clock of the server; monotonic time goes on as it does on a computer whose clock is set."""

    def __init__(self) -> None:
        self.offset = 0.0

    def datetime_class(self) -> type[datetime]:
        wall = self

        class Shifted(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Shifted:
                moment = datetime.now(tz) + timedelta(seconds=wall.offset)
                return cls.fromtimestamp(moment.timestamp(), tz)

        return Shifted


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    clock = Wall()
    for module in (times, history):
        monkeypatch.setattr(module, "datetime", clock.datetime_class())
    return clock


@pytest.fixture
async def bear(tmp_path: Path, wall: Wall, anyio_backend: str) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data", rest_rate_burst=20, rest_rate_per_second=20.0) as running:
        real: Callable[[], float] = running.app.authenticator._clock
        running.app.authenticator._clock = lambda: real() + wall.offset
        yield running


async def test_people_stay_signed_in_and_the_limit_stays_fair(bear: Bear, wall: Wall) -> None:
    await bear.person("ada", "admin")
    member, browser = await bear.person("max"), await bear.signed_in("max")
    for jump in JUMPS:
        wall.offset += jump
        for client in (member, browser):
            answer = await client.get(NOTES)
            assert answer.status_code == 200, answer.text
            assert 0 <= int(answer.headers["ratelimit"].partition("t=")[2]) <= 2, (
                "no waiting for hours, none below zero"
            )
        assert (await bear.signed_in("max")).cookies, "signing in works, and attempts are not counted for hours"
        await bear.app.authenticator.flush_last_use()
    assert (await browser.get(NOTES)).status_code == 200


async def test_a_session_still_ends_when_the_clock_says_so(bear: Bear, wall: Wall) -> None:
    await bear.person("ada", "admin")
    browser = await bear.signed_in("ada")
    wall.offset = 73 * HOUR
    assert (await browser.get(NOTES)).status_code == 401
    wall.offset = 0
    assert (await browser.get(NOTES)).status_code == 200, "a clock that was wrong for a while ends nothing for good"


async def test_history_and_events_keep_their_order_and_lose_nothing(
    bear: Bear, wall: Wall, admin: httpx2.AsyncClient
) -> None:
    note = (await admin.post(NOTES, json={"title": "0"})).json()["data"]["id"]
    log = bear.app._events
    place = log.last
    for number, jump in enumerate(JUMPS, 1):
        wall.offset += jump
        changed = await admin.patch(f"{NOTES}/{note}", json={"title": str(number)})
        assert changed.status_code == 200
        await history.History(bear.app.records).expire()
    told = log.since(place)
    assert told is not None
    assert [event.event.verb for event in told if event.event.model == "notes"] == ["update"] * len(JUMPS)
    entries = (await admin.get(f"{NOTES}/{note}/history")).json()["data"]
    assert [entry["after"] and entry["after"]["title"] for entry in entries] == ["3", "2", "1", None]
    undone = await admin.post(f"{NOTES}/{note}/restore?before={entries[0]['id']}")
    assert undone.status_code == 200 and undone.json()["data"]["title"] == "2"


async def test_what_was_deleted_before_a_jump_comes_back_after_it(
    bear: Bear, wall: Wall, admin: httpx2.AsyncClient
) -> None:
    for jump in JUMPS:
        note = (await admin.post(NOTES, json={"title": "gone and back"})).json()["data"]["id"]
        assert (await admin.delete(f"{NOTES}/{note}")).status_code == 200
        wall.offset += jump
        await history.History(bear.app.records).expire()
        assert (await admin.post(f"{NOTES}/{note}/restore")).status_code == 200


async def test_a_page_that_was_read_before_a_jump_back_is_seen_to_be_older(
    bear: Bear, wall: Wall, admin: httpx2.AsyncClient
) -> None:
    note = (await admin.post(NOTES, json={"title": "first"})).json()["data"]["id"]
    tag = (await admin.get(f"{NOTES}/{note}")).headers["etag"]
    wall.offset = -24 * HOUR
    assert (await admin.patch(f"{NOTES}/{note}", json={"title": "second"})).status_code == 200
    refused = await admin.patch(f"{NOTES}/{note}", json={"title": "third"}, headers={"if-match": tag})
    assert refused.status_code == 412
    fresh = await admin.get(f"{NOTES}/{note}", headers={"if-none-match": tag})
    assert fresh.status_code == 200 and fresh.json()["data"]["title"] == "second"


async def test_a_background_task_ends_whatever_the_clock_does(bear: Bear, wall: Wall) -> None:
    await bear.person("ada", "admin")
    records = bear.app.records
    values = {
        "owner_id": bear.ids["ada"],
        "key": "k",
        "kind": "test",
        "status": "running",
        "started_at": times.now_text(),
    }
    task = await records.create(SYSTEM, "tasks", values)
    wall.offset = -24 * HOUR
    ended = await records.update(SYSTEM, "tasks", task["id"], {"status": "completed", "finished_at": times.now_text()})
    assert ended["status"] == "completed" and ended["finished_at"] < ended["started_at"]
    assert datetime.fromisoformat(ended["finished_at"]).tzinfo == UTC
