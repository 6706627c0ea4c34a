"""Answers that come late: whoever has gone on meanwhile stays where they are, and keeps what they type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import APIResponse, Browser, Page, Route, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
TITLES = ["Alpha", "Beta", "Gamma"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("late") / "data") as server:
        for name in ("maja", "otto", "zoe"):
            server.create_user(name, PASSWORD, admin=True)
        yield server


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx2.Client]:
    with sign_in(server.url, "maja", PASSWORD) as client:
        yield client


@pytest.fixture
def watched(browser: Browser, server: RunningServer, client: httpx2.Client) -> Iterator[Watched]:
    """Beside the notes Alpha, Beta and Gamma, and no others."""
    client.delete("/api/v1/notes/bulk?all=true")
    for title in TITLES:
        assert client.post("/api/v1/notes", json={"title": title}).status_code == 201
    watched = Watched(browser, server.url, cookies=dict(client.cookies))
    yield watched
    watched.close()


class Held:
    """Requests of one method that wait until `go`; what the server knew when it was asked may be all they get."""

    def __init__(self, watched: Watched, method: str, pattern: str, *, answered: bool = False) -> None:
        self.page, self.method, self.answered = watched.page, method, answered
        self.routes: list[tuple[Route, APIResponse | None]] = []
        watched.context.route(pattern, self.hold)

    def hold(self, route: Route) -> None:
        if route.request.method != self.method:
            return route.fallback()
        self.routes.append((route, route.fetch() if self.answered else None))
        return None

    def wait(self) -> None:
        while not self.routes:
            self.page.evaluate("new Promise(requestAnimationFrame)")

    def go(self) -> None:
        self.wait()
        while self.routes:
            route, reply = self.routes.pop()
            route.fulfill(response=reply) if reply else route.continue_()


def row_of(page: Page, title: str) -> Any:
    return page.locator("a.open", has_text=title)


def test_enter_waits_for_what_was_looked_for(watched: Watched) -> None:
    page = watched.open("/#/data/group_members?record=new", "#field-user_id")
    page.click("#field-user_id")
    page.locator("#field-user_id-list li", has_text="zoe").wait_for()
    held = Held(watched, "GET", "**/api/v1/users?*otto*")
    page.keyboard.type("otto")
    held.wait()
    page.keyboard.press("Enter")
    held.go()
    expect(page.locator("#field-user_id")).to_have_value("otto")


def test_a_cell_that_is_refused_late_waits_for_the_one_that_is_typed_into(watched: Watched) -> None:
    page = watched.open("/#/data/notes", ".grid")
    row_of(page, "Alpha").focus()
    page.keyboard.press("F2")
    held = Held(watched, "PATCH", "**/api/v1/notes/*")
    page.locator(".cell-input input").evaluate("it => it.removeAttribute('maxlength')")
    page.locator(".cell-input input").fill("x" * 5000)
    page.keyboard.press("Enter")
    row_of(page, "Gamma").focus()
    page.keyboard.press("F2")
    page.locator(".cell-input input").fill("half a thou")
    held.wait()
    with page.expect_response(lambda reply: reply.request.method == "PATCH" and reply.status == 422):
        held.go()
    page.keyboard.type("ght")
    expect(page.locator(".cell-input input")).to_have_value("half a thought")
    page.keyboard.press("Enter")
    row_of(page, "half a thought").wait_for()
    # Now the other one, with what was typed and why it was refused.
    expect(page.locator(".cell-input input")).to_have_value("x" * 5000)
    page.locator(".cell-input .error").wait_for()
    page.keyboard.press("Escape")


def test_looking_into_another_window_saves_no_half_of_a_cell(watched: Watched, client: httpx2.Client) -> None:
    page = watched.open("/#/data/notes", ".grid")
    row_of(page, "Beta").focus()
    page.keyboard.press("F2")
    field = page.locator(".cell-input input")
    field.fill("half")
    # What a browser tells of the focus when its window loses it: the field has it still.
    field.evaluate("it => it.dispatchEvent(new FocusEvent('focusout', {bubbles: true}))")
    page.keyboard.type(" a thought")
    expect(field).to_have_value("half a thought")
    page.keyboard.press("Enter")
    row_of(page, "half a thought").wait_for()


@pytest.mark.parametrize("place", ["record", "page"])
def test_a_record_that_is_deleted_late_closes_nothing_that_was_opened_since(watched: Watched, place: str) -> None:
    page = watched.open("/#/data/notes", ".grid")
    row_of(page, "Alpha").click()
    page.locator("#field-title").wait_for()
    held = Held(watched, "DELETE", "**/api/v1/notes/bulk?*")
    page.get_by_role("button", name="Delete note").click()
    held.wait()
    if place == "record":
        row_of(page, "Gamma").click()
        page.locator(".drawer h2", has_text="Gamma").wait_for()
        page.fill("#field-title", "Typed meanwhile")
    else:
        page.locator("nav a[href='#/activity']").first.click()
        page.locator("#main h1", has_text="Activity").wait_for()
    address = page.url
    held.go()
    page.locator(".toast", has_text="deleted").first.wait_for()
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.url == address
    if place == "record":
        expect(page.locator("#field-title")).to_have_value("Typed meanwhile")
        page.locator(".drawer").get_by_role("button", name="Discard").click()


def test_what_changes_while_the_list_is_on_its_way_is_seen(watched: Watched, client: httpx2.Client) -> None:
    page = watched.page
    note = client.get("/api/v1/notes?title=Beta").json()["data"][0]["id"]
    watched.open("/#/settings", "h1")
    held = Held(watched, "GET", "**/api/v1/notes?*limit=50*", answered=True)
    with page.expect_response("**/api/v1/events*"):
        page.evaluate("location.hash = '#/data/notes'")
    held.wait()
    page.evaluate("""() => {
        window.heard = new EventSource('/api/v1/events?models=notes');
        window.heard.addEventListener('change', () => (window.told = true));
        return new Promise((done) => (window.heard.onopen = done));
    }""")
    assert client.patch(f"/api/v1/notes/{note}", json={"title": "Beta, since changed"}).status_code == 200
    page.evaluate("new Promise((done) => { window.told ? done() : window.heard.addEventListener('change', done); })")
    page.evaluate("window.heard.close()")
    held.go()
    row_of(page, "Beta, since changed").wait_for()


def test_rows_of_before_are_no_longer_told_as_those_that_were_asked_for(watched: Watched) -> None:
    page = watched.open("/#/data/notes", ".grid")
    held = Held(watched, "GET", "**/api/v1/notes?title=Beta*")
    page.evaluate("location.hash = '#/data/notes?where=title%3DBeta'")
    held.wait()
    expect(page.locator(".grid-wrap[aria-busy=true]")).to_have_count(1)
    expect(page.locator(".grid-foot span").first).to_have_text("Loading")
    page.locator("tbody tr", has_text="Alpha").locator("input.check").check()
    held.go()
    expect(page.locator("a.open")).to_have_text(["Beta"])
    expect(page.locator(".grid-wrap[aria-busy]")).to_have_count(0)
    # What nobody sees any more is not chosen either.
    expect(page.locator(".bulk")).to_have_count(0)
    watched.check()


@pytest.mark.parametrize("of", ["rows", "models"])
def test_an_answer_that_was_overtaken_does_not_stand_over_the_newer_one(
    watched: Watched, client: httpx2.Client, of: str
) -> None:
    note = client.get("/api/v1/notes?title=Beta").json()["data"][0]["id"]
    with watched.page.expect_response("**/api/v1/events?models=notes*"):
        page = watched.open("/#/data/notes", ".grid")
    pattern = "**/api/v1/notes?id__in=*" if of == "rows" else "**/api/v1/models"
    held: list[tuple[Route, APIResponse]] = []

    def hold_first(route: Route) -> None:
        if held:
            return route.fallback()
        held.append((route, route.fetch()))
        return None

    watched.context.route(pattern, hold_first)

    def change(name: str) -> None:
        if of == "rows":
            reply = client.patch(f"/api/v1/notes/{note}", json={"title": name})
        else:
            fields = [{"name": "title", "type": "text"}]
            reply = client.post("/api/v1/models", json={"name": name.lower(), "label": name, "fields": fields})
        assert reply.is_success, reply.text

    seen = page.locator("a.open" if of == "rows" else ".side a")
    change("Earlier")
    while not held:
        page.evaluate("new Promise(requestAnimationFrame)")
    change("Later")
    seen.filter(has_text="Later").wait_for()
    with page.expect_response(pattern):
        held[0][0].fulfill(response=held[0][1])
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(seen.filter(has_text="Later")).to_have_count(1)


@pytest.mark.parametrize("one", ["made", "saved"])
def test_what_is_typed_while_a_record_is_on_its_way_is_a_change_of_it(
    watched: Watched, client: httpx2.Client, one: str
) -> None:
    page = watched.open("/#/data/notes", ".grid")
    if one == "saved":
        row_of(page, "Gamma").click()
    else:
        page.get_by_role("button", name="Add note").click()
    page.fill("#field-title", "Delta")
    held = Held(watched, "POST" if one == "made" else "PATCH", "**/api/v1/notes*" if one == "made" else "**/notes/*")
    page.locator(".drawer button[type=submit]").click()
    held.wait()
    page.locator("#field-body").click()
    page.keyboard.type("typed ")
    page.locator("#field-title").press("End")
    page.keyboard.type("!")
    held.go()
    page.locator(".toast", has_text="Delta").wait_for()
    page.keyboard.type("!")
    expect(page.locator(".drawer button[type=submit]")).to_have_text("Save 2 changes")
    expect(page.locator(".drawer .note.warn")).to_have_count(0)
    note = client.get("/api/v1/notes?title=Delta").json()["data"][0]
    assert note["body"] is None
    page.wait_for_url(f"**record={note['id']}*")
    watched.context.unroute_all()
    with page.expect_response(lambda reply: reply.request.method == "PATCH"):
        page.locator(".drawer button[type=submit]").click()
    note = client.get(f"/api/v1/notes/{note['id']}").json()["data"]
    assert (note["title"], note["body"]) == ("Delta!!", "typed ")
    watched.check()


def test_rows_of_another_question_do_not_stand_for_those_that_did_not_come(watched: Watched) -> None:
    page = watched.open("/#/data/notes", ".grid")
    refused = '{"ok": false, "error": "No.", "code": "internal"}'
    watched.context.route(
        "**/api/v1/notes?title=Beta*",
        lambda route: route.fulfill(status=500, content_type="application/json", body=refused),
    )
    page.evaluate("location.hash = '#/data/notes?where=title%3DBeta'")
    page.locator("#main .trouble").wait_for()
    expect(row_of(page, "Alpha")).to_have_count(0)
    watched.context.unroute_all()
    page.locator("#main .trouble button", has_text="Try again").click()
    row_of(page, "Beta").wait_for()
    watched.check(allowed=("Failed to load resource",))
