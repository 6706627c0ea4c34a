"""Others write while somebody looks: what stands under the pointer stays, what is shown is of whom it says it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, Route, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
WAITING: dict[str, Any] = {
    "status": "pending", "server": "files", "client": "", "arguments": None, "created_at": "2026-11-30T08:00:00Z",
    "lasts": None, "decided_at": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("others") / "data") as server:
        for name in ("maja", "otto"):
            server.create_user(name, PASSWORD, admin=True)
        yield server


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx2.Client]:
    with sign_in(server.url, "otto", PASSWORD) as client:
        yield client


@pytest.fixture(scope="module")
def mine(server: RunningServer) -> Iterator[httpx2.Client]:
    with sign_in(server.url, "maja", PASSWORD) as client:
        yield client


@pytest.fixture
def watched(browser: Browser, server: RunningServer, mine: httpx2.Client) -> Iterator[Watched]:
    watched = Watched(browser, server.url, cookies=dict(mine.cookies))
    yield watched
    watched.close()


def test_a_call_that_begins_to_wait_comes_below_the_one_that_is_decided_about(watched: Watched) -> None:
    calls = [{**WAITING, "id": 2, "tool": "delete", "asked_by": "A stranger"}]
    calls += [{**WAITING, "id": 1, "tool": "read", "asked_by": "A friend"}]
    answer = json.dumps({"ok": True, "data": calls})
    watched.context.route(
        "**/api/v1/mcp_approvals?*sort*", lambda route: route.fulfill(content_type="application/json", body=answer)
    )
    page = watched.open("/#/tools/approvals", "#approval-1")
    assert page.locator("section h2 code").all_inner_texts() == ["files__read", "files__delete"]


def test_a_list_follows_changes_that_never_rest(watched: Watched, client: httpx2.Client) -> None:
    made = client.post("/api/v1/groups", json={"name": "Round 0"})
    assert made.status_code == 201, made.text
    page = watched.open("/#/people/groups", "article.group")
    page.evaluate(
        """(id) => {
            let n = 0;
            window.writer = setInterval(() => fetch(`/api/v1/groups/${id}`, {
                method: "PATCH", headers: {"content-type": "application/json"},
                body: JSON.stringify({name: `Round ${++n}`}),
            }), 100);
        }""",
        made.json()["data"]["id"],
    )
    page.locator("article.group h2", has_text=re.compile(r"Round ([6-9]|\d\d)")).wait_for()
    page.evaluate("clearInterval(window.writer)")


def test_two_duties_that_are_given_one_after_the_other_are_both_in_force(watched: Watched) -> None:
    kept = [""]
    held: list[Route] = []

    def setting(route: Route) -> None:
        if route.request.method == "POST":
            kept[0] = json.loads(route.request.post_data or "")["value"]
            if not held:
                held.append(route)
                return
        row = {"id": 1, "name": "second_factor_roles", "value": kept[0]}
        data: Any = row if route.request.method == "POST" else [row] if kept[0] else []
        route.fulfill(content_type="application/json", body=json.dumps({"ok": True, "data": data}))

    watched.context.route("**/api/v1/settings?*name*", setting)
    page = watched.open("/#/people/groups", "#duty-member")
    page.locator("#duty-member").check()
    while not held:
        page.evaluate("0")
    page.locator("#duty-guest").check()
    held[0].fulfill(content_type="application/json", body='{"ok": true, "data": {"id": 1}}')
    page.locator(".toast", has_text="All guests").wait_for()
    expect(page.locator("#duty-member")).to_be_checked()
    expect(page.locator("#duty-guest")).to_be_checked()
    assert kept == ["member, guest"]
    watched.check()


def test_nobody_elses_rights_stand_under_a_name(watched: Watched) -> None:
    page = watched.open("/#/data/notes/access", "#access-title")
    held: list[Route] = []
    watched.context.route("**/api/v1/access/explain?*", lambda route: held.append(route))
    page.select_option("#access-user", label="otto (admin)")
    expect(page.locator("#access-title")).to_have_count(0)
    while len(held) < 5:
        page.evaluate("0")
    for route in held:
        route.continue_()
    page.locator("#access-title", has_text="otto").wait_for()
    watched.check()


def test_a_profile_that_somebody_else_changed_is_saved_at_the_second_try(
    watched: Watched, client: httpx2.Client, mine: httpx2.Client
) -> None:
    me = mine.get("/auth/me").json()["data"]["id"]
    page = watched.open("/#/account", "#my-name")
    assert client.patch(f"/api/v1/users/{me}", json={"email": "maja@example.com"}).status_code == 200
    page.fill("#my-name", "Maja of the woods")
    save = page.locator("[aria-labelledby=account-profile] button[type=submit]")
    save.click()
    page.locator("[aria-labelledby=account-profile] [role=alert]").wait_for()
    expect(page.locator("#my-email")).to_have_value("maja@example.com")
    expect(page.locator("#my-name")).to_have_value("Maja of the woods")
    save.click()
    page.locator(".toast", has_text="Saved").wait_for()
    user = mine.get(f"/api/v1/users/{me}").json()["data"]
    assert (user["display_name"], user["email"]) == ("Maja of the woods", "maja@example.com")
    watched.check(allowed=("412 (Precondition Failed)",))


@pytest.mark.parametrize("what", ["files", "rows"])
def test_leaving_while_something_goes_up_is_asked_about(watched: Watched, what: str) -> None:
    file = {"name": "rows.csv", "mimeType": "text/csv", "buffer": b"title\nOne\n"}
    place, field = ("files?record=new", "#new-files") if what == "files" else ("notes/import", "#import-file")
    page = watched.open(f"/#/data/{place}", f"label[for={field[1:]}], {field} + button")
    held: list[Route] = []
    watched.context.route(
        "**/api/v1/files?*" if what == "files" else "**/api/v1/notes/import?*",
        lambda route: held.append(route) if route.request.method == "POST" else route.fallback(),
    )
    page.set_input_files(field, file)
    if what == "rows":
        page.locator("main footer .btn.primary").click()
    while not held:
        page.evaluate("0")
    page.locator("nav a[href='#/activity']").first.click()
    page.get_by_role("button", name="Keep editing").click()
    held[0].continue_()
    page.locator(".toast").first.wait_for()
    page.locator("nav a[href='#/activity']").first.click()
    page.locator("#main h1", has_text="Activity").wait_for()
