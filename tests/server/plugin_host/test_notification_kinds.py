"""Kinds of notifications: told to whoever may silence them, and silent for who did and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import on, switch, write

pytestmark = pytest.mark.anyio
ROUTES = """
from fastapi import APIRouter
from server.plugin_api import Context
router = APIRouter()
@router.post("/tell/{category}")
async def tell(category: str, plugin: Context, to: str | None = None):
    await plugin.notify("Wet", category=category, username=to)
"""
KINDS = {"rain": {"label": "Rain", "description": "An hour before."}, "snow": {"label": "Snow"}}


@pytest.fixture
async def max_(house: Bear, ada: httpx2.AsyncClient, folder: Path) -> httpx2.AsyncClient:
    """Max, with the plugin on."""
    write(folder, "weather", routes=ROUTES, permissions=["notifications"], notification_kinds=KINDS, display_name="Sky")
    assert (await on(ada, "weather", "notifications"))["state"] == "on"
    return await house.person("max")


async def silence(client: httpx2.AsyncClient, value: Any) -> None:
    body = {"key": "notifications.silent", "value": value}
    assert (await client.post("/api/v1/preferences?upsert=key", json=body)).status_code in (200, 201)


async def told(house: Bear, client: httpx2.AsyncClient, name: str) -> int:
    count: int = (await client.get(f"/api/v1/notifications?owner_id={house.ids[name]}")).json()["count"]
    return count


async def test_who_is_named_is_told_in_whatever_case_and_nobody_else(
    house: Bear, max_: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    for name in ("m_x", "MAX", "m%"):
        assert (await ada.post("/api/weather/tell/rain", params={"to": name})).status_code == 200
    assert (await told(house, ada, "ada"), await told(house, max_, "max")) == (0, 1)


async def test_kinds_of_running_plugins_are_listed(max_: httpx2.AsyncClient, ada: httpx2.AsyncClient) -> None:
    found = (await max_.get("/api/v1/ui/notification-kinds")).json()
    assert found["data"] == [
        {"kind": "weather.rain", "plugin": "Sky", "label": "Rain", "description": "An hour before."},
        {"kind": "weather.snow", "plugin": "Sky", "label": "Snow", "description": ""},
    ]
    await switch(ada, "weather", "disable")
    assert (await max_.get("/api/v1/ui/notification-kinds")).json()["data"] == []


async def test_who_silenced_a_kind_gets_no_more_of_it_and_the_others_do(
    house: Bear, max_: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    await silence(max_, ["weather.rain", "weather.hail", 7])
    await max_.post("/api/weather/tell/rain")
    assert (await told(house, ada, "ada"), await told(house, max_, "max")) == (1, 0)
    assert (await max_.post("/api/weather/tell/rain?to=max")).status_code == 200
    assert await told(house, max_, "max") == 0
    for category in ("snow", "hail"):
        await max_.post(f"/api/weather/tell/{category}")
    assert (await told(house, ada, "ada"), await told(house, max_, "max")) == (3, 2), "hail is no kind of it"
    await silence(max_, [])
    await max_.post("/api/weather/tell/rain")
    assert await told(house, max_, "max") == 3


async def test_a_preference_that_is_no_list_silences_nothing(house: Bear, max_: httpx2.AsyncClient) -> None:
    for value in ("weather.rain", {"weather.rain": True}, None, 5):
        await silence(max_, value)
        await max_.post("/api/weather/tell/rain")
    assert await told(house, max_, "max") == 4


async def test_a_kind_without_a_label_or_with_an_odd_name_keeps_its_plugin_out(
    ada: httpx2.AsyncClient, folder: Path
) -> None:
    for number, kinds in enumerate(({"rain": {}}, {"Rain!": {"label": "Rain"}}, {"rain": "Rain"}, ["rain"])):
        write(folder, f"sky-{number}", notification_kinds=kinds)
        answer = await switch(ada, f"sky-{number}", "enable")
        assert answer.status_code == 409 and "notification_kinds" in answer.json()["error"]
