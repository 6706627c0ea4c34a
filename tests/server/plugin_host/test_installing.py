"""Plugins come and go by REST: looked at first, replaced with a copy kept, and gone without a trace if so wanted."""

from __future__ import annotations

import errno
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import OWNER
from server.plugin_host.host import PluginHost
from server.plugin_host.installing import Installer
from server.plugin_host.package import pack
from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import ROUTES, model, on, state, switch, write

pytestmark = pytest.mark.anyio

INSTALL = "/api/v1/plugins/install"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A place where a plugin is written before it is installed."""
    return tmp_path / "made"


def packed(made: Path, name: str = "weather", **more: Any) -> dict[str, tuple[str, bytes]]:
    """A plugin as a form sends it."""
    given = {"models": model(f"{name}_days"), "routes": ROUTES, **more}
    target = made / f"{name}.zip"
    pack(write(made, name, **given), target)
    return {"file": (target.name, target.read_bytes())}


async def install(client: httpx2.AsyncClient, files: dict[str, tuple[str, bytes]], query: str = "") -> httpx2.Response:
    return await client.post(f"{INSTALL}?{query}", files=files)


async def test_a_dry_run_shows_everything_and_does_nothing(
    ada: httpx2.AsyncClient, made: Path, folder: Path, tmp_path: Path
) -> None:
    answer = await install(ada, packed(made, permissions=["network", "secrets"]), "dry_run=true")
    assert answer.status_code == 200, answer.text
    told = answer.json()["data"]
    assert (told["name"], told["manifest"]["version"], told["installed"], told["plugin"]) == (
        "weather",
        "1",
        None,
        None,
    )
    assert [(it["name"], it["enforced"]) for it in told["permissions"]] == [("network", False), ("secrets", True)]
    assert (told["files"], len(told["content_hash"])) == (3, 64)
    assert not (folder / "weather").exists()
    assert (await ada.get("/api/v1/plugins?name=weather")).json()["count"] == 0
    assert not list((tmp_path / "data" / "tmp").iterdir())


async def test_what_was_looked_at_is_what_is_installed(ada: httpx2.AsyncClient, made: Path, folder: Path) -> None:
    told = (await install(ada, packed(made), "dry_run=true")).json()["data"]
    other = packed(made, routes=ROUTES + "# more\n")
    refused = await install(ada, other, f"content_hash={told['content_hash']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "content_changed")
    assert not (folder / "weather").exists()
    done = await install(ada, packed(made), f"content_hash={told['content_hash']}")
    assert (done.status_code, done.json()["data"]["plugin"]["state"]) == (200, "off")
    await on(ada, "weather")
    assert (await ada.post("/api/v1/weather_days", json={"name": "sunny"})).status_code == 201


async def test_one_that_is_there_is_replaced_only_when_asked_and_goes_on(
    ada: httpx2.AsyncClient, made: Path, tmp_path: Path
) -> None:
    await install(ada, packed(made))
    await on(ada, "weather")
    await ada.post("/api/v1/weather_days", json={"name": "sunny"})
    newer = packed(made, version="2", routes=ROUTES.replace('"/who"', '"/whoever"'))
    refused = await install(ada, newer)
    assert (refused.status_code, refused.json()["code"]) == (409, "plugin_exists")
    done = (await install(ada, newer, "replace=true")).json()["data"]
    assert (done["installed"]["version"], done["plugin"]["version"], done["plugin"]["state"]) == ("1", "2", "on")
    assert (await ada.get("/api/weather/whoever")).status_code == 200
    assert (await ada.get("/api/v1/weather_days")).json()["count"] == 1
    [copy] = (tmp_path / "data" / "backups" / "plugins").iterdir()
    with zipfile.ZipFile(copy) as archive:
        assert b'"version": "1"' in archive.read("weather/manifest.json")
    assert not list((tmp_path / "data" / "tmp").iterdir())


async def test_of_two_that_install_one_at_once_the_second_does_not_replace_it_unasked(
    ada: httpx2.AsyncClient, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_other_files = PluginHost.with_other_files
    first, second = packed(made), packed(made, routes=ROUTES + "# more\n")

    async def behind_another(*given: Any) -> dict[str, Any]:
        monkeypatch.undo()
        assert (await install(ada, first)).status_code == 200
        return await with_other_files(*given)

    monkeypatch.setattr(PluginHost, "with_other_files", behind_another)
    refused = await install(ada, second)
    assert (refused.status_code, refused.json().get("code")) == (409, "plugin_exists")
    told = (await install(ada, first, "dry_run=true")).json()["data"]
    assert told["installed"]["content_hash"] == told["content_hash"]


async def test_one_that_can_not_be_replaced_goes_on_as_it_was(
    house: Bear, ada: httpx2.AsyncClient, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await install(ada, packed(made))
    await on(ada, "weather")

    def full(*_: Any) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Installer, "_keep", full)
    source = write(made, "weather", routes=ROUTES)
    with pytest.raises(OSError, match="No space"):
        await house.app.plugin_installer.install(OWNER, source, replace=True)
    assert (await ada.get("/api/weather/who")).status_code == 200
    assert (await state(ada, "weather"))["state"] == "on"


async def test_a_newer_one_gets_no_more_permissions_by_itself(ada: httpx2.AsyncClient, made: Path) -> None:
    await install(ada, packed(made, permissions=["secrets"]))
    await on(ada, "weather", "secrets")
    more = packed(made, permissions=["secrets", "records:read"])
    told = (await install(ada, more, "dry_run=true")).json()["data"]
    assert told["new_permissions"] == ["records:read"]
    row = (await install(ada, more, "replace=true")).json()["data"]["plugin"]
    assert row["state"] == "failed" and "records:read; enable it again" in row["error"]
    assert (await ada.get("/api/weather/who")).status_code == 404
    assert (await on(ada, "weather", "secrets", "records:read"))["state"] == "on"


async def test_files_that_ask_for_more_stay_out_after_a_reload_too(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "weather")
    await on(ada, "weather")
    write(folder, "weather", permissions=["secrets"])
    row = (await switch(ada, "weather", "reload")).json()["data"]
    assert row["state"] == "failed" and row["permissions"] == []


async def test_uninstalling_keeps_the_data_and_what_comes_back_finds_it(
    ada: httpx2.AsyncClient, made: Path, folder: Path, tmp_path: Path
) -> None:
    await install(ada, packed(made))
    await on(ada, "weather")
    await ada.post("/api/v1/weather_days", json={"name": "sunny"})
    gone = await ada.post("/api/v1/plugins/weather/uninstall", json={})
    assert gone.status_code == 200, gone.text
    assert gone.json()["data"]["dropped"] == [] and Path(gone.json()["data"]["copy"]).is_file()
    assert not (folder / "weather").exists()
    row = await state(ada, "weather")
    assert (row["state"], row["enabled"], row["models"]) == ("missing", False, ["weather_days"])
    assert (await ada.get("/api/weather/who")).status_code == 404
    await install(ada, packed(made))
    assert (await state(ada, "weather"))["state"] == "off"
    await on(ada, "weather")
    assert (await ada.get("/api/v1/weather_days")).json()["data"][0]["name"] == "sunny"


def names(folder: Path) -> list[str]:
    """What lies there, without what Python leaves once it has imported it."""
    return sorted(it.name for it in folder.iterdir() if it.name != "__pycache__")


async def test_a_removed_one_is_put_back_off_with_its_records_and_can_go_again(
    house: Bear, ada: httpx2.AsyncClient, made: Path, folder: Path
) -> None:
    await install(ada, packed(made))
    await install(ada, packed(made, "weather-2"))
    await on(ada, "weather")
    assert (await ada.post("/api/v1/weather_days", json={"name": "sunny"})).status_code == 201
    there = await ada.post("/api/v1/plugins/weather/restore")
    assert (there.status_code, there.json()["code"]) == (404, "not_found")
    files = names(folder / "weather")
    for _ in range(2):
        await ada.post("/api/v1/plugins/weather/uninstall", json={})
        assert not (folder / "weather").exists()
        for client, status in ((await house.client(), 401), (await house.person("max"), 403)):
            assert (await client.post("/api/v1/plugins/weather/restore")).status_code == status
        assert not (folder / "weather").exists()
        back = await ada.post("/api/v1/plugins/weather/restore")
        assert (back.status_code, back.json()["data"]["plugin"]["state"]) == (200, "off")
        assert names(folder / "weather") == files
    await on(ada, "weather")
    assert (await ada.get("/api/v1/weather_days")).json()["count"] == 1
    taken = await ada.post("/api/v1/plugins/weather/restore")
    assert (taken.status_code, taken.json()["code"]) == (409, "plugin_exists")
    for name in ("never-there", "..", "weather.2026"):
        assert (await ada.post(f"/api/v1/plugins/{name}/restore")).status_code == 404


@pytest.mark.parametrize("folder_first", [True, False])
async def test_data_is_dropped_when_asked_with_a_copy_and_nothing_else(
    ada: httpx2.AsyncClient, made: Path, tmp_path: Path, folder_first: bool
) -> None:
    for name in ("weather", "weather-cam"):
        await install(ada, packed(made, name, models=model(f"{name.replace('-', '_')}_days")))
        await on(ada, name)
        await ada.post("/api/v1/secrets", json={"name": f"{name}.key", "value": "x"})
    await ada.post("/api/v1/weather_days", json={"name": "sunny"})
    if folder_first:
        await ada.post("/api/v1/plugins/weather/uninstall", json={})
    gone = await ada.post("/api/v1/plugins/weather/uninstall", json={"drop_data": True})
    assert gone.json()["data"]["dropped"] == ["weather_days"], gone.text
    assert len(list((tmp_path / "data" / "backups").glob("before-change-*-weather.db"))) == 1
    assert (await ada.get("/api/v1/plugins?name=weather")).json()["count"] == 0
    names = [row["name"] for row in (await ada.get("/api/v1/secrets")).json()["data"]]
    assert names == ["weather-cam.key"]
    assert (await ada.get("/api/v1/weather_cam_days")).status_code == 200
    await install(ada, packed(made))
    await on(ada, "weather")
    assert (await ada.get("/api/v1/weather_days")).json()["count"] == 0


async def test_data_that_an_own_model_refers_to_stays_also_when_the_plugin_was_given_up(
    ada: httpx2.AsyncClient, made: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.host.FAILURES_TO_SWITCH_OFF", 1)
    await install(ada, packed(made))
    await on(ada, "weather")
    fields = [{"name": "day", "type": "relation", "references": "weather_days"}]
    assert (await ada.post("/api/v1/models", json={"name": "diary", "label": "D", "fields": fields})).status_code == 201
    day = (await ada.post("/api/v1/weather_days", json={"name": "sunny"})).json()["data"]["id"]
    await ada.get("/api/weather/fails")
    assert (await state(ada, "weather"))["enabled"] is False
    held = await ada.post("/api/v1/plugins/weather/uninstall", json={"drop_data": True})
    assert (held.status_code, held.json().get("code")) == (409, "referred_to")
    assert (folder / "weather").is_dir()
    assert (await ada.post("/api/v1/diary", json={"day": day})).status_code == 201
    assert (await ada.delete("/api/v1/models/diary?confirm=true")).status_code == 200
    gone = await ada.post("/api/v1/plugins/weather/uninstall", json={"drop_data": True})
    assert gone.json()["data"]["dropped"] == ["weather_days"], gone.text
    assert (await ada.get("/api/v1/weather_days")).status_code == 404


async def test_what_can_not_go_stays_whole(ada: httpx2.AsyncClient, made: Path, folder: Path) -> None:
    bundled = await ada.post("/api/v1/plugins/webhook-inbox/uninstall", json={})
    assert (bundled.status_code, bundled.json()["code"]) == (409, "plugin_bundled")
    assert (await ada.post("/api/v1/plugins/nothing/uninstall", json={})).status_code == 404
    assert (await ada.post("/api/v1/plugins/..%2Fweather/uninstall", json={})).status_code == 404
    await install(ada, packed(made))
    await install(ada, packed(made, "top", dependencies=["weather"]))
    await on(ada, "weather")
    await on(ada, "top")
    needed = await ada.post("/api/v1/plugins/weather/uninstall", json={"drop_data": True})
    assert (needed.status_code, needed.json()["code"]) == (409, "plugin_conflict")
    await switch(ada, "top", "disable")
    fields = [{"name": "day", "type": "relation", "references": "weather_days"}, {"name": "text", "type": "text"}]
    await ada.post("/api/v1/models", json={"name": "diary", "label": "Entry", "fields": fields})
    held = await ada.post("/api/v1/plugins/weather/uninstall", json={"drop_data": True})
    assert (held.status_code, held.json()["code"]) == (409, "referred_to")
    assert (folder / "weather").is_dir() and (await state(ada, "weather"))["state"] == "on"


async def test_only_admins_install_and_nothing_of_the_refused_is_kept(
    house: Bear, ada: httpx2.AsyncClient, made: Path, folder: Path, tmp_path: Path
) -> None:
    form = packed(made)
    for client, status in (
        (await house.client(), 401),
        (await house.person("gus", "guest"), 403),
        (await house.person("max"), 403),
        (await house.person("ada", scopes=["api:read"]), 403),
    ):
        assert (await install(client, form, "dry_run=true")).status_code == status
        assert (await install(client, form)).status_code == status
        assert (await client.post("/api/v1/plugins/webhook-inbox/uninstall", json={})).status_code == status
    assert list(folder.iterdir()) == [] and not list((tmp_path / "data" / "tmp").iterdir())


@pytest.mark.parametrize("name", ["webhook-inbox", "v1", "internal"])
async def test_a_name_of_the_program_can_not_be_taken(ada: httpx2.AsyncClient, folder: Path, name: str) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(f"{name}/manifest.json", json.dumps({"name": "x", "version": "1"}))
    answer = await install(ada, {"file": ("x.zip", data.getvalue())}, "replace=true")
    assert answer.status_code in (409, 422) and not (folder / name).exists()


@pytest.mark.parametrize(("query", "status"), [("dry_run=perhaps", 422), ("drop_data=true", 422), ("name=Bad", 422)])
async def test_bad_questions_are_refused(ada: httpx2.AsyncClient, made: Path, query: str, status: int) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("manifest.json", json.dumps({"name": "x", "version": "1"}))
    assert (await install(ada, {"file": ("x.zip", data.getvalue())}, query)).status_code == status
    assert (await ada.post(INSTALL, files={"file": ("x.zip", b"no zip")})).json()["code"] == "bad_package"
    assert (await ada.post(INSTALL, json={})).status_code == 422


async def test_a_zip_over_the_limit_of_uploads_is_refused(ada: httpx2.AsyncClient, made: Path, house: Bear) -> None:
    await ada.post("/api/v1/settings", json={"name": "upload_body_bytes", "value": 2000})
    data = {"file": ("weather.zip", b"x" * 200_000)}
    assert (await install(ada, data)).status_code in (413, 422)


async def test_installing_is_in_the_audit_log(ada: httpx2.AsyncClient, made: Path) -> None:
    await install(ada, packed(made))
    await ada.post("/api/v1/plugins/weather/uninstall", json={"drop_data": True})
    entries = (await ada.get("/api/v1/audit_entries?about=weather")).json()["data"]
    assert [entry["kind"] for entry in entries] == ["plugin_installed", "plugin_uninstalled"]
    assert len(entries[0]["detail"]) == 64


async def test_a_table_of_another_plugin_or_person_is_never_taken(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "web-hook", models=model("web_hook_days"))
    await on(ada, "web-hook")
    await ada.post("/api/v1/web_hook_days", json={"name": "mine"})
    await switch(ada, "web-hook", "disable")
    await ada.post(
        "/api/v1/models", json={"name": "web_pages", "label": "Page", "fields": [{"name": "name", "type": "text"}]}
    )
    for table, owner in (("web_hook_days", "the plugin web-hook"), ("web_pages", "a model that was made here")):
        write(folder, "web", models=model(table))
        row = await on(ada, "web")
        assert row["state"] == "failed" and owner in row["error"]
        await switch(ada, "web", "disable")
    await on(ada, "web-hook")
    assert (await ada.get("/api/v1/web_hook_days")).json()["data"][0]["name"] == "mine"
