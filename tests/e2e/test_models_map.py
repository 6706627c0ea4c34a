"""The drawing of how models refer to each other: boxes, lines, the keyboard, a phone, and the same as a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, dict[str, str]]]:
    folder: Path = tmp_path_factory.mktemp("map")
    with RunningServer(folder / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            for name, fields in {
                "authors": [],
                "books": [
                    {"name": "author", "type": "relation", "references": "authors"},
                    {"name": "sequel_of", "type": "relation", "references": "books", "on_delete": "set_null"},
                ],
                "loans": [{"name": "book", "type": "relation", "references": "books"}],
            }.items():
                shown = name.capitalize()
                title = {"name": "title", "type": "text", "required": True}
                given = {"name": name, "label": shown[:-1], "label_plural": shown, "fields": [title, *fields]}
                assert client.post("/api/v1/models", json=given).status_code == 201
            cookies = dict(client.cookies)
        yield server, cookies


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_models_are_drawn_from_those_that_refer_to_those_that_are_referred_to(
    served: tuple[RunningServer, dict[str, str]], browser: Browser, theme: str, width: int
) -> None:
    server, cookies = served
    watched = Watched(browser, server.url, theme, width, cookies)
    page = watched.open("/#/data/all-models", ".map-box")
    left = {
        name: page.locator(f".map-box[href='#/data/{name}']").bounding_box() for name in ("loans", "books", "authors")
    }
    assert left["loans"] and left["books"] and left["authors"]
    assert left["loans"]["x"] < left["books"]["x"] < left["authors"]["x"]
    expect(page.locator(".map-sheet > svg > path")).to_have_count(3)
    expect(page.locator(".map-box[href='#/data/users']")).to_have_count(0)
    page.click("text=The same as a list")
    page.locator("text=Books: sequel_of refers to Books").wait_for()
    assert watched.axe() == []
    page.locator(".map-box[href='#/data/books']").focus()
    expect(page.locator(".map-sheet > svg > path.lit")).to_have_count(3)
    page.get_by_label("With owners").check()
    page.locator(".map-box[href='#/data/users']").wait_for()
    assert "owners=1" in page.url
    page.locator(".map-box[href='#/data/books']").focus()
    page.keyboard.press("Enter")
    page.locator("h1", has_text="Books").wait_for()
    watched.check()
    watched.close()


def test_definitions_are_exported_looked_at_and_taken_over(
    served: tuple[RunningServer, dict[str, str]], browser: Browser, tmp_path: Path
) -> None:
    server, cookies = served
    watched = Watched(browser, server.url, "light", 1280, cookies)
    page = watched.open("/#/data/all-models", ".map-box")
    page.click("text=Export definitions")
    page.uncheck("#export-authors")
    page.locator("dialog li", has_text="Books: author refers to Authors").wait_for()
    assert watched.axe() == []
    page.click("text=Put them in too")
    page.uncheck("#export-loans")
    with page.expect_download() as download:
        page.click("text=Export 2 models")
    chosen = json.loads(download.value.path().read_text("utf-8"))
    assert [one["name"] for one in chosen["models"]] == ["authors", "books"]
    page.click("text=Export definitions")
    with page.expect_download() as download:
        page.click("text=Export 3 models")
    given = json.loads(download.value.path().read_text("utf-8"))
    assert [one["name"] for one in given["models"]] == ["authors", "books", "loans"]
    given["models"][0]["fields"].append({"name": "born", "type": "date"})
    given["models"].append({**given["models"][0], "name": "editors", "label_plural": "Editors"})
    new, broken, unread = tmp_path / "new.json", tmp_path / "broken.json", tmp_path / "unread.json"
    new.write_text(json.dumps(given))
    broken.write_text(json.dumps({**given, "models": [{**given["models"][0], "guests": "some"}]}))
    unread.write_text('{"format": ')
    page.click("text=Import definitions")
    page.set_input_files("#defs-file", unread)
    page.locator("text=unread.json is no JSON").wait_for()
    page.set_input_files("#defs-file", broken)
    page.locator(".places code", has_text="authors › guests").wait_for()
    expect(page.locator("text=Look at the other")).to_have_count(0)
    assert watched.axe() == []
    page.set_input_files("#defs-file", new)
    page.locator("text=Added: born").wait_for()
    assert watched.axe() == []
    page.click("text=Take over 2 models")
    page.locator(".map-box[href='#/data/editors']").wait_for()
    expect(page.locator(".map-box[href='#/data/authors']")).to_contain_text("born")
    watched.check(allowed=("422",))
    watched.close()


def test_models_of_a_file_are_chosen_and_none_is_left_to_refer_to_nothing(
    served: tuple[RunningServer, dict[str, str]], browser: Browser, tmp_path: Path
) -> None:
    server, cookies = served
    title = {"name": "title", "type": "text"}
    rooms = {"name": "rooms", "label": "Room", "label_plural": "Rooms", "fields": [title]}
    room = {"name": "room", "type": "relation", "references": "rooms"}
    shelves = {"name": "shelves", "label": "Shelf", "label_plural": "Shelves", "fields": [title, room]}
    lamps = {"name": "lamps", "label": "Lamp", "label_plural": "Lamps", "fields": [title], "guests": "some"}
    file = tmp_path / "house.json"
    file.write_text(json.dumps({"format": "gridbear-models", "version": 1, "models": [lamps, shelves, rooms]}))
    watched = Watched(browser, server.url, "light", 1280, cookies)
    page = watched.open("/#/data/all-models/import", "#defs-file")
    page.set_input_files("#defs-file", file)
    page.locator(".places code", has_text="lamps › guests").wait_for()
    page.click("text=Look at the other 2 models")
    page.uncheck("#defs-rooms")
    page.locator(".gaps li", has_text="Shelves: room refers to Rooms").wait_for()
    expect(page.get_by_role("button", name="Take over 1 model")).to_be_disabled()
    assert watched.axe() == []
    page.click("text=Take them over too")
    page.uncheck("#defs-shelves")
    page.click("text=Take over 1 model")
    page.locator(".map-box[href='#/data/rooms']").wait_for()
    expect(page.locator(".map-box[href='#/data/shelves']")).to_have_count(0)
    watched.check(allowed=("422",))
    watched.close()


def test_members_see_the_map_of_what_they_may_list_and_no_definitions(
    served: tuple[RunningServer, dict[str, str]], browser: Browser
) -> None:
    server, _ = served
    server.create_user("max", PASSWORD)
    watched = signed_in(browser, server, "max")
    page = watched.open("/#/data/all-models", ".map-box")
    page.locator(".map-box[href='#/data/books']").wait_for()
    expect(page.locator("text=Export definitions")).to_have_count(0)
    watched.open("/#/data/all-models/import", ".map-box")
    expect(page.locator("#defs-file")).to_have_count(0)
    watched.check()
    watched.close()
