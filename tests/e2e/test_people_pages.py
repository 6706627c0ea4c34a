"""Joining by a link, a new password by a link, and a second factor, in a real browser."""

from __future__ import annotations

import pyotp
import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Route
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
OTHER = "another bear in the attic"


def test_somebody_is_invited_and_joins_and_gets_a_new_password(
    browser: Browser, at_desk: Watched, lived_in: RunningServer, documented: Documented
) -> None:
    with sign_in(lived_in.url, "maja", PASSWORD) as client:
        assert client.post("/api/v1/groups", json={"name": "Bakers, and friends"}).is_success
    page = at_desk.open("/#/data/users", ".grid tbody tr")
    page.click("[popovertarget=model-menu]")
    page.click("#model-menu >> text=Invite somebody")
    page.fill("#invite-name", "otto")
    page.check("text=Bakers, and friends")
    assert at_desk.axe() == []
    page.click("text=Make the link")
    link = page.locator("dialog .copyable code").inner_text()
    page.click("dialog >> text=Done")

    guest = Watched(browser, lived_in.url, width=390)
    guest.page.goto(link)
    guest.page.locator("#username").wait_for()
    assert guest.page.input_value("#username") == "otto"
    guest.settle()
    assert guest.axe() == []
    guest.page.fill("#password", PASSWORD)
    guest.page.fill("#confirm", OTHER)
    guest.page.click("button[type=submit]")
    guest.page.locator("#confirm-error").wait_for()
    guest.page.fill("#confirm", PASSWORD)
    guest.page.click("button[type=submit]")
    guest.page.locator(".plate").wait_for()
    guest.check(documented)
    with sign_in(lived_in.url, "maja", PASSWORD) as client:
        [member] = client.get("/api/v1/group_members?expand=user_id").json()["data"]
        assert member["expand"]["user_id"]["username"] == "otto"
    guest.page.goto(link)
    guest.page.locator("text=This link can't be used").wait_for()
    guest.settle()
    guest.check(documented, allowed=("404 (Not", "401 (Unauth", "410 (Gone", "422 (Unprocessable", "403 (Forb"))
    guest.close()

    page.click(".new-rows")
    page.click(".grid .open >> text=otto")
    page.click("text=Link for a new password")
    link = page.locator("dialog .copyable code").inner_text()
    page.click("dialog >> text=Done")
    guest = Watched(browser, lived_in.url)
    guest.page.goto(link)
    guest.page.fill("#password", OTHER)
    guest.page.fill("#confirm", OTHER)
    guest.page.click("button[type=submit]")
    guest.page.locator(".plate").wait_for()
    guest.check(documented)
    guest.close()
    at_desk.settle()
    at_desk.check(documented)


def test_a_second_factor_is_set_up_asked_for_and_removed(
    browser: Browser, lived_in: RunningServer, documented: Documented
) -> None:
    lived_in.create_user("ada", PASSWORD)
    watched = signed_in(browser, lived_in, "ada")
    page = watched.open("/", ".plate")
    page.click("button.avatar")
    page.click("text=Second factor")
    page.fill("#factor-password", "wrong wrong wrong")
    page.click("text=Set it up")
    page.locator("dialog .error").wait_for()
    page.fill("#factor-password", PASSWORD)
    page.click("text=Set it up")
    page.locator(".qr").wait_for()
    watched.settle()
    assert watched.axe() == []
    secret = page.locator("dialog .copyable code").inner_text()
    page.fill("#factor-otp", pyotp.TOTP(secret).now())
    page.click("text=Put it in force")
    code = page.locator(".codes li").first.inner_text()
    watched.settle()
    assert watched.axe() == []
    page.click("text=I have kept them")
    page.click("button.avatar")
    page.click("text=Sign out")
    page.fill("#username", "ada")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.fill("#otp", code)
    watched.settle()
    assert watched.axe() == []
    page.click("button[type=submit]")
    page.locator(".plate").wait_for()
    page.click("button.avatar")
    page.click("text=Second factor")
    page.fill("#factor-password", PASSWORD)
    page.click("text=Remove it")
    page.locator("text=Set it up").wait_for()
    watched.settle()
    watched.check(documented, allowed=("401 (Unauth", "422 (Unprocessable", "403 (Forb"))
    watched.close()


def test_a_choice_made_in_one_browser_is_there_in_the_next(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str]
) -> None:
    with sign_in(lived_in.url, "maja", PASSWORD) as client:
        assert client.post("/api/v1/preferences?upsert=key", json={"key": "ui.theme", "value": "dark"}).is_success
        watched = Watched(browser, lived_in.url, cookies=cookies)
        try:
            watched.page.goto(f"{lived_in.url}/")
            watched.page.wait_for_selector("html[data-theme=dark]", state="attached")
            with watched.page.expect_response(lambda answer: "/api/v1/preferences?upsert" in answer.url) as sent:
                watched.page.evaluate("import('/ui/store.js').then((store) => store.chooseTheme('light'))")
            assert sent.value.ok
        finally:
            watched.close()
        [row] = client.get("/api/v1/preferences?key=ui.theme").json()["data"]
        assert row["value"] == "light"
        client.delete(f"/api/v1/preferences/{row['id']}")


CHOOSE = "(name) => import('/ui/store.js').then((store) => store.chooseTheme(name))"
PREFERENCES = "**/api/v1/preferences?upsert=key"


def test_a_choice_made_while_the_server_is_away_is_sent_when_it_is_back_and_the_last_one_wins(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str]
) -> None:
    with sign_in(lived_in.url, "maja", PASSWORD) as client:
        watched = Watched(browser, lived_in.url, cookies=cookies)
        try:
            page = watched.open("/", "button.avatar")
            tried: list[str] = []

            def away(route: Route) -> None:
                tried.append(route.request.post_data or "")
                route.abort("connectionrefused")

            page.route(PREFERENCES, away)
            with page.expect_request(PREFERENCES):
                page.evaluate(CHOOSE, "light")
            page.evaluate(CHOOSE, "dark")
            with page.expect_event("requestfinished", lambda asked: "/api/v1/preferences?upsert" in asked.url):
                page.unroute(PREFERENCES)
            assert tried and '"dark"' not in tried[0]
            page.wait_for_load_state("networkidle")
            [row] = client.get("/api/v1/preferences?key=ui.theme").json()["data"]
            assert row["value"] == "dark"
            assert page.evaluate("localStorage.getItem('gridbear.unsent')") is None

            # The page is left before the server is back: the next one sends it, and does not take the old one over.
            page.route(PREFERENCES, away)
            with page.expect_event("requestfailed", lambda asked: "/api/v1/preferences?upsert" in asked.url):
                page.evaluate(CHOOSE, "light")
            page.close()
            watched.page = watched.context.new_page()
            with watched.page.expect_response(PREFERENCES) as sent:
                watched.page.goto(f"{lived_in.url}/")
            assert sent.value.ok
            watched.page.wait_for_selector("html[data-theme=light]", state="attached")
            [row] = client.get("/api/v1/preferences?key=ui.theme").json()["data"]
            assert row["value"] == "light"
            client.delete(f"/api/v1/preferences/{row['id']}")
        finally:
            watched.close()
