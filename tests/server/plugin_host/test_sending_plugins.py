"""What a plugin sends through the channel of another one: with the permission alone, and with words when it can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import on, switch, write
from tests.server.tasks.tests_tasks_support import ended

pytestmark = pytest.mark.anyio
PIGEON = """
from server.plugin_api import channel

@channel(reaches="Pigeons fly to numbers of three digits, such as 123.", to_pattern=r"[0-9]{3}")
async def send_message(to: str, text: str) -> dict[str, str]:
    return {"to": to, "text": text}
"""
ROUTES = """
from fastapi import APIRouter
from server.plugin_api import Context
router = APIRouter()
@router.post("/tell/{channel}/{to}")
async def tell(plugin: Context, channel: str, to: str, username: str | None = None):
    return {"key": await plugin.send_message(channel, to, "Rain", username=username)}
"""
TASKS = """
from server.plugin_api import PluginContext, task
@task(process=True)
async def tell(plugin: PluginContext) -> str:
    return await plugin.send_message("pigeons", "123", "Rain from a process")
"""


@pytest.fixture
async def pigeons(house: Bear, ada: httpx2.AsyncClient, folder: Path) -> httpx2.AsyncClient:
    """A channel that flies, and a plugin that tells of rain through it."""
    write(folder, "pigeon-post", type="channel", provides="pigeons", permissions=["messages"],
          files={"channel.py": PIGEON})  # fmt: skip
    await on(ada, "pigeon-post", "messages")
    write(folder, "weather", routes=ROUTES, permissions=["messages"])
    await on(ada, "weather", "messages")
    return ada


async def tell(client: httpx2.AsyncClient, channel: str, to: str, **more: Any) -> httpx2.Response:
    return await client.post(f"/api/weather/tell/{channel}/{to}", params=more)


async def test_a_message_goes_out_by_the_name_of_the_plugin_or_what_it_provides(
    house: Bear, pigeons: httpx2.AsyncClient
) -> None:
    for name in ("pigeon-post", "pigeons"):
        sent = await ended(house, (await tell(pigeons, name, "123", username="ada")).json()["key"])
        assert (sent["status"], sent["result"]) == ("completed", {"to": "123", "text": "Rain"})


async def test_what_can_not_be_sent_is_refused_at_once(house: Bear, pigeons: httpx2.AsyncClient) -> None:
    nowhere = await tell(pigeons, "doves", "123")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "unknown_channel")
    assert "three digits" in (await tell(pigeons, "pigeons", "12")).text
    assert "no active user 'eve'" in (await tell(pigeons, "pigeons", "123", username="eve")).text
    await switch(pigeons, "pigeon-post", "disable")
    assert (await tell(pigeons, "pigeons", "123")).json()["code"] == "channel_off"
    assert (await pigeons.get("/api/v1/tasks")).json()["data"] == []


async def test_without_the_permission_nothing_is_sent(house: Bear, pigeons: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "weather", routes=ROUTES)
    await switch(pigeons, "weather", "reload")
    answer = await tell(pigeons, "pigeons", "123")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_missing")
    assert (await pigeons.get("/api/v1/tasks")).json()["data"] == []


async def test_a_process_sends_as_well(house: Bear, pigeons: httpx2.AsyncClient, folder: Path) -> None:
    routes = ROUTES.replace(
        'plugin.send_message(channel, to, "Rain", username=username)', 'plugin.start_task("tell", None)'
    )
    write(folder, "weather", routes=routes, permissions=["messages", "tasks"], files={"tasks.py": TASKS})
    await switch(pigeons, "weather", "disable")
    assert (await on(pigeons, "weather", "messages", "tasks"))["error"] is None
    told = await ended(house, (await tell(pigeons, "x", "1")).json()["key"])
    assert told["status"] == "completed", told["error"]
    assert (await ended(house, told["result"]))["result"] == {"to": "123", "text": "Rain from a process"}
    await switch(pigeons, "weather", "disable")
