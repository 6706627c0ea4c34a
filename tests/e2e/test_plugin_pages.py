"""Pages of plugins in the page: in the rail, drawn, gone when the plugin is off; a bad one harms itself alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
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


MODEL = """
from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped
from server.plugin_api import Base, ModelOptions, Record, field

class Day(Record, Base):
    __tablename__ = "weather_days"
    __options__ = ModelOptions(label="Day", label_plural="Days", description="Days.", group="plugins")
    name: Mapped[str] = field(Text, label="Name", required=True)
    sun: Mapped[int] = field(Integer, label="Sun", default=0)
    rain: Mapped[int] = field(Integer, label="Rain", default=0)
"""
WIDGETS = """
import { html, widget } from "../../../ui/sdk.js";

widget({
  model: "weather_days", field: "sun",
  cell: ({ value }) => html`<meter min="0" max="10" value=${value} aria-label=${`${value} hours`}></meter>`,
  Input: ({ id, draft, set }) => html`<input id=${id} type="range" min="0" max="10"
    value=${draft} onInput=${(event) => set(event.target.value)} />`,
});
widget({
  model: "weather_days", field: "rain",
  cell: () => { throw new Error("no clouds"); },
  Input: ({ id, draft, set }) => {
    if (draft === "7") throw new Error("a flood");
    return html`<input class="input" id=${id} value=${draft} onInput=${(event) => set(event.target.value)} />`;
  },
});
"""
THIEF = """
import { widget } from "../../../ui/sdk.js";
widget({ model: "weather_days", field: "name", cell: () => "stolen" });
"""


def plugin(folder: Path, name: str, main: str, models: str = "", **more: object) -> None:
    place = folder / "plugins" / name
    (place / "ui").mkdir(parents=True)
    about = {"name": name, "version": "1.0", "permissions": ["pages"], "display_name": name.title(), **more}
    (place / "manifest.json").write_text(json.dumps(about))
    (place / "ui" / "main.js").write_text(main)
    if models:
        (place / "models.py").write_text(models)


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
        expect(page.locator(".palette input")).to_be_focused()
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


def test_a_widget_draws_its_field_in_grid_and_form_and_a_broken_one_gives_way_to_the_plain_field(
    browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    plugin(folder, "weather", WIDGETS, MODEL, field_widgets=["weather_days.sun", "weather_days.rain"])
    plugin(folder, "thief", THIEF)
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            for name in ("thief", "weather"):
                answer = client.post(f"/api/v1/plugins/{name}/enable", json={"permissions": ["pages"]})
                assert answer.json()["data"]["state"] == "on", answer.text
            day = {"name": "Monday", "sun": 4, "rain": 2}
            assert client.post("/api/v1/weather_days", json=day).status_code == 201
            watched = Watched(browser, server.url, cookies=dict(client.cookies))
            page = watched.open("/#/data/weather_days", "table.grid")
            expect(page.locator(".toasts")).to_contain_text("does not name weather_days.name")
            expect(page.locator("tbody meter")).to_have_attribute("value", "4")
            broken = page.locator("td:has(.widget-failed)")
            expect(broken).to_contain_text("2")
            expect(broken).to_contain_text("no clouds")
            page.click("tbody >> text=Monday")
            page.locator("#field-sun[type=range]").fill("9")
            page.locator("#field-rain").fill("7")
            expect(page.locator("form.record .widget-failed")).to_contain_text("a flood")
            expect(page.locator("#field-rain")).to_have_value("7")
            page.locator("#field-rain").fill("8")
            assert watched.axe() == []
            watched.check(allowed=("no clouds", "a flood", "does not name weather_days.name"))
            page.keyboard.press("Control+s")
            expect(page.locator("tbody meter")).to_have_attribute("value", "9")
            [row] = client.get("/api/v1/weather_days").json()["data"]
            assert (row["sun"], row["rain"], row["name"]) == (9, 8, "Monday")
            # Without the plugin's module the fields are plain again.
            (folder / "plugins" / "weather" / "manifest.json").write_text(
                json.dumps({"name": "weather", "version": "1.1", "permissions": []})
            )
            (folder / "plugins" / "weather" / "ui" / "main.js").unlink()
            assert client.post("/api/v1/plugins/weather/reload").json()["data"]["state"] == "on"
        page.reload()
        page.locator("tbody >> text=Monday").wait_for()
        expect(page.locator("tbody")).to_contain_text("9")
        expect(page.locator("tbody meter")).to_have_count(0)
        expect(page.locator(".widget-failed")).to_have_count(0)
        watched.close()


def test_somebody_silences_a_kind_of_notifications_of_a_plugin(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    kinds = {"rain": {"label": "Rain", "description": "An hour before."}}
    plugin(folder, "weather", "export {};", notification_kinds=kinds)
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            client.post("/api/v1/plugins/weather/enable", json={"permissions": ["pages"]}).raise_for_status()
            watched = Watched(browser, server.url, cookies=dict(client.cookies))
            page = watched.open("/#/account", "#account-kinds")
            check = page.get_by_label("Rain")
            expect(check).to_be_checked()
            for silent in (["weather.rain"], [], ["weather.rain"]):
                with page.expect_response(
                    lambda answer: "/preferences" in answer.url and answer.request.method == "POST"
                ):
                    check.click()
                asked = client.get("/api/v1/preferences?key=notifications.silent").json()["data"]
                assert [row["value"] for row in asked] == [silent]
            page.reload()
            expect(page.get_by_label("Rain")).not_to_be_checked()
            assert watched.axe() == []
            watched.check()
            watched.close()


CARDS = """
import { card, html, person, useState } from "../../../ui/sdk.js";

