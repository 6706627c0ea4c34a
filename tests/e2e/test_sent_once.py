"""What is sent goes out once, and what was not taken is still the person's: typed, chosen, asked about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, Route, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
RACES = {
    "name": "races", "label": "Race", "label_plural": "Races", "members": "own",
    "fields": [{"name": "title", "type": "text", "required": True}, {"name": "constructor", "type": "text"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("once") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        yield server


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx2.Client]:
    with sign_in(server.url, "maja", PASSWORD) as client:
        yield client


@pytest.fixture
def watched(browser: Browser, server: RunningServer, client: httpx2.Client) -> Iterator[Watched]:
    watched = Watched(browser, server.url, cookies=dict(client.cookies))
    yield watched
    watched.close()


def refuse(route: Route) -> None:
    route.fulfill(status=500, content_type="application/json", body='{"ok": false, "error": "No.", "code": "internal"}')


def answer(watched: Watched, method: str, pattern: str, data: Any) -> None:
    """Requests of one method are answered in the server's place."""
    body = json.dumps({"ok": True, "data": data})
    watched.context.route(
        pattern,
        lambda route: (
            route.fulfill(content_type="application/json", body=body)
            if route.request.method == method
            else route.fallback()
        ),
    )


def test_a_double_click_makes_one_backup_of_one_phrase(watched: Watched) -> None:
    answer(watched, "POST", "**/recovery-phrase", {"phrase": "bear cave honey"})
    answer(watched, "POST", "**/recovery-phrase/confirm", {})
    answer(watched, "POST", "**/api/v1/backups", {"size": 1})
    page = watched.open("/#/settings/backups", "text=Make the first backup")
    page.get_by_role("button", name="Make the first backup").click()
    page.get_by_role("button", name="I have written them down").click()
    page.fill("#phrase-typed", "bear cave honey")
    page.get_by_role("button", name="Keep this phrase").dblclick()
    page.locator(".toast", has_text="Backup").first.wait_for()
    watched.settle()
    assert watched.requests.count(("POST", "/api/v1/backups/recovery-phrase/confirm")) == 1
    assert watched.requests.count(("POST", "/api/v1/backups")) == 1
    watched.check()


def test_a_double_click_sends_one_example_and_changes_a_password_once(watched: Watched, client: httpx2.Client) -> None:
    hook = {"name": "elsewhere", "url": "https://example.com/hook", "events": ["notes"]}
    made = client.post("/api/v1/webhooks", json=hook)
    assert made.status_code == 201, made.text
    sent = f"/api/v1/webhooks/{made.json()['data']['id']}/test"
    answer(watched, "POST", f"**{sent}", {})
    answer(watched, "POST", "**/auth/password", {})
    page = watched.open("/#/automations/webhooks", "text=Send an example")
    page.get_by_role("button", name="Send an example").dblclick()
    page.locator(".toast").first.wait_for()
    page.locator("[popovertarget=person-menu]").click()
    page.locator("#person-menu").get_by_role("button", name="Change password").click()
    page.fill("#pw-now", PASSWORD)
    page.fill("#pw-next", "another long password")
    page.locator("dialog button[type=submit]").dblclick()
    page.locator(".toast", has_text="Password changed").wait_for()
    watched.settle()
    assert watched.requests.count(("POST", sent)) == 1
    assert watched.requests.count(("POST", "/auth/password")) == 1
    watched.check()


def test_a_double_click_makes_one_token_and_one_invitation(watched: Watched) -> None:
    page = watched.open("/#/account", "text=New token")
    page.get_by_role("button", name="New token").click()
    page.fill("#token-name", "For a script")
    page.locator("dialog button[type=submit]").dblclick()
    page.locator("#once-title").wait_for()
    page.locator("dialog footer .btn.primary").click()
    page.goto(f"{watched.base}/#/people/invites?new=1")
    page.locator("#invite-name").wait_for()
    page.locator("dialog button[type=submit]").dblclick()
    page.locator("dialog .qr").wait_for()
    watched.settle()
    assert watched.requests.count(("POST", "/api/v1/api_tokens")) == 1
    assert watched.requests.count(("POST", "/auth/invites")) == 1
    watched.check()


def test_what_was_refused_is_asked_about_like_what_was_not_sent(watched: Watched) -> None:
    page = watched.open("/#/account", "#my-name")
    watched.context.route(
        "**/api/v1/users/*", lambda route: refuse(route) if route.request.method == "PATCH" else route.fallback()
    )
    page.fill("#my-name", "Maja of the woods")
    page.locator("[aria-labelledby=account-profile] button[type=submit]").click()
    page.locator("[aria-labelledby=account-profile] [role=alert]").wait_for()
    page.locator("nav a[href='#/activity']").first.click()
    page.get_by_role("button", name="Keep editing").click()
    expect(page.locator("#my-name")).to_have_value("Maja of the woods")
    # Signing out takes the page away as well.
    page.locator("[popovertarget=person-menu]").click()
    page.locator("#person-menu").get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Keep editing").click()
    expect(page.locator("#my-name")).to_have_value("Maja of the woods")
    watched.check(allowed=("Failed to load resource",))


def test_a_file_that_was_changed_since_it_was_chosen_is_said_to_be(watched: Watched, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("title,priority\nOne,1\n")
    page = watched.open("/#/data/notes/import", "#import-file")
    page.set_input_files("#import-file", str(rows))
    page.locator(".mapping").wait_for()
    rows.write_text("title,priority\nOne,1\nTwo,2\n")
    page.locator("main footer .btn.primary").click()
    page.locator("#main .trouble", has_text="changed, moved or deleted since it was chosen").wait_for()
    expect(page.locator(".banner")).to_have_count(0)
    watched.check(allowed=("ERR_UPLOAD_FILE_CHANGED",))


def test_a_field_may_have_a_name_that_every_object_answers_to(watched: Watched, client: httpx2.Client) -> None:
    assert client.post("/api/v1/models", json=RACES).status_code == 201
    page = watched.open("/#/data/races?record=new", "#field-constructor")
    expect(page.locator("#field-constructor")).to_have_value("")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)
    page.evaluate("location.hash = '#/data/races?record=new'")
    page.fill("#field-title", "Spa")
    page.fill("#field-constructor", "Brabham")
    page.click(".drawer button[type=submit]")
    expect(page.locator(".drawer")).to_have_count(0)
    page.locator("a.open", has_text="Spa").click()
    expect(page.locator("#field-constructor")).to_have_value("Brabham")
    expect(page.locator(".drawer button[type=submit]")).to_be_disabled()
    page.fill("#field-constructor", "Lotus")
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    assert client.get("/api/v1/races").json()["data"][0]["constructor"] == "Lotus"
    watched.check()


def test_a_list_that_is_looked_at_again_and_again_comes_over_a_slow_wire(watched: Watched) -> None:
    page = watched.page
    page.clock.install()
    held: list[Route] = []
    watched.context.route("**/api/v1/audit_entries?*", lambda route: held.append(route))
    page.goto(f"{watched.base}/#/activity/audit")
    while not held:
        page.evaluate("0")
    page.clock.run_for(6000)
    held[0].continue_()
    page.locator(".audit li").first.wait_for()
