"""Fields that a plugin's module may draw: told to the page, and of its own models alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import model, on, state, write

pytestmark = pytest.mark.anyio


def weather(folder: Path, main: bool = True, **manifest: Any) -> None:
    (folder / "weather" / "ui").mkdir(parents=True, exist_ok=True)
    files = {"ui/main.js": "export {};"} if main else {}
    write(folder, "weather", models=model("weather_days"), files=files, permissions=["pages"], **manifest)


async def test_the_page_is_told_which_fields_a_module_may_draw(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    weather(folder, field_widgets=["weather_days.name"])
    assert (await on(ada, "weather", "pages"))["state"] == "on"
    max_ = await house.person("max")
    [told] = (await max_.get("/api/v1/ui/contributions")).json()["data"]
    assert (told["plugin"], told["widgets"]) == ("weather", ["weather_days.name"])


@pytest.mark.parametrize(
    ("main", "key", "reason"),
    [
        (True, "users.username", "wanted a field of one of its models (weather_days)"),
        (True, "weather_days.nothing", "wanted a field of one of its models"),
        (True, "weather_days", "wanted a field of one of its models"),
        (False, "weather_days.name", "wants a ui/main.js"),
    ],
)
async def test_fields_of_others_and_unknown_ones_keep_a_plugin_out(
    main: bool, key: str, reason: str, ada: httpx2.AsyncClient, folder: Path
) -> None:
    weather(folder, main, field_widgets=[key])
    await on(ada, "weather", "pages")
    row = await state(ada, "weather")
    assert row["state"] == "failed" and reason in row["error"], row["error"]
