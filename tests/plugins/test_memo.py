"""The bundled memo plugin in a running server: whose reminders are whose, and that each is told once."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.mcp_gateway.caller import Caller
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
MEMOS = "/api/v1/memo_memos"
PERMISSIONS = ["mcp_tools", "notifications", "pages"]


@pytest.fixture
async def house(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data") as bear:
        await switched_on(bear)
        yield bear


async def switched_on(bear: Bear) -> None:
    ada = await bear.person("ada", "admin")
    answer = await ada.post("/api/v1/plugins/memo/enable", json={"permissions": PERMISSIONS})
    assert answer.status_code == 200, answer.text


async def tool(client: httpx2.AsyncClient, name: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers, as AI clients call it."""
    answer = await client.post("/api/v1/gateway/call", json={"tool": f"memo__{name}", "arguments": arguments})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]["result"]["structuredContent"]
    return found


async def told(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    found = (await client.get("/api/v1/notifications?source=memo&sort=id")).json()["data"]
    return [{name: one[name] for name in ("title", "message", "severity")} for one in found]


class Clock:
    """The plugin's own bell, rung by hand at any moment."""

    def __init__(self) -> None:
        [hooks] = [module for name, module in sys.modules.items() if name.endswith(".hooks") and "_memo_" in name]
        self.bell = hooks._bells[0]

    async def at(self, moment: datetime) -> float:
        found: float = await self.bell.ring(moment)
        return found


async def test_a_sentence_is_shown_first_then_kept_and_listed_with_the_time_of_its_person(house: Bear) -> None:
    max_ = await house.person("max")
    given = {"sentence": "call mum tomorrow at 9", "time_zone": "Pacific/Apia"}
    seen = (await max_.post("/api/memo/understand", json=given)).json()["data"]
    assert (seen["text"], seen["when"], seen["again"]) == ("call mum", "Tomorrow, 09:00", None)
    assert (await max_.get(MEMOS)).json()["data"] == []
    fields = {name: value for name, value in seen.items() if name not in ("when", "again")}
    assert (await max_.post(MEMOS, json=fields)).status_code == 201
    [row] = (await max_.get(MEMOS)).json()["data"]
    assert (row["text"], row["due_at"], row["owner_id"]) == ("call mum", seen["due_at"], house.ids["max"])
    # A client says the time as the page did.
    assert (await tool(max_, "add", sentence="call dad tomorrow at 9"))["due_at"] == seen["due_at"]

    for bad, field in (({"sentence": "buy milk"}, "sentence"), ({**given, "time_zone": "Bear/Den"}, "time_zone")):
        answer = await max_.post("/api/memo/understand", json=bad)
        assert answer.status_code == 422 and field in answer.json()["fields"]
    assert (await max_.post("/api/memo/understand", json={"sentence": "x", "more": 1})).status_code == 422


async def test_nobody_sees_or_changes_the_reminders_of_somebody_else(house: Bear) -> None:
    max_, olga, gus = await house.person("max"), await house.person("olga"), await house.person("gus", "guest")
    ada, nobody = await house.person("ada", "admin"), await house.client()
    mine = (await tool(max_, "add", sentence="secret plan tomorrow"))["id"]
    for other in (olga, gus, ada):
        assert (await tool(other, "list"))["memos"] == []
        for name, more in (("done", {}), ("snooze", {"until": "in 1 hour"}), ("delete", {})):
            assert (await tool(other, name, memo_id=mine, **more))["code"] == "not_found"
            assert "secret" not in str(await tool(other, name, memo_id=mine, **more))
        assert (await other.post(f"/api/memo/{mine}/done")).status_code == 404
        assert (await other.post(f"/api/memo/{mine}/snooze", json={"until": "in 1 hour"})).status_code == 404
    for other in (olga, gus):
        assert (await other.get(f"{MEMOS}/{mine}")).status_code == 404
        assert (await other.patch(f"{MEMOS}/{mine}", json={"text": "x"})).status_code == 404
        assert (await other.delete(f"{MEMOS}/{mine}")).status_code == 404
    assert (await nobody.post("/api/memo/understand", json={"sentence": "x tomorrow"})).status_code == 401
    assert (await nobody.get(MEMOS)).status_code == 401
    assert [memo["id"] for memo in (await tool(max_, "list"))["memos"]] == [mine]
    # A token for tools alone reaches them, and no records.
    tools_only = await house.person("max", scopes=["mcp:memo"])
    client = Actor("token", house.ids["max"], "max", "member", frozenset(["mcp:memo"]))
    answer = await house.app.gateway.gateway.call(Caller(actor=client, client="test"), "memo__list", {})
    assert [memo["id"] for memo in answer["structuredContent"]["memos"]] == [mine]
    assert (await tools_only.get(MEMOS)).status_code == 403
    assert (await tools_only.post("/api/memo/understand", json={"sentence": "x tomorrow"})).status_code == 403


async def test_what_is_due_is_told_once_to_its_person_alone_and_late_as_missed(house: Bear) -> None:
    max_, olga = await house.person("max"), await house.person("olga")
    clock = Clock()
    made = await tool(max_, "add", sentence="tea in 20 minutes")
    due = datetime.fromisoformat(made["due_at"])
    assert 0 < await clock.at(due - timedelta(seconds=5)) <= 5
    assert await told(max_) == []
    await clock.at(due)
    await clock.at(due + timedelta(seconds=1))
    assert await told(max_) == [{"title": "tea", "message": None, "severity": "info"}]
    ada = await house.person("ada", "admin")
    assert await told(olga) == []
    assert (await ada.get(f"/api/v1/notifications?source=memo&owner_id={house.ids['ada']}")).json()["data"] == []
    assert (await tool(max_, "list"))["memos"][0]["state"] == "open"

    await tool(max_, "add", sentence="cake in 30 minutes")
    await clock.at(datetime.now(UTC) + timedelta(days=2))
    late = (await told(max_))[1]
    assert (late["title"], late["severity"]) == ("Missed: cake", "warning")
    assert "while GridBear was not running" in late["message"]


async def test_a_crash_after_the_notification_tells_nobody_twice(house: Bear) -> None:
    max_ = await house.person("max")
    clock = Clock()
    made = await tool(max_, "add", sentence="tea in 20 minutes")
    due = datetime.fromisoformat(made["due_at"])
    await clock.at(due)
    # As the file was before the mark was set.
    await house.app.records.update(SYSTEM, "memo_memos", made["id"], {"told_at": None})
    await clock.at(due + timedelta(seconds=1))
    assert len(await told(max_)) == 1
    assert (await max_.get(f"{MEMOS}/{made['id']}")).json()["data"]["told_at"] is not None


async def test_after_a_restart_the_missed_ones_are_told_by_themselves(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        await switched_on(bear)
        await bear.person("max")
        missed = {"text": "old tea", "due_at": "2026-01-02T09:00:00Z", "owner_id": bear.ids["max"], "repeat": "daily"}
        # As if it had become due while nothing ran.
        await Clock().bell.stop()
        await bear.app.records.create(SYSTEM, "memo_memos", missed)
    async with running_bear(tmp_path / "data") as bear:
        bear.ids["max"] = 0
        max_ = await bear.person("max")
        await Clock().at(datetime.now(UTC))
        found = await told(max_)
        assert [one["title"] for one in found] == ["Missed: old tea"] and "Next: " in found[0]["message"]
        [row] = (await max_.get(MEMOS)).json()["data"]
        assert row["due_at"] > datetime.now(UTC).isoformat() and row["state"] == "open"


async def test_done_snooze_and_their_undo(house: Bear) -> None:
    max_ = await house.person("max")
    clock = Clock()
    # Not due while the clock goes on below, whatever the time is.
    made = await tool(max_, "add", sentence=f"stretch every day at {datetime.now(UTC) + timedelta(hours=12):%H}:00")
    after = await tool(max_, "done", memo_id=made["id"])
    step = datetime.fromisoformat(after["due_at"]) - datetime.fromisoformat(made["due_at"])
    assert (after["state"], after["again"]) == ("open", "every day") and timedelta(hours=22) < step < timedelta(
        hours=26
    )
    back = {"due_at": made["due_at"], "state": "open"}
    assert (await max_.patch(f"{MEMOS}/{made['id']}", json=back)).status_code == 200
    assert (await tool(max_, "list"))["memos"][0]["due_at"] == made["due_at"]

    once = await tool(max_, "add", sentence="tea in 20 minutes")
    await clock.at(datetime.fromisoformat(once["due_at"]))
    later = await tool(max_, "snooze", memo_id=once["id"], until="in 1 hour")
    assert later["due_at"] > once["due_at"]
    while (await max_.get(f"{MEMOS}/{once['id']}")).json()["data"]["told_at"] is not None:
        pass  # the hook follows the change
    await clock.at(datetime.fromisoformat(later["due_at"]))
    assert [one["title"] for one in await told(max_)] == ["tea", "tea"]
    assert (await tool(max_, "done", memo_id=once["id"]))["state"] == "done"
    assert [one["id"] for one in (await tool(max_, "list", done=True))["memos"]] == [once["id"]]
    for unclear in ("milk", "every day", "call mum tomorrow"):
        assert (await tool(max_, "snooze", memo_id=once["id"], until=unclear))["code"] == "validation_error"
    assert await tool(max_, "delete", memo_id=once["id"]) == {"deleted": once["id"]}
    assert (await tool(max_, "delete", memo_id=once["id"]))["code"] == "not_found"


async def test_settings_hold_the_hour_of_a_day_and_how_many_a_client_adds(house: Bear) -> None:
    ada, max_ = await house.person("ada", "admin"), await house.person("max")
    address = "/api/v1/plugins/memo/settings"
    assert (await ada.put(address, json={"default_time": "25:00"})).status_code == 422
    assert (await max_.put(address, json={"most_open": 1})).status_code == 403
    answer = await ada.put(address, json={"default_time": "07:30", "most_open": 1, "time_zone": "Asia/Tokyo"})
    assert answer.status_code == 200, answer.text
    made = await tool(max_, "add", sentence="run tomorrow")
    assert made["when"] == "Tomorrow, 07:30" and made["due_at"][11:16] == "22:30"
    assert (await tool(max_, "add", sentence="run on monday"))["code"] == "too_many_memos"


async def test_the_zone_that_a_person_chose_is_what_clients_and_scripts_go_by(house: Bear) -> None:
    max_, olga = await house.person("max"), await house.person("olga")
    await tool(max_, "add", sentence="earlier tomorrow at 9")
    chosen = await max_.post("/api/v1/preferences", json={"key": "time_zone", "value": "Asia/Tokyo"})
    assert chosen.status_code == 201, chosen.text
    assert (await tool(max_, "add", sentence="run tomorrow at 9"))["due_at"][11:16] == "00:00"
    seen = (await max_.post("/api/memo/understand", json={"sentence": "run tomorrow at 9"})).json()["data"]
    assert (seen["time_zone"], seen["when"]) == ("Asia/Tokyo", "Tomorrow, 09:00")
    named = {"sentence": "run tomorrow at 9", "time_zone": "UTC"}
    assert (await max_.post("/api/memo/understand", json=named)).json()["data"]["due_at"][11:16] == "09:00"
    other = (await olga.post("/api/memo/understand", json={"sentence": "run tomorrow at 9"})).json()["data"]
    assert other["time_zone"] != "Asia/Tokyo"


async def test_what_nobody_can_be_told_does_not_hold_up_the_others(house: Bear) -> None:
    ada, max_, olga = await house.person("ada", "admin"), await house.person("max"), await house.person("olga")
    await tool(olga, "add", sentence="first in 10 minutes")
    made = await tool(max_, "add", sentence="second in 20 minutes")
    assert (await ada.patch(f"/api/v1/users/{house.ids['olga']}", json={"is_active": False})).status_code == 200
    await Clock().at(datetime.fromisoformat(made["due_at"]))
    assert [one["title"] for one in await told(max_)] == ["second"]
    broken = {"text": "third", "due_at": "2026-01-01T00:00:00Z", "time_zone": "no/where", "repeat": "daily"}
    assert (await max_.post(MEMOS, json=broken)).status_code == 201
    await Clock().at(datetime.now(UTC))
    assert "Missed: third" in [one["title"] for one in await told(max_)]
