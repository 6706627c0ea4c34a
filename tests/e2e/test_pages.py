"""The pages in a real browser: themes, widths, accessibility, and only requests that are documented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]

EVERY_LOOK = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
looks = pytest.mark.parametrize(("theme", "width"), EVERY_LOOK, ids=[f"{theme}-{width}" for theme, width in EVERY_LOOK])


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server nobody has set up."""
    with RunningServer(tmp_path_factory.mktemp("fresh") / "data") as server:
        yield server


@looks
def test_before_set_up_the_page_says_how_to_get_the_link(
    browser: Browser, fresh: RunningServer, theme: str, width: int
) -> None:
    watched = Watched(browser, fresh.url, theme, width)
    watched.open("/", "text=gridbear setup-link")
    assert watched.axe() == []
    watched.check()
    watched.close()


@looks
def test_the_set_up_page_is_accessible_and_checks_before_it_sends(
    browser: Browser, fresh: RunningServer, theme: str, width: int
) -> None:
    watched = Watched(browser, fresh.url, theme, width)
    page = watched.open(fresh.setup_link.removeprefix(fresh.url), "#username")
    page.fill("#password", "short")
    page.fill("#confirm", "other")
    page.click("button[type=submit]")
    page.locator("#password-error").wait_for()
    assert page.locator("[aria-invalid=true]").count() == 3
    assert watched.axe() == []
    watched.check()
    watched.close()


@looks
def test_the_sign_in_page(
    browser: Browser, lived_in: RunningServer, documented: Documented, theme: str, width: int
) -> None:
    watched = Watched(browser, lived_in.url, theme, width)
    watched.open("/auth/login", "#username")
    assert watched.axe() == []
    watched.check(documented)
    watched.close()


@looks
def test_the_home_page(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str], documented: Documented, theme: str, width: int
) -> None:
    watched = Watched(browser, lived_in.url, theme, width, cookies)
    page = watched.open("/", ".server summary")
    assert page.locator(".plate code").first.inner_text().startswith("http://127.0.0.1:")
    page.locator(".server summary").first.click()
    watched.settle()
    assert watched.axe() == []
    watched.check(documented)
    watched.close()


@looks
def test_the_data_page_its_drawer_and_its_empty_state(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str], documented: Documented, theme: str, width: int
) -> None:
    watched = Watched(browser, lived_in.url, theme, width, cookies)
    rows = ".grid tbody tr" if width > 720 else ".card-rows li"
    page = watched.open("/#/data/notes", rows)
    assert watched.axe() == []
    watched.check(documented)
    watched.open("/#/data/notes?record=2", "#field-title")
    assert watched.axe() == []
    watched.open("/#/data/mcp_servers?record=new", "#field-name")
    assert watched.axe() == []
    watched.open("/#/data/api_tokens", ".empty .copyable")
    assert watched.axe() == []
    if width < 720:
        page = watched.open("/#/data", ".side a")
        assert watched.axe() == []
        page.click(".side a >> text=Users")
        page.locator(rows).first.wait_for()
    watched.check(documented)
    watched.close()


