"""Pages of plugins in the page: in the rail, drawn, gone when the plugin is off; a bad one harms itself alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from demo_data import sign_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
PASSWORD = "a calm bear in a den"
GOOD = """
import { command, html, page, person, say, useState } from "../../../ui/sdk.js";

function Forecast() {
  const [fails, fail] = useState(false);
  if (fails) throw new Error("no clouds");
  return html`<div class="column pad-top"><h1>Sun for ${person.value.username}</h1>
    <button class="btn" type="button" onClick=${() => fail(true)}>Break it</button></div>`;
}

page({ name: "forecast", label: "Forecast", Page: Forecast });
command({ name: "rain", label: "Will it rain?", run: () => say("No rain today.") });
"""


def plugin(folder: Path, name: str, main: str) -> None:
    place = folder / "plugins" / name
    (place / "ui").mkdir(parents=True)
    about = {"name": name, "version": "1.0", "permissions": ["pages"], "display_name": name.title()}
    (place / "manifest.json").write_text(json.dumps(about))
    (place / "ui" / "main.js").write_text(main)


def test_a_page_comes_and_goes_with_its_plugin_and_a_bad_one_harms_itself_alone(
    browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    plugin(folder, "weather", GOOD)
    plugin(folder, "bad", "throw new Error('no luck today');\n")
    plugin(
        folder,
        "thief",
        'import { page } from "../../../ui/sdk.js";\npage({ name: "home", label: "x", Page: () => 1 });\n',
    )
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            for name in ("bad", "thief", "weather"):
                assert client.post(f"/api/v1/plugins/{name}/enable", json={"permissions": ["pages"]}).status_code == 200
            cookies = dict(client.cookies)
        watched = Watched(browser, server.url, cookies=cookies)
        page = watched.open("/#/home", ".rail")
        expect(page.locator(".toasts")).to_contain_text("no luck today")
        page.keyboard.press("Control+k")
        page.locator(".palette input").press_sequentially("rain")
        expect(page.locator('.palette [aria-selected="true"]')).to_contain_text("Will it rain?")
        page.keyboard.press("Enter")
        expect(page.locator(".toasts")).to_contain_text("No rain today.")
        page.locator(".rail >> text=Forecast").click()
        expect(page.locator("h1")).to_have_text("Sun for maja")
        page.click("text=Break it")
        expect(page.locator(".trouble")).to_contain_text("no clouds")
        page.goto(f"{server.url}/#/plugins")
        page.locator(".plugin").first.wait_for()
        with sign_in(server.url, "maja", PASSWORD) as client:
            assert client.post("/api/v1/plugins/weather/disable").status_code == 200
        page.reload()
        page.locator(".plugin").first.wait_for()
        watched.settle()
        expect(page.locator(".rail >> text=Forecast")).to_have_count(0)
        watched.check(allowed=("no luck today", "there is a page home already", "no clouds"))
        watched.close()
