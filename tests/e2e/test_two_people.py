"""Two browsers and one record: the second to save is told, sees what the other wrote, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
others = pytest.mark.parametrize("other", ["otto", "maja"], ids=["another person", "the same person twice"])


class House:
    """A server with the admins maja and otto, and the member gwen."""

    def __init__(self, server: RunningServer, browser: Browser) -> None:
        self.server, self.browser = server, browser
        self.opened: list[Watched] = []
        self.clients: dict[str, httpx2.Client] = {}
        for username in ("maja", "otto", "gwen"):
            with sign_in(server.url, username, PASSWORD) as client:
                self.clients[username] = httpx2.Client(base_url=server.url, cookies=client.cookies, timeout=30)
        self.documented = Documented(self.clients["maja"].get("/api/openapi.json").json())

    def ask(self, method: str, path: str, body: Any = None, username: str = "maja") -> Any:
        reply = self.clients[username].request(method, f"/api/v1{path}", json=body)
        assert reply.is_success, reply.text
        return reply.json()["data"]

    def note(self, title: str, **values: Any) -> int:
        return int(self.ask("POST", "/notes", {"title": title, **values})["id"])

    def open(self, path: str, ready: str, username: str = "maja", *, deaf: bool = False) -> Page:
        """A browser of its own; a `deaf` one hears nothing of what others do."""
        watched = Watched(self.browser, self.server.url, cookies=dict(self.clients[username].cookies))
        if deaf:
            watched.context.route("**/api/v1/events*", lambda route: route.fulfill(status=204))
        self.opened.append(watched)
        return watched.open(path, ready)

    def look(self, page: Page) -> None:
        """What is seen now is fit for everybody."""
        [watched] = [one for one in self.opened if one.page == page]
        watched.settle()
        assert watched.axe() == []

    def end(self, *allowed: str) -> None:
        """Nothing forbidden happened; the browsers go, so that the next test finds none."""
        for watched in self.opened:
            watched.check(self.documented, allowed)
        self.close()

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("two") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD, admin=True)
        server.create_user("gwen", PASSWORD)
        yield server


@pytest.fixture(scope="module")
def shared(server: RunningServer, browser: Browser) -> Iterator[House]:
    house = House(server, browser)
    yield house
    for client in house.clients.values():
        client.close()


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    shared.ask("DELETE", "/notes/bulk?all=true")
    yield shared
    shared.close()


@others
def test_the_second_to_save_keeps_what_was_typed_and_chooses_field_by_field(house: House, other: str) -> None:
    note = house.note("Weekly shop", body="Bread", priority=1)
    first = house.open(f"/#/data/notes?record={note}", "#field-title", other)
    second = house.open(f"/#/data/notes?record={note}", "#field-title", deaf=True)
    second.fill("#field-title", "Shop of the second")
    second.fill("#field-body", "Milk")
    second.fill("#field-tags", "home")
    first.fill("#field-title", "Shop of the first")
    first.fill("#field-body", "Bread and cheese")
    first.fill("#field-priority", "5")
    first.click("text=Save 3 changes")
    first.locator(".toast", has_text="Saved").wait_for()
    second.click("text=Save 3 changes")
    second.locator(".drawer [role=alert]", has_text="Nothing of yours is saved yet").wait_for()
    # What only the other changed is here, and so is all that was typed.
    expect(second.locator("#field-priority")).to_have_value("5")
    expect(second.locator("#field-title")).to_have_value("Shop of the second")
    expect(second.locator("#field-body")).to_have_value("Milk")
    expect(second.locator("#field-tags")).to_have_value("home")
    title = second.get_by_role("group", name="Title: two versions")
    body = second.get_by_role("group", name="Body: two versions")
    expect(title).to_contain_text("They wrote: Shop of the first")
    expect(body).to_contain_text("They wrote: Bread and cheese")
    # Saving again does not decide it either.
    second.click("text=Save 3 changes")
    expect(title.locator("button:focus")).to_have_text("Keep mine")
    house.look(second)
    assert house.ask("GET", f"/notes/{note}")["title"] == "Shop of the first"
    title.get_by_role("button", name="Keep mine").click()
    body.get_by_role("button", name="Take theirs").click()
    second.click("text=Save 2 changes")
    second.locator(".toast", has_text="Saved").wait_for()
    stored = house.ask("GET", f"/notes/{note}")
    assert (stored["title"], stored["body"], stored["priority"]) == ("Shop of the second", "Bread and cheese", 5)
    assert stored["tags"] == ["home"]
    # The first one, who typed nothing more, sees it without asking.
    expect(first.locator("#field-title")).to_have_value("Shop of the second")
    expect(first.locator("#field-tags")).to_have_value("home")
    first.locator(".grid", has_text="Shop of the second").wait_for()
    house.end("412 (Precondition Failed)")


def test_an_open_form_follows_what_others_save_and_leaves_alone_what_is_being_typed(house: House) -> None:
    note = house.note("Weekly shop", body="Bread", priority=1)
    page = house.open(f"/#/data/notes?record={note}", "#field-title")
    page.locator("#field-title").press("End")
    page.keyboard.type(", large")
    house.ask("PATCH", f"/notes/{note}", {"body": "Bread and cheese"}, "otto")
    page.locator(".drawer [role=alert]", has_text="What they wrote is loaded").wait_for()
    expect(page.locator("#field-body")).to_have_value("Bread and cheese")
    # The caret is where it was.
    page.keyboard.type(" one")
    expect(page.locator("#field-title")).to_have_value("Weekly shop, large one")
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    expect(page.locator(".drawer [role=alert]")).to_have_count(0)
    stored = house.ask("GET", f"/notes/{note}")
    assert (stored["title"], stored["body"]) == ("Weekly shop, large one", "Bread and cheese")
    house.end()


@others
def test_a_cell_that_somebody_else_changed_is_not_overwritten_unseen(house: House, other: str) -> None:
    note = house.note("Weekly shop", priority=1)
    house.open("/#/data/notes", ".grid tbody tr", other)
    page = house.open("/#/data/notes", ".grid tbody tr", deaf=True)
    page.locator("a.open", has_text="Weekly shop").focus()
    page.keyboard.press("F2")
    page.locator(".cell-input input").fill("Mine")
    house.ask("PATCH", f"/notes/{note}", {"title": "Theirs", "priority": 4}, other)
    page.keyboard.press("Enter")
    expect(page.locator(".cell-input .error")).to_contain_text("Somebody else wrote “Theirs” here meanwhile")
    expect(page.locator(".cell-input input")).to_have_value("Mine")
    assert house.ask("GET", f"/notes/{note}")["title"] == "Theirs"
    house.look(page)
    # Esc leaves theirs, Enter puts one's own in its place.
    page.keyboard.press("Escape")
    page.locator("a.open", has_text="Theirs").wait_for()
    page.keyboard.press("F2")
    page.locator(".cell-input input").fill("Mine")
    house.ask("PATCH", f"/notes/{note}", {"title": "Theirs again"}, other)
    page.keyboard.press("Enter")
    expect(page.locator(".cell-input .error")).to_contain_text("Theirs again")
    page.locator(".cell-input input").press("Enter")
    page.locator(".toast", has_text="Title of Mine changed").wait_for()
    stored = house.ask("GET", f"/notes/{note}")
    assert (stored["title"], stored["priority"]) == ("Mine", 4)
    # Another field of the record is no hindrance.
    house.ask("PATCH", f"/notes/{note}", {"title": "Theirs once more"}, other)
    page.locator("tr", has_text="Mine").locator("td[data-field=priority]").dblclick()
    page.locator(".cell-input input").fill("9")
    page.keyboard.press("Enter")
    page.locator(".toast", has_text="Priority of Theirs once more changed").wait_for()
    page.locator("a.open", has_text="Theirs once more").wait_for()
    house.end()


def test_what_others_add_and_change_is_seen_and_a_change_of_many_meets_their_edits(house: House) -> None:
    notes = [house.note(f"Note {number}", priority=number) for number in (1, 2, 3)]
    first = house.open("/#/data/notes", ".grid tbody tr", "otto")
    second = house.open("/#/data/notes", ".grid tbody tr")
    second.check('input[aria-label="Select Note 1"]')
    second.check('input[aria-label="Select Note 2"]')
    second.click(".bulk >> text=Change")
    second.select_option("#bulk-field", "priority")
    second.fill("#bulk-value", "7")
    # The other one adds a note, changes one that is chosen here, and deletes one of those.
    first.locator("tr", has_text="Note 2").locator("td[data-field=priority]").dblclick()
    first.locator(".cell-input input").fill("22")
    first.keyboard.press("Enter")
    first.locator(".toast", has_text="Priority of Note 2 changed").wait_for()
    house.ask("POST", "/notes", {"title": "Note 4"}, "otto")
    house.ask("DELETE", f"/notes/{notes[0]}", username="otto")
    second.locator(".new-rows >> text=1 new row").wait_for()
    second.locator(".grid tr.gone", has_text="Note 1").wait_for()
    second.locator(".grid td.n >> text=22").wait_for()
    # The number that really changes is said first.
    second.click("dialog button >> text=Change 2 notes")
    second.locator("dialog [role=alert]").wait_for()
    expect(second.locator("#bulk-value")).to_have_value("7")
    house.look(second)
    second.click("dialog button >> text=Change 1 note")
    second.locator(".toast", has_text="Changed 1 note").wait_for()
    first.locator(".grid td.n >> text=7").wait_for()
    # Taking it back gives the other one's value back, not an older one.
    second.locator(".toast", has_text="Changed 1 note").get_by_text("Undo").click()
    second.locator(".grid td.n >> text=22").wait_for()
    assert house.ask("GET", f"/notes/{notes[1]}")["priority"] == 22
    house.end()


@pytest.mark.parametrize("deaf", [False, True], ids=["told at once", "found out on saving"])
def test_a_record_deleted_while_it_is_edited_can_be_added_anew_with_all_that_was_typed(
    house: House, deaf: bool
) -> None:
    note = house.note("Weekly shop", body="Bread", priority=3)
    page = house.open(f"/#/data/notes?record={note}", "#field-title", deaf=deaf)
    page.fill("#field-title", "Large shop")
    house.ask("DELETE", f"/notes/{note}", username="otto")
    if deaf:
        page.click("text=Save 1 change")
    page.locator(".drawer [role=alert]", has_text="What you typed is still here").wait_for()
    expect(page.locator("#field-title")).to_have_value("Large shop")
    expect(page.locator(".drawer button[type=submit]")).to_be_disabled()
    house.look(page)
    page.click("text=Add it anew")
    page.locator(".toast", has_text="Added “Large shop”").wait_for()
    expect(page.locator(".drawer")).to_have_count(0)
    [stored] = house.ask("GET", "/notes")
    assert (stored["title"], stored["body"], stored["priority"]) == ("Large shop", "Bread", 3)
    house.end("404 (Not Found)")


def test_a_right_that_is_taken_away_takes_nothing_away_that_was_typed(house: House) -> None:
    note = house.ask("POST", "/notes", {"title": "Mine"}, "gwen")["id"]
    page = house.open(f"/#/data/notes?record={note}", "#field-title", "gwen")
    page.fill("#field-title", "Typed for an hour")
    rule = {"role": "member", "model": "notes", "verb": "update", "extent": "none"}
    made = house.ask("POST", "/access_rules", rule)
    page.click("text=Save 1 change")
    page.locator(".drawer [role=alert]").first.wait_for()
    expect(page.locator("#field-title")).to_have_value("Typed for an hour")
    assert house.ask("GET", f"/notes/{note}")["title"] == "Mine"
    # In the grid the same: said where it was typed.
    house.ask("DELETE", f"/access_rules/{made['id']}")
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    page.keyboard.press("Escape")
    page.locator("a.open", has_text="Typed for an hour").focus()
    page.keyboard.press("F2")
    page.locator(".cell-input input").fill("Typed for a day")
    made = house.ask("POST", "/access_rules", rule)
    page.keyboard.press("Enter")
    expect(page.locator(".cell-input .error")).to_be_visible()
    expect(page.locator(".cell-input input")).to_have_value("Typed for a day")
    house.ask("DELETE", f"/access_rules/{made['id']}")
    house.end("403 (Forbidden)", "404 (Not Found)")
