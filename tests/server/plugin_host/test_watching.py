"""Developer mode: files that change are taken as they are, and folders may go and come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from server.plugin_host.watching import Watcher
from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import ROUTES, model, on, state, write

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path, folder: Path) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data", plugin_dev=True) as bear:
        yield bear


@pytest.fixture
def watcher(house: Bear, folder: Path) -> Watcher:
    return Watcher(house.app.plugins, [folder], house.app.settings)


async def test_what_changes_is_loaded_again_and_nothing_else(
    ada: httpx2.AsyncClient, folder: Path, watcher: Watcher, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    counted = f"with open({str(runs)!r}, 'a') as file:\n    file.write('x')\n"
    write(folder, "weather", models=model("weather_days"), routes=ROUTES)
    write(folder, "other", models=counted)
    for name in ("weather", "other"):
        await on(ada, name)
    await watcher.look()
    await watcher.look()
    write(folder, "weather", models=model("weather_days"), routes=ROUTES.replace('"/who"', '"/whoever"'))
    await watcher.look()
    assert (await ada.get("/api/weather/whoever")).status_code == 200
    assert runs.read_text() == "x"
    write(folder, "weather", routes="def (")
    await watcher.look()
    row = await state(ada, "weather")
    assert row["state"] == "failed" and "SyntaxError" in row["error"] and row["enabled"]
    write(folder, "weather", routes=ROUTES)
    await watcher.look()
    assert (await state(ada, "weather"))["state"] == "on"


async def test_a_folder_goes_and_comes_back_with_its_records(
    ada: httpx2.AsyncClient, folder: Path, watcher: Watcher, tmp_path: Path
) -> None:
    there = write(folder, "weather", models=model("weather_days"), routes=ROUTES)
    await on(ada, "weather")
    await ada.post("/api/v1/weather_days", json={"name": "sunny"})
    await watcher.look()
    there.rename(tmp_path / "away")
    await watcher.look()
    assert (await state(ada, "weather"))["state"] == "missing"
    assert (await ada.get("/api/weather/who")).status_code == 404
    (tmp_path / "away").rename(there)
    await watcher.look()
    assert (await state(ada, "weather"))["state"] == "on"
    assert (await ada.get("/api/v1/weather_days")).json()["count"] == 1


async def test_one_that_nobody_switched_on_stays_off_and_no_more_is_allowed_by_itself(
    ada: httpx2.AsyncClient, folder: Path, watcher: Watcher
) -> None:
    await watcher.look()
    write(folder, "weather", routes=ROUTES)
    await watcher.look()
    write(folder, "weather", routes=ROUTES + "# more\n")
    await watcher.look()
    assert (await state(ada, "weather"))["state"] == "off"
    await on(ada, "weather")
    write(folder, "weather", routes=ROUTES, permissions=["secrets"])
    await watcher.look()
    row = await state(ada, "weather")
    assert row["state"] == "failed" and "enable it again" in row["error"]


async def test_a_broken_manifest_is_told_and_mended(ada: httpx2.AsyncClient, folder: Path, watcher: Watcher) -> None:
    there = write(folder, "weather", routes=ROUTES)
    await on(ada, "weather")
    await watcher.look()
    (there / "manifest.json").write_text("{")
    await watcher.look()
    assert "no valid JSON" in (await state(ada, "weather"))["error"]
    write(folder, "weather", routes=ROUTES)
    await watcher.look()
    assert (await state(ada, "weather"))["state"] == "on"


async def test_without_developer_mode_nothing_is_loaded_by_itself(tmp_path: Path, folder: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        watcher = Watcher(bear.app.plugins, [folder], bear.app.settings)
        write(folder, "weather", routes=ROUTES)
        await on(ada, "weather")
        await watcher.look()
        write(folder, "weather", routes=ROUTES.replace('"/who"', '"/whoever"'))
        await watcher.look()
        assert (await ada.get("/api/weather/whoever")).status_code == 404
