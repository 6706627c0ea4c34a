"""Channels: what trusted programs send through plugins, what is tried again, and who is told when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.tasks import kinds
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import model, on, state, switch, write

pytestmark = pytest.mark.anyio
SECRET = "the internal secret of the tests"
SEND = "/api/internal/send-message"
PIGEON = """
from server.plugin_api import Forbidden, PluginContext, RateLimited, channel

@channel(reaches="Pigeons fly to numbers of three digits, such as 123.", to_pattern=r"[0-9]{3}")
async def send_message(plugin: PluginContext, to: str, text: str) -> dict[str, object]:
    row = await plugin.records.create("pigeon_post_flights", {"name": f"{to} {text}"})
    flights = len(await plugin.records.find("pigeon_post_flights"))
    if text == "storm" and flights < 3:
        raise RateLimited("The wind is too strong.", retry_after=0.0)
    if text == "secret":
        raise Forbidden("Pigeons carry no secrets.")
    if text == "cat":
        raise RuntimeError("private detail")
    return {"flight": row["id"]}
"""
SLOW_PIGEON = """
from server.plugin_api import channel

@channel(reaches="Nobody.")
def send_message(to: str, text: str) -> None:
    pass
"""
PERMISSIONS = ("messages",)


@pytest.fixture
async def house(tmp_path: Path, folder: Path) -> AsyncIterator[Bear]:
    pigeon(folder)
    async with running_bear(tmp_path / "data", internal_api_secret=SECRET) as bear:
        yield bear


@pytest.fixture
async def program(house: Bear, ada: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return await house.client(authorization=f"Bearer {SECRET}")


def pigeon(folder: Path, text: str = PIGEON, **manifest: Any) -> Path:
    given: dict[str, Any] = {"type": "channel", "provides": "pigeon", "permissions": list(PERMISSIONS), **manifest}
    return write(folder, "pigeon-post", models=model("pigeon_post_flights"), files={"channel.py": text}, **given)


def message(text: str = "hello", to: str = "123", **more: Any) -> dict[str, Any]:
    return {"platform": "pigeon", "chat_id": to, "text": text, **more}


async def until(there: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(10):
        while not (found := await there()):
            await asyncio.sleep(0)
        return found


async def told(person: httpx2.AsyncClient) -> dict[str, Any]:
    """Their one notification, once it is there."""

    async def look() -> Any:
        return (await person.get("/api/v1/notifications")).json()["data"]

    [found] = await until(look)
    notice: dict[str, Any] = found
    return notice


async def ended(program: httpx2.AsyncClient, answer: httpx2.Response) -> dict[str, Any]:
    """What became of a message that was taken."""
    assert answer.status_code == 202, answer.text
    key = answer.json()["data"]["task_id"]

    async def look() -> Any:
        told = (await program.get(f"{SEND}/{key}")).json()["data"]
        return told if told["status"] not in ("queued", "running") else None

    found: dict[str, Any] = await until(look)
    return found


async def test_a_message_goes_by_its_channel_under_every_name_of_it_and_is_noted(
    house: Bear, ada: httpx2.AsyncClient, program: httpx2.AsyncClient
) -> None:
    await on(ada, "pigeon-post", *PERMISSIONS)
    by_name = await ended(program, await program.post(SEND, json=message(agent_name="bear")))
    assert (by_name["status"], by_name["result"], by_name["error"]) == ("completed", {"flight": 1}, None)
    by_id = await ended(program, await program.post(SEND, json={**message("again"), "platform": "pigeon-post"}))
    assert by_id["result"] == {"flight": 2}
    rows = (await ada.get("/api/v1/pigeon_post_flights")).json()["data"]
    assert [row["name"] for row in rows] == ["123 hello", "123 again"]
    noted = await house.app.records.find(SYSTEM, "audit_entries", where={"kind": "message_sent"})
    assert [entry["about"] for entry in noted] == ["pigeon: 123", "pigeon-post: 123"]
    assert "hello" not in str(noted)


async def test_what_could_not_be_sent_for_now_is_tried_again(
    ada: httpx2.AsyncClient, program: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_FIRST_DELAY_SECONDS", 0.0)
    await on(ada, "pigeon-post", *PERMISSIONS)
    sent = await ended(program, await program.post(SEND, json=message("storm")))
    assert (sent["status"], sent["attempts"], sent["result"]) == ("completed", 3, {"flight": 3})
    assert (await ada.get("/api/v1/notifications")).json()["count"] == 0


@pytest.mark.parametrize(
    ("text", "error"),
    [("secret", "Pigeons carry no secrets."), ("cat", "The plugin pigeon-post failed; the server's log says why.")],
)
async def test_what_can_not_be_sent_is_sent_once_and_somebody_is_told(
    text: str, error: str, house: Bear, ada: httpx2.AsyncClient, program: httpx2.AsyncClient
) -> None:
    await on(ada, "pigeon-post", *PERMISSIONS)
    max_ = await house.person("max")
    sent = await ended(program, await program.post(SEND, json=message(text)))
    assert (sent["status"], sent["attempts"], sent["error"]) == ("failed", 1, error)
    notice = await told(ada)
    assert (notice["title"], notice["message"]) == ("Not sent: pigeon-post: message to 123", error)
    assert (notice["severity"], notice["source"]) == ("error", "pigeon-post")
    assert (await max_.get("/api/v1/notifications")).json()["count"] == 0
    await ended(program, await program.post(SEND, json=message(text, username="max")))
    assert (await told(max_))["message"] == error
    # Admins see those of others as well.
    own = (await ada.get(f"/api/v1/notifications?owner_id={house.ids['ada']}")).json()
    assert own["count"] == 1
    assert "private detail" not in str(notice)


async def test_admins_see_and_retry_what_a_program_could_not_send_and_nobody_else_does(
    house: Bear, ada: httpx2.AsyncClient, program: httpx2.AsyncClient
) -> None:
    await on(ada, "pigeon-post", *PERMISSIONS)
    max_, gus = await house.person("max"), await house.person("gus", "guest")
    sent = await ended(program, await program.post(SEND, json=message("cat")))
    assert sent["status"] == "failed" and (await told(ada))["action_url"] == "#/automations/tasks"
    [task] = (await ada.get("/api/v1/tasks")).json()["data"]
    again = f"/api/v1/tasks/{task['key']}/retry"
    for other in (max_, gus):
        assert (await other.get("/api/v1/tasks")).json()["data"] == []
        for deed in ("retry", "cancel"):
            assert (await other.post(f"/api/v1/tasks/{task['key']}/{deed}")).status_code == 404
    reader = await house.person("ada", scopes=["api:read"])
    assert (await reader.post(again)).status_code == 403
    answer = await ada.post(again)
    assert answer.status_code == 200, answer.text
    retried = answer.json()["data"]
    assert (retried["retry_of"], retried["owner_id"], retried["input"]) == (task["key"], None, task["input"])
    ended_again = await ended(program, httpx2.Response(202, json={"data": {"task_id": retried["key"]}}))
    assert ended_again["status"] == "failed"
    noted = await house.app.records.find(SYSTEM, "audit_entries", where={"kind": "task_retried"})
    assert [(entry["about"], entry["actor_id"]) for entry in noted] == [(task["key"], house.ids["ada"])]
    await switch(ada, "pigeon-post", "disable")
    off = await ada.post(again)
    assert (off.status_code, off.json()["code"]) == (409, "unknown_kind")


async def test_tasks_of_other_people_are_no_admins_to_retry(
    house: Bear, ada: httpx2.AsyncClient, program: httpx2.AsyncClient
) -> None:
    await house.person("max")
    row = {"kind": "send-message:pigeon-post", "key": "task-of-max", "status": "failed", "input": {}}
    await house.app.records.create(SYSTEM, "tasks", {**row, "owner_id": house.ids["max"]})
    assert (await ada.post("/api/v1/tasks/task-of-max/retry")).status_code == 404


async def test_channels_that_are_unknown_off_broken_or_can_not_reach_somebody_say_so(
    folder: Path, ada: httpx2.AsyncClient, program: httpx2.AsyncClient
) -> None:
    write(folder, "mute", type="channel")
    off = await program.post(SEND, json=message())
    assert (off.status_code, off.json()["code"]) == (409, "channel_off")
    assert "pigeon-post, which is off" in off.json()["error"]
    await on(ada, "pigeon-post", *PERMISSIONS)
    unknown = await program.post(SEND, json={**message(), "platform": "fax"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_channel")
    assert "There are: whatsapp (off), mute (off), pigeon (on)." in unknown.json()["error"]
    far = await program.post(SEND, json=message(to="Rome"))
    assert far.status_code == 422 and "numbers of three digits" in far.json()["fields"]["chat_id"]["message"]
    nobody = await program.post(SEND, json=message(username="nobody"))
    assert nobody.json()["fields"]["username"]["code"] == "unknown_user"
    await on(ada, "mute")
    mute = await program.post(SEND, json={**message(), "platform": "mute"})
    assert (mute.status_code, mute.json()["code"]) == (409, "channel_failed") and "channel.py" in mute.json()["error"]
    listed = (await program.get("/api/internal/channels")).json()["data"]
    assert [(it["plugin"], it["names"], it["state"]) for it in listed] == [
        ("whatsapp-cloud", ["whatsapp-cloud", "whatsapp"], "off"),
        ("mute", ["mute"], "failed"), ("pigeon-post", ["pigeon-post", "pigeon"], "on")
    ]  # fmt: skip
    assert (await ada.get("/api/v1/tasks")).json()["count"] == 0
    assert (await program.get(f"{SEND}/task-unknown")).status_code == 404


async def test_a_message_that_a_crash_cut_off_is_not_sent_twice_and_somebody_is_told(
    tmp_path: Path, folder: Path
) -> None:
    pigeon(folder)
    given = {"plugin": "pigeon-post", "to": "123", "text": "x", "username": None}
    left = {"kind": "send-message:pigeon-post", "title": "A message", "attempts": 1, "input": given}
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        await on(ada, "pigeon-post", *PERMISSIONS)
        for key, status in (("task-cut", "running"), ("task-waits", "queued")):
            row = {**left, "key": key, "status": status, "acting": '{"kind": "system"}'}
            await bear.app.records.create(SYSTEM, "tasks", row)
    async with running_bear(tmp_path / "data", internal_api_secret=SECRET) as bear:
        bear.ids["ada"] = 1
        ada, program = await bear.person("ada"), await bear.client(authorization=f"Bearer {SECRET}")
        assert (await program.get(f"{SEND}/task-cut")).json()["data"]["status"] == "interrupted"
        assert (await told(ada))["title"] == "Not sent: A message"

        async def arrived() -> Any:
            return (await program.get(f"{SEND}/task-waits")).json()["data"]["status"] == "completed"

        await until(arrived)
        assert (await ada.get("/api/v1/pigeon_post_flights")).json()["count"] == 1


@pytest.mark.parametrize(
    ("text", "manifest", "reason"),
    [
        (PIGEON, {"type": "service"}, '"type": "channel"'),
        (PIGEON, {"permissions": []}, '"permissions": ["messages"]'),
        ("x = 1", {}, "one function with @channel is wanted, found 0"),
        (PIGEON.replace("to: str, text", "to: str, much: int, text"), {}, "no others without a default"),
        (PIGEON.replace("[0-9]{3}", "[0-9"), {}, "no regular expression"),
        (SLOW_PIGEON, {}, "an async function is wanted"),
    ],
)
async def test_a_channel_that_is_not_as_it_should_be_stays_out_and_says_why(
    text: str, manifest: dict[str, Any], reason: str, folder: Path, ada: httpx2.AsyncClient
) -> None:
    pigeon(folder, text, **manifest)
    await on(ada, "pigeon-post", *manifest.get("permissions", PERMISSIONS))
    row = await state(ada, "pigeon-post")
    assert row["state"] == "failed" and reason in row["error"], row["error"]


async def test_nobody_but_a_trusted_program_sends(
    house: Bear, ada: httpx2.AsyncClient, program: httpx2.AsyncClient
) -> None:
    await on(ada, "pigeon-post", *PERMISSIONS)
    for client in (ada, await house.person("max"), await house.client()):
        assert (await client.post(SEND, json=message())).status_code == 401
    assert (await ada.get("/api/v1/pigeon_post_flights")).json()["count"] == 0