function Today() {
  const [fails, fail] = useState(false);
  if (fails) throw new Error("no clouds");
  return html`<p>Sun for ${person.value.username}</p>
    <button class="btn" type="button" onClick=${() => fail(true)}>Break it</button>`;
}

card({ name: "weather-today", label: "The weather", Card: Today });
card({ name: "weather-never", label: "No weather", wide: true, Card: () => { throw new Error("a flood"); } });
card({ name: "weather-admin", label: "Of admins", admin: true, Card: () => html`<p>Only admins</p>` });
"""
SECOND = """
import { card } from "../../../ui/sdk.js";
card({ name: "weather-today", label: "Stolen", Card: () => "stolen" });
"""


def test_cards_stand_on_the_start_page_and_a_broken_one_says_so_in_its_place(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    plugin(folder, "weather", CARDS)
    plugin(folder, "zebra", SECOND)
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        with sign_in(server.url, "maja", PASSWORD) as client, sign_in(server.url, "otto", PASSWORD) as other:
            for name in ("weather", "zebra"):
                assert client.post(f"/api/v1/plugins/{name}/enable", json={"permissions": ["pages"]}).status_code == 200
            mine = Watched(browser, server.url, cookies=dict(client.cookies))
            page = mine.open("/", "#card-weather-today")
            expect(page.locator(".toasts")).to_contain_text("there is a card weather-today already")
            card = page.locator("section:has(#card-weather-today)")
            expect(card).to_contain_text("Sun for maja")
            expect(page.locator("section:has(#card-weather-never) .card-failed")).to_contain_text("a flood")
            expect(page.locator("#card-weather-admin")).to_have_text("Of admins")
            # What is broken is one card; what stands round it works on.
            card.locator("text=Break it").click()
            expect(card.locator(".card-failed")).to_contain_text("no clouds")
            expect(page.locator(".plate code").first).to_contain_text("http")
            mine.settle()
            assert mine.axe() == []
            card.locator("text=Try again").click()
            expect(card).to_contain_text("Sun for maja")
            mine.check(allowed=("already", "a flood", "no clouds"))

            narrow = Watched(browser, server.url, "dark", 390, dict(other.cookies))
            page = narrow.open("/", "#card-weather-today")
            expect(page.locator("#card-weather-admin")).to_have_count(0)
            assert "Only admins" not in page.inner_text("main")
            narrow.check(allowed=("already", "a flood"))
            narrow.close()

            assert client.post("/api/v1/plugins/weather/disable").status_code == 200
            page = mine.open("/#/plugins", ".plugin")
            page.goto(f"{server.url}/#/home")
            page.reload()
            page.locator(".plate").wait_for()
            mine.settle()
            # Whoever asked for the name later has it now that the first is gone.
            expect(page.locator("#card-weather-never")).to_have_count(0)
            mine.close()