def test_every_model_one_may_list_has_a_grid(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes", ".side a")
    names = [link.get_attribute("href") for link in page.locator(".side nav.scroll li a").all()]
    assert len(names) >= 7
    for name in names:
        page.click(f'.side a[href="{name}"]')
        page.locator(".grid tbody tr, .empty").first.wait_for()
        at_desk.settle()
    at_desk.check(documented)


def test_the_first_admin_is_made_and_lands_on_the_home_page(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        watched = Watched(browser, server.url)
        page = watched.open(server.setup_link.removeprefix(server.url), "#username")
        page.fill("#username", "maja")
        page.fill("#password", PASSWORD)
        page.fill("#confirm", PASSWORD)
        page.keyboard.press("Enter")
        page.locator(".plate").wait_for()
        watched.settle()
        assert page.url == f"{server.url}/"
        watched.check()
        watched.close()


def test_a_wrong_password_is_said_and_the_right_one_leads_where_one_wanted_to_go(
    browser: Browser, lived_in: RunningServer, documented: Documented
) -> None:
    watched = Watched(browser, lived_in.url)
    page = watched.open("/auth/login#/data/users", "#username")
    page.fill("#username", "maja")
    page.fill("#password", "not the password")
    page.click("button[type=submit]")
    page.locator("text=Username or password is wrong.").wait_for()
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.locator(".grid >> text=maja").first.wait_for()
    watched.settle()
    page.click("button.avatar")
    page.click("text=Sign out")
    page.locator("#username").wait_for()
    watched.check(documented, allowed=("401 (Unauthorized)",))
    watched.close()


def test_a_note_is_added_changed_and_deleted(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes", ".grid tbody tr")
    page.click("text=Add note")
    page.locator("#field-title").wait_for()
    page.click(".drawer button[type=submit]")
    page.locator("#field-title-error").wait_for()
    page.fill("#field-title", "Water the plants")
    page.fill("#field-priority", "9007199254740993")
    page.fill("#field-tags", "home, green")
    with page.expect_response(lambda reply: reply.request.method == "POST") as made:
        page.click(".drawer button[type=submit]")
    assert made.value.status == 201
    assert '"priority":9007199254740993' in (made.value.request.post_data or "")
    page.locator(".drawer").wait_for(state="detached")

    page.click(".grid >> text=Water the plants")
    page.locator("#field-priority").wait_for()
    assert page.input_value("#field-priority") == "9007199254740993"
    page.fill("#field-title", "Water all plants")
    with page.expect_response(lambda reply: reply.request.method == "PATCH") as changed:
        page.click("text=Save 1 change")
    assert changed.value.status == 200
    assert changed.value.request.post_data == '{"title":"Water all plants"}'
    assert changed.value.request.headers["if-match"]
    page.locator(".grid >> text=Water all plants").wait_for()

    page.click(".drawer >> text=Delete note")
    page.locator(".grid >> text=Water all plants").wait_for(state="detached")
    at_desk.settle()
    at_desk.check(documented)


def test_a_filter_is_typed_as_the_api_writes_it_and_a_bad_one_is_explained(
    at_desk: Watched, documented: Documented
) -> None:
    page = at_desk.open("/#/data/notes", ".grid tbody tr")
    page.fill(".filter input", "priority__gte=5")
    page.keyboard.press("Enter")
    page.locator(".grid >> text=Weekly shop").wait_for(state="detached")
    page.locator(".grid >> text=Renew the passport").wait_for()
    assert "priority__gte=5" in page.locator(".grid-foot code").inner_text()
    page.fill(".filter input", "no_such_field=1")
    page.keyboard.press("Enter")
    page.locator("#filter-error").wait_for()
    assert at_desk.axe() == []
    page.go_back()
    page.locator("#filter-error").wait_for(state="detached")
    at_desk.check(documented, allowed=("422 (Unprocessable",))


def test_the_secret_of_a_new_token_is_shown_once(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/api_tokens?record=new", "#field-name")
    page.fill("#field-name", "script")
    page.click(".drawer button[type=submit]")
    page.locator("dialog .copyable code").first.wait_for()
    secret = page.locator("dialog .copyable code").first.inner_text()
    assert secret.startswith("gb_")
    at_desk.settle()
    assert at_desk.axe() == []
    page.click("dialog button[aria-label='Copy the secret']")
    page.locator("dialog button[aria-label='Copied']").wait_for()
    page.click("text=I have kept it")
    page.locator(".grid >> text=script").wait_for()
    assert secret not in page.content()
    page.click(".grid >> text=script")
    page.locator(".drawer h2 >> text=script").wait_for()
    page.click(".drawer >> text=Delete API token")
    page.click("dialog button.danger")
    page.locator(".empty").wait_for()
    at_desk.settle()
    at_desk.check(documented)


def test_a_notification_is_marked_as_read(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/", ".plain-list li")
    button = page.locator("button[aria-label^='Mark as read: Release']")
    button.click()
    button.wait_for(state="detached")
    at_desk.settle()
    at_desk.check(documented)


def test_while_the_server_is_away_a_banner_says_so_and_the_page_recovers(at_desk: Watched) -> None:
    page = at_desk.open("/#/data/notes", ".grid tbody tr")
    at_desk.context.set_offline(True)
    page.click(".grid thead >> text=Priority")
    page.locator(".banner").wait_for()
    # What stood there is in another order than is asked for now: it goes, and it is said why.
    page.locator(".area .trouble").wait_for()
    assert at_desk.axe() == []
    at_desk.context.set_offline(False)
    page.locator(".banner").wait_for(state="detached", timeout=60_000)
    page.locator("th[aria-sort=ascending]").wait_for()
    page.locator(".grid tbody tr").first.wait_for()
    at_desk.settle()
    at_desk.check(allowed=("ERR_INTERNET_DISCONNECTED",))


def test_a_server_that_starts_again_in_the_middle_of_an_edit_loses_nothing(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            assert client.post("/api/v1/notes", json={"title": "Before"}).status_code == 201
            watched = Watched(browser, server.url, cookies=dict(client.cookies))
        page = watched.open("/#/data/notes?record=1", "#field-title")
        page.fill("#field-title", "After")
        server.port = int(server.url.rpartition(":")[2])
        server.kill()
        page.click("text=Save 1 change")
        page.locator(".drawer [role=alert]").wait_for()
        expect(page.locator("#field-title")).to_have_value("After")
        server.start()
        page.locator(".banner").wait_for(state="detached", timeout=60_000)
        page.click("text=Save 1 change")
        page.locator(".grid >> text=After").wait_for()
        watched.check(
            allowed=(
                "ERR_CONNECTION_REFUSED",
                "ERR_EMPTY_RESPONSE",
                "ERR_INCOMPLETE_CHUNKED_ENCODING",
                "ERR_CONNECTION_RESET",
            )
        )
        watched.close()


def test_the_chosen_theme_stays_after_a_reload(at_desk: Watched) -> None:
    page = at_desk.open("/", ".plate")
    page.click("[popovertarget=theme-menu]")
    page.click("#theme-menu >> text=Dark")
    page.reload()
    page.locator(".plate").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    at_desk.check()


def test_the_api_docs_are_drawn_from_this_server_alone(at_desk: Watched) -> None:
    page = at_desk.open("/api/docs", ".swagger-ui .opblock-tag")
    assert page.locator(".swagger-ui .opblock-tag").count() > 3
    at_desk.check()


def test_a_base_path_is_kept_in_every_address(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", {"GRIDBEAR_BASE_PATH": "/den"}) as server:
        server.create_user("maja", PASSWORD, admin=True)
        watched = Watched(browser, server.url)
        page = watched.open("/auth/login", "#username")
        page.fill("#username", "maja")
        page.fill("#password", PASSWORD)
        page.click("button[type=submit]")
        page.locator(".plate").wait_for()
        watched.settle()
        assert server.url.endswith("/den")
        assert page.locator(".plate code").first.inner_text() == server.url
        watched.check()
        watched.close()
