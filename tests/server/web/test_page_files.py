"""Files of plugins' pages: for whoever is signed in, of running plugins alone, and nothing else of their folders."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear, running_bear
from tests.server.plugin_host.tests_plugin_support import on, state, switch, write

pytestmark = pytest.mark.anyio
MODULE = 'import { page } from "../../../ui/sdk.js";\n'
LIST = "/api/v1/ui/contributions"


def weather(folder: Path, **manifest: object) -> None:
    place = write(folder / "plugins", "weather", **{"permissions": ["pages"], "display_name": "Weather", **manifest})  # type: ignore[arg-type]
    (place / "ui").mkdir(exist_ok=True)
    (place / "ui" / "main.js").write_text(MODULE)
    (place / "ui" / "look.html").write_text("<script>1</script>")
    (place / "secret.json").write_text("{}")


async def test_they_are_listed_and_served_while_the_plugin_runs_and_anew_after_each_start(tmp_path: Path) -> None:
    weather(tmp_path / "data")
    async with running_bear(tmp_path / "data", base_path="/bear") as bear:
        ada = await bear.person("ada", "admin")
        assert (await ada.get(LIST)).json()["data"] == []
        await on(ada, "weather", "pages")
        max_ = await bear.person("max")
        [one] = (await max_.get(LIST)).json()["data"]
        assert one["title"] == "Weather" and one["module"].startswith("/bear/plugins/weather/ui/main.js?v=")
        answer = await max_.get(one["module"].removeprefix("/bear"))
        assert answer.text == MODULE and answer.headers["content-type"].startswith("text/javascript")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        await switch(ada, "weather", "reload")
        assert (await max_.get(LIST)).json()["data"][0]["module"] != one["module"]
        await switch(ada, "weather", "disable")
        assert (await max_.get(LIST)).json()["data"] == []
        assert (await max_.get("/plugins/weather/ui/main.js")).status_code == 404


async def test_nobody_else_and_nothing_else_gets_out(bear: Bear, tmp_path: Path, admin: httpx2.AsyncClient) -> None:
    weather(tmp_path / "data")
    await on(admin, "weather", "pages")
    nobody = await bear.client()
    assert (await nobody.get("/plugins/weather/ui/main.js")).status_code == 401
    assert (await nobody.get(LIST)).status_code == 401
    (tmp_path / "data" / "plugins" / "weather" / "ui" / "link.js").symlink_to(tmp_path / "data" / "gridbear.db")
    for path in ("ui/look.html", "ui/../secret.json", "ui/%2e%2e/secret.json", "secret.json", "manifest.json",
                 "ui/link.js", "ui/", "ui", "ui/none.js", "../../gridbear.db"):  # fmt: skip
        assert (await admin.get(f"/plugins/weather/{path}")).status_code == 404, path
    assert (await admin.post("/plugins/weather/ui/main.js")).status_code == 405
    assert (await admin.get("/plugins/none/ui/main.js")).status_code == 404


async def test_pages_take_a_permission_that_says_what_they_may(
    bear: Bear, tmp_path: Path, admin: httpx2.AsyncClient
) -> None:
    weather(tmp_path / "data", permissions=[])
    await switch(admin, "weather", "enable")
    assert '"permissions": ["pages"]' in (await state(admin, "weather"))["error"]
