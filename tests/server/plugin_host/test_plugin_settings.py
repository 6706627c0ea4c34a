"""Settings of plugins: shown, checked, kept, handed to the plugin; secrets go in and never come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import on, state, switch, write

pytestmark = pytest.mark.anyio
SCHEMA: dict[str, Any] = {
    "city": {"type": "string", "default": "Rome"},
    "days": {"type": "integer", "default": 3, "minimum": 1},
    "units": {"type": "string", "env": "WEATHER_TEST_UNITS"},
    "key": {"type": "secret", "env": "WEATHER_TEST_KEY", "required": True},
}
ROUTES = """
from fastapi import APIRouter
from server.plugin_api import Context
router = APIRouter()
@router.get("/")
async def told(plugin: Context):
    return {**plugin.settings, "key": plugin.secret("key")}
"""
SETTINGS = "/api/v1/plugins/weather/settings"


def weather(folder: Path, schema: dict[str, Any] = SCHEMA) -> None:
    write(folder, "weather", routes=ROUTES, permissions=["secrets"], config_schema=schema)


async def test_defaults_then_what_an_admin_sets_and_the_plugin_gets_it_at_once(
    ada: httpx2.AsyncClient, folder: Path
) -> None:
    weather(folder)
    await on(ada, "weather", "secrets")
    shown = (await ada.get(SETTINGS)).json()["data"]
    assert shown["values"] == {"city": "Rome", "days": 3, "units": None} and shown["missing"] == ["key"]
    assert shown["schema"]["properties"]["key"] == {"type": "string", "writeOnly": True}
    answer = await ada.put(SETTINGS, json={"city": "Oslo", "key": "hunter2"})
    assert answer.status_code == 200 and "hunter2" not in answer.text
    assert answer.json()["data"]["secrets"] == {"key": {"is_set": True, "from_environment": False}}
    assert (await ada.get("/api/weather/")).json() == {"city": "Oslo", "days": 3, "units": None, "key": "hunter2"}
    # What is left out returns to its default, but a secret stays until it is cleared.
    await ada.put(SETTINGS, json={"days": 5})
    assert (await ada.get("/api/weather/")).json() == {"city": "Rome", "days": 5, "units": None, "key": "hunter2"}
    assert (await ada.put(SETTINGS, json={"key": None})).json()["data"]["missing"] == ["key"]
    assert (await ada.get("/api/weather/")).json()["key"] is None


async def test_they_are_kept_through_a_restart_and_lie_sealed(tmp_path: Path, folder: Path) -> None:
    weather(folder)
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        await on(ada, "weather", "secrets")
        await ada.put(SETTINGS, json={"city": "Oslo", "key": "hunter2hunter2"})
    assert b"hunter2hunter2" not in (tmp_path / "data" / "gridbear.db").read_bytes()
    async with running_bear(tmp_path / "data") as bear:
        bear.ids["ada"] = 1
        ada = await bear.person("ada")
        assert (await ada.get("/api/weather/")).json()["city"] == "Oslo"
        assert "hunter2" not in (await ada.get("/api/v1/plugins?name=weather")).text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"city": 7}, "city"),
        ({"days": 0}, "days"),
        ({"colour": "red"}, "colour"),
        ({"key": ["hunter2"]}, "key"),
        ({"key": ""}, "key"),
    ],
)
async def test_a_bad_value_is_refused_by_name_and_nothing_is_kept(
    ada: httpx2.AsyncClient, folder: Path, body: dict[str, Any], field: str
) -> None:
    weather(folder)
    await on(ada, "weather", "secrets")
    answer = await ada.put(SETTINGS, json={"city": "Oslo", **body})
    assert answer.status_code == 422 and field in answer.json()["fields"] and "hunter2" not in answer.text
    assert (await ada.get(SETTINGS)).json()["data"]["values"]["city"] == "Rome"


async def test_the_environment_wins_and_is_not_changed_here(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEATHER_TEST_UNITS", "metric")
    monkeypatch.setenv("WEATHER_TEST_KEY", "from outside")
    weather(folder)
    await on(ada, "weather", "secrets")
    shown = (await ada.get(SETTINGS)).json()["data"]
    assert shown["values"]["units"] == "metric" and shown["from_environment"] == ["units"] and shown["missing"] == []
    assert shown["secrets"]["key"] == {"is_set": True, "from_environment": True}
    assert (await ada.get("/api/weather/")).json()["key"] == "from outside"
    for body in ({"units": "imperial"}, {"key": "x"}):
        assert (await ada.put(SETTINGS, json=body)).status_code == 422
    assert (await ada.put(SETTINGS, json={**shown["values"], "city": "Oslo"})).status_code == 200


async def test_only_admins_see_and_change_them_and_the_log_tells_names_alone(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    weather(folder)
    await on(ada, "weather", "secrets")
    max_, nobody = await house.person("max"), await house.client()
    read_only = await house.person("ada", scopes=["api:read"])
    for who, status in ((nobody, 401), (max_, 403), (read_only, 403)):
        assert (await who.get(SETTINGS)).status_code == status
        assert (await who.put(SETTINGS, json={"city": "x"})).status_code == status
    assert (await ada.get("/api/v1/plugins/nothing/settings")).status_code == 404
    await ada.put(SETTINGS, json={"city": "Oslo", "key": "hunter2"})
    [entry] = await house.app.records.find(SYSTEM, "audit_entries", where={"kind": "plugin_configured"})
    assert (entry["about"], entry["fields"]) == ("weather", ["city", "key"]) and "Oslo" not in str(entry)


async def test_a_kept_value_that_a_newer_plugin_does_not_take_gives_way_to_the_default(
    ada: httpx2.AsyncClient, folder: Path
) -> None:
    weather(folder)
    await on(ada, "weather", "secrets")
    await ada.put(SETTINGS, json={"days": 5, "city": "Oslo"})
    weather(folder, {**SCHEMA, "days": {"type": "integer", "default": 2, "maximum": 4}})
    await switch(ada, "weather", "reload")
    assert (await ada.get("/api/weather/")).json()["days"] == 2
    assert (await ada.get(SETTINGS)).json()["data"]["values"] == {"city": "Oslo", "days": 2, "units": None}


async def test_settings_are_made_before_it_is_switched_on(ada: httpx2.AsyncClient, folder: Path) -> None:
    weather(folder)
    await ada.get("/api/v1/plugins/weather/manifest")
    assert (await ada.put(SETTINGS, json={"city": "Oslo"})).status_code == 200
    assert (await state(ada, "weather"))["state"] == "off"
    await on(ada, "weather", "secrets")
    assert (await ada.get("/api/weather/")).json()["city"] == "Oslo"


async def test_a_manifest_with_secrets_says_so_in_its_permissions(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "weather", config_schema={"key": {"type": "secret"}})
    write(folder, "broken", config_schema={"city": {"type": "text"}})
    for name, says in (("weather", "secrets, which need"), ("broken", "city.type: found 'text'")):
        assert says in (await ada.get(f"/api/v1/plugins/{name}/manifest")).text
