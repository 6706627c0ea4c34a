"""Whatever leads away from a record that is being typed asks first: a link, the palette, the browser's own Back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from every_page import further
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def watched(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with RunningServer(tmp_path_factory.mktemp("leaving") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        watched = signed_in(browser, server, "maja")
        yield watched
        watched.close()


def by_the_rail(page: Page) -> None:
    page.locator("nav a[href='#/activity']").first.click()


def by_back(page: Page) -> None:
    page.evaluate("history.back()")


def by_the_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.locator(".palette input").fill("activity")
    page.locator(".palette input").press("Enter")


@pytest.mark.parametrize("leave", [by_the_rail, by_back, by_the_palette], ids=lambda leave: leave.__name__)
def test_what_leads_away_asks_first_and_a_no_keeps_everything(watched: Watched, leave: Callable[[Page], None]) -> None:
    page = watched.open("/#/settings", "h1")
    page.goto(page.url.partition("#")[0] + "#/data/notes?record=new")
    page.fill("#field-title", "Half a thought")
    leave(page)
    page.get_by_role("button", name="Keep editing").click()
    expect(page.locator("#field-title")).to_have_value("Half a thought")
    assert page.url.endswith("#/data/notes?record=new")
    leave(page)
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#field-title")).to_have_count(0)
    assert "record=new" not in page.url


def test_a_saved_record_is_left_without_a_question(watched: Watched) -> None:
    page = watched.open("/#/data/notes?record=new", "#field-title")
    page.fill("#field-title", "A whole thought")
    page.click(".drawer button[type=submit]")
    expect(page.locator(".drawer")).to_have_count(0)
    by_the_rail(page)
    page.locator("#main h1").get_by_text("Activity").wait_for()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_sorting_beside_an_open_record_asks_nothing(watched: Watched) -> None:
    page = watched.open("/#/data/notes?record=new", "#field-title")
    page.fill("#field-title", "Half a thought")
    page.goto(page.url.replace("record=new", "sort=title&record=new"))
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("#field-title")).to_have_value("Half a thought")


def test_what_was_saved_is_not_asked_about_while_its_next_version_is_on_the_way(watched: Watched) -> None:
    page = watched.open("/#/data/notes?record=new", "#field-title")
    page.fill("#field-title", "A thought")
    page.click(".drawer button[type=submit]")
    page.locator("a.open", has_text="A thought").first.click()
    page.fill("#field-title", "A better thought")
    record = page.url.rpartition("record=")[2]
    page.route(
        f"**/api/v1/notes/{record}", lambda route: route.continue_() if route.request.method == "PATCH" else None
    )
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.unroute_all(behavior="ignoreErrors")


def test_back_leaves_a_dialog_with_the_page_that_it_is_about(watched: Watched) -> None:
    page = watched.open("/#/activity", "h1")
    page.goto(page.url.partition("#")[0] + "#/account")
    page.get_by_role("button", name="Change password").click()
    expect(page.locator("dialog[open]")).to_have_count(1)
    by_back(page)
    page.locator("#main h1").get_by_text("Activity").wait_for()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_back_out_of_a_dialog_asks_about_what_was_typed_in_it(watched: Watched) -> None:
    page = watched.open("/#/activity", "h1")
    page.goto(page.url.partition("#")[0] + "#/account")
    page.get_by_role("button", name="New token").click()
    page.fill("dialog input.input >> nth=0", "For half a script")
    by_back(page)
    page.get_by_role("button", name="Keep editing").click()
    expect(page.locator("dialog input.input").first).to_have_value("For half a script")
    by_back(page)
    page.get_by_role("button", name="Discard").click()
    page.locator("#main h1").get_by_text("Activity").wait_for()
    expect(page.locator("dialog[open]")).to_have_count(0)


FORMS = {
    "/data/-": ("#design-plural", "Half a model"),
    "/data/notes/import": (".mapping select", ""),
    "/account": ("[aria-labelledby=account-profile] form input.input", "Half a name"),
    "/tools/add/paste": ("#paste-text", "half of {"),
}


@pytest.mark.parametrize("leave", [by_the_rail, by_back], ids=lambda leave: leave.__name__)
@pytest.mark.parametrize("path", FORMS)
def test_every_form_is_asked_about(watched: Watched, path: str, leave: Callable[[Page], None]) -> None:
    field, typed = FORMS[path]
    page = watched.open("/#/settings", "h1")
    page.goto(page.url.partition("#")[0] + f"#{path}")
    further(page, path)
    place = page.locator(field).first
    place.wait_for()
    # A mapping is chosen, not typed.
    place.fill(typed) if typed else place.select_option("")
    leave(page)
    page.get_by_role("button", name="Keep editing").click()
    expect(place).to_have_value(typed)
    assert page.url.endswith(f"#{path}")
    leave(page)
    page.get_by_role("button", name="Discard").click()
    expect(place).to_have_count(0)


def test_a_form_that_was_sent_or_emptied_is_left_without_a_question(watched: Watched) -> None:
    page = watched.open("/#/tools/add/paste", "#paste-text")
    page.fill("#paste-text", "half of {")
    page.fill("#paste-text", "")
    by_the_rail(page)
    page.wait_for_url("**/#/activity")
    page = watched.open("/#/data/-", "#design-plural")
    page.fill("#design-plural", "Dens")
    page.fill("#design-plural", "")
    page.fill("#design-name", "")
    by_the_rail(page)
    page.wait_for_url("**/#/activity")


def test_a_model_that_was_made_is_left_without_a_question(watched: Watched) -> None:
    page = watched.open("/#/data/-", "#design-plural")
    page.fill("#design-plural", "Caves")
    page.fill("main [id$='-label'].input >> nth=1", "Depth")
    page.click("main footer .btn.primary")
    page.wait_for_url("**/#/data/caves")


def test_a_dialog_that_is_typed_in_asks_before_escape_or_back_closes_it(watched: Watched) -> None:
    page = watched.open("/#/settings", "h1")
    page.goto(page.url.partition("#")[0] + "#/tools/add/known")
    page.locator(".known").first.wait_for()
    page.fill("[type=search]", "folders that you choose")
    page.click(".known button")
    page.fill("#known-folders", "/half/a/folder")
    for leave in (lambda page: page.keyboard.press("Escape"), by_back):
        leave(page)
        page.get_by_role("button", name="Keep editing").click()
        expect(page.locator("#known-folders")).to_have_value("/half/a/folder")
    page.fill("#known-folders", "")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_pasted_rows_are_asked_about(watched: Watched) -> None:
    page = watched.open("/#/data/notes/import", "#import-file")
    page.click("text=Paste text")
    page.fill("#import-file-text", "title")
    by_the_rail(page)
    page.get_by_role("button", name="Keep editing").click()
    expect(page.locator("#import-file-text")).to_have_value("title")


def test_pasted_servers_are_there_on_the_way_back_from_the_look(watched: Watched) -> None:
    page = watched.open("/#/tools/add/paste", "#paste-text")
    text = '{"mcpServers": {"notes": {"url": "https://notes.example.com/mcp"}}}'
    page.fill("#paste-text", text)
    page.click("button:has-text('See what it adds')")
    page.locator(".found").wait_for()
    page.locator("main form").get_by_role("button", name="Back").click()
    expect(page.locator("#paste-text")).to_have_value(text)
