"""The life of plugins in a running server: on, off, again, gone and back, without a restart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx2
import pytest

from server.errors import Forbidden
from server.models.base import Base
from server.models.declared import declared_models
from server.plugin_host.context import OwnRecords
from server.records.own_models import OwnModels
from server.this_computer import resource_dir
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import ROUTES, model, on, state, switch, write

pytestmark = pytest.mark.anyio


async def again(bear: Bear) -> httpx2.AsyncClient:
    """Ada, who was made before the restart."""
    bear.ids["ada"] = 1
    return await bear.person("ada")


async def test_a_bundled_plugin_is_on_and_one_of_the_folder_waits_for_a_person(
    ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "weather", models=model("weather_days"))
    assert (await ada.get("/api/v1/plugins/weather/manifest")).status_code == 200
    assert ((await state(ada, "webhook-inbox"))["state"], (await state(ada, "weather"))["state"]) == ("on", "off")
    assert (await ada.get("/api/v1/weather_days")).status_code == 404
    assert (await state(ada, "webhook-inbox"))["permissions"] == ["notifications", "secrets"]


async def test_models_and_routes_come_and_go_and_the_records_stay(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "weather", models=model("weather_days"), routes=ROUTES)
    assert (await on(ada, "weather"))["state"] == "on"
    assert (await ada.post("/api/v1/weather_days", json={"name": "sunny"})).status_code == 201
    assert (await ada.get("/api/weather/who")).json() == {"kind": "token"}
    assert "weather_days" in (await ada.get("/api/openapi.json")).text
    assert (await switch(ada, "weather", "disable")).json()["data"]["state"] == "off"
    assert (await ada.get("/api/v1/weather_days")).status_code == 404
    assert (await ada.get("/api/weather/who")).status_code == 404
    assert "weather_days" not in (await ada.get("/api/openapi.json")).text
    assert not [it for it in declared_models(Base) if it.__tablename__ == "weather_days"]
    await on(ada, "weather")
    assert [row["name"] for row in (await ada.get("/api/v1/weather_days")).json()["data"]] == ["sunny"]


@pytest.mark.slow
async def test_two_hundred_times_on_and_off_leave_nothing(ada: httpx2.AsyncClient, folder: Path, house: Bear) -> None:
    write(folder, "weather", models=model("weather_days"), routes=ROUTES)
    models = len(list(house.app.records.registry))
    for _ in range(200):
        await on(ada, "weather")
        await switch(ada, "weather", "disable")
    assert len(list(house.app.records.registry)) == models
    assert [it.__tablename__ for it in declared_models(Base)].count("weather_days") == 0


async def test_a_reload_takes_the_files_as_they_are_and_keeps_records(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "weather", models=model("weather_days"), routes=ROUTES)
    await on(ada, "weather")
    await ada.post("/api/v1/weather_days", json={"name": "sunny"})
    more = '    wind: Mapped[str | None] = field(Text, label="Wind")\n'
    write(folder, "weather", models=model("weather_days") + more, routes=ROUTES.replace('"/who"', '"/whoever"'))
    assert (await switch(ada, "weather", "reload")).json()["data"]["state"] == "on"
    assert (await ada.get("/api/v1/weather_days")).json()["data"][0]["wind"] is None
    assert (await ada.get("/api/weather/whoever")).status_code == 200
    assert (await ada.get("/api/weather/who")).status_code == 404


async def test_what_was_on_is_on_after_a_restart_and_comes_back_with_its_folder(tmp_path: Path, folder: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        write(folder, "weather", models=model("weather_days"))
        await on(ada, "weather")
        await ada.post("/api/v1/weather_days", json={"name": "sunny"})
    shutil.move(folder / "weather", tmp_path / "away")
    async with running_bear(tmp_path / "data") as bear:
        ada = await again(bear)
        assert (await state(ada, "weather"))["state"] == "missing"
        assert (await ada.get("/api/v1/weather_days")).status_code == 404
        shutil.move(tmp_path / "away", folder / "weather")
        await bear.app.plugins.rescan()
        assert (await state(ada, "weather"))["state"] == "on"
        assert (await ada.get("/api/v1/weather_days")).json()["count"] == 1


@pytest.mark.parametrize("table", ["users", "prefixless", "bad_prefix_", "other_things"])
async def test_a_table_without_the_prefix_is_never_made(ada: httpx2.AsyncClient, folder: Path, table: str) -> None:
    write(folder, "bad-prefix", models=model(table))
    row = await on(ada, "bad-prefix")
    assert row["state"] == "failed" and ("already defined" if table == "users" else "bad_prefix_") in row["error"]
    assert (await ada.get(f"/api/v1/{table}")).status_code == (200 if table == "users" else 404)


@pytest.mark.parametrize("code", ["1 / 0", "raise SystemExit(3)", "def (", "raise StopIteration"])
@pytest.mark.parametrize("file", ["models", "routes"])
async def test_a_plugin_that_fails_at_import_stays_out_with_its_traceback(
    ada: httpx2.AsyncClient, folder: Path, file: str, code: str
) -> None:
    files: dict[str, Any] = {"models": model("breaks_things"), "routes": ROUTES}
    write(folder, "breaks", **{**files, file: files[file] + code + "\n"})
    write(folder, "works", models=model("works_things"))
    row = await on(ada, "breaks")
    assert row["state"] == "failed" and f"{file}.py" in row["error"] and "Traceback" in (row["traceback"] or "")
    assert (await on(ada, "works"))["state"] == "on"
    assert (await ada.get("/api/v1/breaks_things")).status_code == 404
    write(folder, "breaks", **files)
    assert (await switch(ada, "breaks", "reload")).json()["data"]["error"] is None
    assert (await ada.get("/api/v1/breaks_things")).status_code == 200


async def test_a_plugin_that_blocks_at_import_is_given_up(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.contained.SECONDS", 0.2)
    write(folder, "sleeper", models="import time\ntime.sleep(3)\n")
    row = await on(ada, "sleeper")
    assert row["state"] == "failed" and "did not come to its end within 0.2 s" in row["error"]


async def test_a_raising_route_is_500_in_the_one_shape_and_too_much_of_it_ends_the_plugin(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.host.FAILURES_TO_SWITCH_OFF", 3)
    write(folder, "raising", routes=ROUTES)
    await on(ada, "raising")
    answer = await ada.get("/api/raising/fails")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "private detail" not in answer.text
    assert (await ada.get("/api/raising/who")).status_code == 200
    assert "private detail" in (await state(ada, "raising"))["traceback"]
    for _ in range(2):
        await ada.get("/api/raising/fails")
    row = await state(ada, "raising")
    assert (row["enabled"], row["state"], row["failures"]) == (False, "failed", 3)
    assert (await ada.get("/api/raising/who")).status_code == 404


async def test_dependencies_and_conflicts_are_kept(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "base")
    write(folder, "top", dependencies=["base"])
    write(folder, "rival", conflicts=["base"])
    refused = await switch(ada, "top", "enable")
    assert (refused.status_code, refused.json()["code"]) == (409, "plugin_conflict")
    await on(ada, "base")
    await on(ada, "top")
    assert "rival and base" in (await switch(ada, "rival", "enable")).json()["error"]
    assert "top needs" in (await switch(ada, "base", "disable")).json()["error"]
    assert (await switch(ada, "base", "reload")).status_code == 200
    assert (await state(ada, "top"))["state"] == "on"
    for name in ("top", "base"):
        assert (await switch(ada, name, "disable")).status_code == 200
    await on(ada, "rival")


async def test_what_provides_stands_in_and_is_held(ada: httpx2.AsyncClient, folder: Path) -> None:
    routes = ROUTES.replace("Caller\n", "Caller, Context\n").replace("caller: Caller", "plugin: Context")
    routes = routes.replace('{"kind": caller.kind}', '{"mail": plugin.is_running("mail")}')
    write(folder, "post", provides="mail")
    write(folder, "doves", provides=["mail"])
    write(folder, "top", dependencies=["mail"], routes=routes)
    write(folder, "rival", conflicts=["mail"])
    assert "needs the plugin mail" in (await switch(ada, "top", "enable")).json()["error"]
    await on(ada, "post")
    await on(ada, "top")
    assert (await ada.get("/api/top/who")).json() == {"mail": True}
    assert "can't be on together" in (await switch(ada, "rival", "enable")).json()["error"]
    assert (await switch(ada, "post", "disable")).status_code == 409
    await on(ada, "doves")
    assert (await switch(ada, "post", "disable")).status_code == 200
    assert (await switch(ada, "doves", "disable")).status_code == 409


async def test_permissions_are_said_yes_to_exactly(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "net", permissions=["network", "records:read"])
    for given in ([], ["network"], ["network", "records:read", "records:write"]):
        answer = await switch(ada, "net", "enable", permissions=given)
        assert (answer.status_code, answer.json()["code"]) == (409, "permissions_to_confirm")
        assert "network, records:read" in answer.json()["error"]
    row = (await switch(ada, "net", "enable", permissions=["records:read", "network"])).json()["data"]
    assert row["permissions"] == ["network", "records:read"] and len(row["content_hash"]) == 64


async def test_an_own_model_that_refers_to_a_plugins_records_holds_it(
    tmp_path: Path, ada: httpx2.AsyncClient, folder: Path, house: Bear
) -> None:
    write(folder, "weather", models=model("weather_days"))
    await on(ada, "weather")
    fields = [{"name": "day", "type": "relation", "references": "weather_days"}, {"name": "text", "type": "text"}]
    made = await ada.post("/api/v1/models", json={"name": "diary", "label": "Entry", "fields": fields})
    assert made.status_code == 201, made.text
    refused = await switch(ada, "weather", "disable")
    assert (refused.status_code, refused.json()["code"]) == (409, "referred_to")
    assert "diary.day" in refused.json()["error"]


async def test_a_plugin_is_not_switched_off_while_an_own_model_that_refers_to_it_is_being_made(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "weather", models=model("weather_days"))
    await on(ada, "weather")
    run = OwnModels._run

    async def meanwhile(*given: Any, **more: Any) -> None:
        monkeypatch.undo()
        refused = await switch(ada, "weather", "disable")
        assert (refused.status_code, refused.json().get("code")) == (409, "referred_to")
        await run(*given, **more)

    monkeypatch.setattr(OwnModels, "_run", meanwhile)
    fields = [{"name": "day", "type": "relation", "references": "weather_days"}, {"name": "text", "type": "text"}]
    made = await ada.post("/api/v1/models", json={"name": "diary", "label": "Entry", "fields": fields})
    assert made.status_code == 201, made.text
    day = (await ada.post("/api/v1/weather_days", json={"name": "monday"})).json()["data"]["id"]
    assert (await ada.post("/api/v1/diary", json={"day": day})).status_code == 201
    assert "diary.day" in (await switch(ada, "weather", "disable")).json()["error"]


async def test_a_plugin_that_an_own_model_refers_to_is_loaded_again_and_comes_back_when_it_was_given_up(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.host.FAILURES_TO_SWITCH_OFF", 1)
    write(folder, "weather", models=model("weather_days"), routes=ROUTES)
    await on(ada, "weather")
    fields = [{"name": "day", "type": "relation", "references": "weather_days"}, {"name": "text", "type": "text"}]
    await ada.post("/api/v1/models", json={"name": "diary", "label": "Entry", "fields": fields})
    day = (await ada.post("/api/v1/weather_days", json={"name": "monday"})).json()["data"]["id"]
    assert (await ada.post("/api/v1/diary", json={"day": day})).status_code == 201
    more = model("weather_days") + '    rain: Mapped[str | None] = field(Text, label="Rain")\n'
    write(folder, "weather", models=more)
    again = (await switch(ada, "weather", "reload")).json()["data"]
    assert (again["state"], again["error"]) == ("on", None)
    assert "rain" in (await ada.get(f"/api/v1/weather_days/{day}")).json()["data"]
    await ada.get("/api/weather/fails")
    assert (await state(ada, "weather"))["enabled"] is False
    await on(ada, "weather")
    assert (await state(ada, "weather"))["state"] == "on"
    assert (await ada.get("/api/v1/diary?expand=day")).json()["data"][0]["day"] is not None


async def test_a_model_that_refers_to_a_plugin_that_is_gone_waits_for_it(tmp_path: Path, folder: Path) -> None:
    fields = [{"name": "day", "type": "relation", "references": "weather_days"}, {"name": "text", "type": "text"}]
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        write(folder, "weather", models=model("weather_days"))
        await on(ada, "weather")
        await ada.post("/api/v1/models", json={"name": "diary", "label": "Entry", "fields": fields})
        await ada.post("/api/v1/diary", json={"text": "dear"})
    shutil.move(folder / "weather", tmp_path / "away")
    async with running_bear(tmp_path / "data") as bear:
        ada = await again(bear)
        assert (await ada.get("/api/v1/diary")).status_code == 404
    shutil.move(tmp_path / "away", folder / "weather")
    async with running_bear(tmp_path / "data") as bear:
        ada = await again(bear)
        assert (await ada.get("/api/v1/diary")).json()["data"][0]["text"] == "dear"


async def test_only_admins_switch_plugins(house: Bear, ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "weather", routes=ROUTES)
    await ada.get("/api/v1/plugins/weather/manifest")
    for client, status in ((await house.client(), 401), (await house.person("max"), 403)):
        for deed in ("enable", "disable", "reload"):
            assert (await switch(client, "weather", deed)).status_code == status
        assert (await client.get("/api/v1/plugins")).status_code == status
        assert (await client.get("/api/v1/plugins/weather/manifest")).status_code == status
    assert (await state(ada, "weather"))["state"] == "off"
    assert (await switch(ada, "nothing", "enable")).json()["code"] == "unknown_plugin"


async def test_switching_is_in_the_audit_log(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "weather")
    await on(ada, "weather")
    await switch(ada, "weather", "reload")
    await switch(ada, "weather", "disable")
    entries = (await ada.get("/api/v1/audit_entries?about=weather")).json()["data"]
    assert [entry["kind"] for entry in entries] == ["plugin_enabled", "plugin_reloaded", "plugin_disabled"]


async def test_a_closed_plugin_wants_somebody(house: Bear, ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "closed", routes=ROUTES)
    write(folder, "open", routes=ROUTES, public_api=True)
    await on(ada, "closed")
    await on(ada, "open")
    nobody = await house.client()
    assert (await nobody.get("/api/closed/who")).status_code == 401
    assert (await nobody.get("/api/open/who")).json() == {"kind": "anonymous"}


async def test_a_plugin_reaches_its_own_models_alone() -> None:
    records = AsyncMock()
    with pytest.raises(Forbidden, match="its own models"):
        await OwnRecords("weather", records, ["weather_days"]).find("users")
    assert records.mock_calls == []


async def test_a_bundled_plugin_shows_what_it_may_and_a_new_one_waits_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped"
    write(shipped, "webhook-inbox", permissions=["notifications"])
    write(shipped, "letters", permissions=["network"])
    monkeypatch.setattr("server.app.resource_dir", lambda name: shipped if name == "plugins" else resource_dir(name))
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        assert ((await state(ada, "letters"))["state"], (await state(ada, "letters"))["permissions"]) == ("off", [])
        assert (await state(ada, "webhook-inbox"))["permissions"] == ["notifications"]
    write(shipped, "webhook-inbox", permissions=["notifications", "secrets"])
    async with running_bear(tmp_path / "data") as bear:
        ada = await again(bear)
        row = await state(ada, "webhook-inbox")
        assert (row["state"], row["permissions"]) == ("on", ["notifications", "secrets"])
