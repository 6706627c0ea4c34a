"""The People area: users, links, groups, the access table, why, and everything that lets somebody in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
SHOP = Path(__file__).with_name("shop_server.py")
EVERY_LOOK = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
looks = pytest.mark.parametrize(("theme", "width"), EVERY_LOOK, ids=[f"{theme}-{width}" for theme, width in EVERY_LOOK])


@dataclass
class House:
    """A server with maja, who is its admin, otto and gwen, a group, rules and a token."""

    server: RunningServer
    ids: dict[str, int]
    documented: Documented
    cookies: dict[str, str]

    def page(self, browser: Browser, theme: str = "light", width: int = 1280, name: str = "maja") -> Watched:
        if name != "maja":
            return signed_in(browser, self.server, name, theme, width)
        return Watched(browser, self.server.url, theme, width, self.cookies)

    def ask(self, path: str) -> Any:
        reply = httpx2.get(f"{self.server.url}{path}", cookies=self.cookies)
        assert reply.is_success, reply.text
        return reply.json()["data"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with RunningServer(tmp_path_factory.mktemp("people") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        for name in ("otto", "gwen", "ines"):
            server.create_user(name, PASSWORD)
        with sign_in(server.url, "maja", PASSWORD) as client:
            ids = {one["username"]: one["id"] for one in client.get("/api/v1/users").json()["data"]}

            def make(path: str, **values: Any) -> int:
                reply = client.post(path, json=values)
                assert reply.is_success, reply.text
                return int(reply.json()["data"].get("id", 0))

            ids["Family"] = make("/api/v1/groups", name="Family", description="Everybody at home")
            make("/api/v1/group_members", group_id=ids["Family"], user_id=ids["otto"])
            make("/api/v1/access_rules", group_id=ids["Family"], model="notes", verb="update", extent="all")
            make("/api/v1/access_rules", role="guest", model="notes", extent="own", hidden_fields=["body"])
            make("/auth/invites", role="guest", username="ida", groups=["Family"])
            ids["shop"] = make(
                "/api/v1/mcp_servers", name="shop", transport="stdio", command=sys.executable, args=[str(SHOP)]
            )
            ids["note"] = make("/api/v1/notes", title="of maja")
            documented = Documented(client.get("/api/openapi.json").json())
            cookies = dict(client.cookies)
        with sign_in(server.url, "otto", PASSWORD) as client:
            assert client.post("/api/v1/api_tokens", json={"name": "ottos script"}).status_code == 201
        httpx2.post(f"{server.url}/auth/login", data={"username": "otto", "password": "not the password"})
        yield House(server, ids, documented, cookies)


def pages(house: House) -> dict[str, str]:
    """Addresses below #/people, and what is there when it is ready."""
    return {
        "": ".rows li",
        f"/users/{house.ids['otto']}": "#person-tokens",
        "/invites": ".schedule",
        "/groups": ".group",
        "/access": ".matrix",
        "/access?system=1&who=role:guest&model=notes&verb=read": ".why ol",
        f"/why?user={house.ids['otto']}&model=notes&verb=update": ".why-answer",
        "/tokens": ".rows li",
        "/sessions": ".rows li",
        "/apps": ".empty",
        "/log": ".rows li",
    }


@looks
def test_every_part_is_accessible_and_asks_for_nothing_that_is_not_documented(
    browser: Browser, house: House, theme: str, width: int
) -> None:
    watched = house.page(browser, theme, width)
    for path, ready in pages(house).items():
        watched.open(f"/#/people{path}", ready)
        assert watched.axe() == [], path
        watched.check(house.documented)
    watched.close()


def test_a_member_has_no_people_page_and_gets_nothing_of_it(browser: Browser, house: House) -> None:
    watched = house.page(browser, name="otto")
    page = watched.open("/", ".plate")
    assert page.locator(".rail >> text=People").count() == 0
    page.goto(f"{house.server.url}/#/people/access")
    page.get_by_role("heading", name="There is no such page").wait_for()
    assert page.locator(".matrix, .rows").count() == 0
    assert not [path for _verb, path in watched.requests if "matrix" in path or path.startswith("/api/v1/groups")]
    watched.check(house.documented)
    watched.close()


def undone(page: Page, said: str) -> None:
    """Takes back what the toast tells of."""
    page.locator(".toast", has_text=said).locator("text=Undo").click()
    page.locator(".toast", has_text="taken back").first.wait_for()


def test_a_person_is_found_changed_disabled_and_put_into_a_group_and_all_of_it_is_taken_back(
    browser: Browser, house: House
) -> None:
    watched = house.page(browser)
    page = watched.open("/#/people", ".rows li")
    gwen = f"/api/v1/users/{house.ids['gwen']}"
    page.fill("[type=search]", "gwe")
    expect(page.locator(".rows li")).to_have_count(1)
    assert "q=gwe" in page.url
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#person-title")).to_be_focused()

    page.fill("#person-name", "Gwen Ash")
    page.select_option("#person-role", "guest")
    page.click(".drawer >> text=Save")
    page.locator(".rows li", has_text="Gwen Ash").wait_for()
    assert house.ask(gwen)["role"] == "guest"
    undone(page, "Saved")
    assert (house.ask(gwen)["role"], house.ask(gwen)["display_name"]) == ("member", None)

    page.fill("#person-email", "no address")
    page.click(".drawer >> text=Save")
    expect(page.locator("#person-email")).to_have_attribute("aria-invalid", "true")
    assert watched.axe() == []
    page.click(".drawer >> text=Discard")

    page.click(".drawer [role=switch]")
    page.locator(".rows li", has_text="Disabled").wait_for()
    assert house.ask(gwen)["is_active"] is False
    undone(page, "can't sign in any more")
    assert house.ask(gwen)["is_active"] is True

    page.click(".drawer label >> text=Family")
    page.locator(".rows li", has_text="Family").wait_for()
    undone(page, "is in Family")
    assert house.ask(f"/api/v1/group_members?user_id={house.ids['gwen']}") == []
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)
    expect(page.locator(f"[data-person='{house.ids['gwen']}']")).to_be_focused()
    watched.settle()
    watched.check(house.documented, allowed=("422 (Unprocessable",))
    watched.close()


def test_what_lets_somebody_in_is_ended_for_them(browser: Browser, house: House) -> None:
    with sign_in(house.server.url, "ines", PASSWORD) as ines:
        begun = ines.post("/auth/second-factor", json={"password": PASSWORD}).json()["data"]
        assert ines.post("/auth/second-factor/confirm", json={"otp": pyotp.TOTP(begun["secret"]).now()}).is_success
        token = ines.post("/api/v1/api_tokens", json={"name": "old script"}).json()["data"]["token"]
        watched = house.page(browser)
        page = watched.open(f"/#/people/users/{house.ids['ines']}", "#person-tokens")
        page.click(".drawer [aria-label='End it: old script']")
        page.click("dialog .danger")
        page.locator("text=They have no tokens.").wait_for()
        bearer = {"authorization": f"Bearer {token}"}
        assert httpx2.get(f"{house.server.url}/api/v1/notes", headers=bearer).status_code == 401

        page.click(".drawer >> text=Remove it")
        page.fill("#admin-password", "not the password")
        page.click("dialog .danger")
        page.locator("dialog .error").wait_for()
        assert watched.axe() == []
        page.fill("#admin-password", PASSWORD)
        page.click("dialog .danger")
        page.locator(".toast", has_text="the password alone").wait_for()
        assert ines.get("/auth/me").status_code == 401
    page.locator("text=They are signed in nowhere.").wait_for()
    watched.settle()
    watched.check(house.documented, allowed=("401 (Unauth", "422 (Unprocessable", "403 (Forb"))
    watched.close()


def test_an_account_is_deleted_after_it_was_said_what_becomes_of_its_records(browser: Browser, house: House) -> None:
    house.server.create_user("bob", PASSWORD)
    with sign_in(house.server.url, "bob", PASSWORD) as client:
        note = client.post("/api/v1/notes", json={"title": "of bob"}).json()["data"]
    watched = house.page(browser)
    page = watched.open(f"/#/people/users/{note['owner_id']}", "#person-tokens")
    page.click(".drawer .danger")
    page.locator(".fates", has_text="you decide").wait_for()
    page.fill("#typed", "bob")
    expect(page.locator("dialog .danger")).to_be_disabled()
    assert watched.axe() == []
    page.select_option("#leave-heir", str(house.ids["gwen"]))
    page.locator(".fates", has_text="go to the other person").wait_for()
    page.click("dialog .danger")
    page.locator(".toast", has_text="bob is deleted").wait_for()
    expect(page.locator(".drawer")).to_have_count(0)
    assert house.ask(f"/api/v1/notes/{note['id']}")["owner_id"] == house.ids["gwen"]
    watched.settle()
    watched.check(house.documented)
    watched.close()


def test_a_right_is_given_with_the_keyboard_and_taken_back(browser: Browser, house: House) -> None:
    watched = house.page(browser)
    page = watched.open("/#/people/access", ".matrix")
    first = page.locator(".matrix [tabindex='0'][data-cell]")
    first.focus()
    page.keyboard.press("ArrowRight")
    cell = page.locator("[data-cell='role:member/notes/read']")
    expect(cell).to_be_focused()
    expect(cell).to_have_attribute("aria-label", "Member, Read, Notes: own records")
    page.keyboard.press("Enter")
    expect(page.locator("#cell-title")).to_be_focused()
    assert watched.axe() == []
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "All":
            break
    page.keyboard.press("Enter")
    expect(cell).to_have_attribute("data-changed", "")
    with sign_in(house.server.url, "gwen", PASSWORD) as gwen:
        assert gwen.get(f"/api/v1/notes/{house.ids['note']}").json()["data"]["title"] == "of maja"
        page.click("summary >> text=Hidden fields")
        page.check("#hide-title")
        page.click("text=Hide 1 field")
        expect(cell).to_have_attribute("data-hides", "")
        assert "title" not in gwen.get(f"/api/v1/notes/{house.ids['note']}").json()["data"]
        page.click("text=Take the rule away")
        expect(page.locator("[data-cell='role:member/notes/read'][data-changed]")).to_have_count(0)
        assert gwen.get(f"/api/v1/notes/{house.ids['note']}").status_code == 404
        undone(page, "the rule is gone")
        assert gwen.get(f"/api/v1/notes/{house.ids['note']}").status_code == 200
    expect(cell).to_have_attribute("data-changed", "")
    page.click("text=Take the rule away")
    page.locator("#cell-title").focus()
    page.keyboard.press("Escape")
    expect(cell).to_be_focused()
    expect(page.locator(".access .why")).to_have_count(0)
    watched.settle()
    watched.check(house.documented)
    watched.close()


def test_what_no_rule_opens_says_so_and_offers_nothing(browser: Browser, house: House) -> None:
    watched = house.page(browser)
    page = watched.open("/#/people/access?who=role:member&model=sessions&verb=read", ".why")
    assert page.locator(".why .segmented button", has_text="All").is_disabled()
    page.goto(f"{house.server.url}/#/people/access?who=role:guest&model=access_rules&verb=update")
    page.locator(".why >> text=No rule opens Access rules").wait_for()
    assert page.locator(".why .segmented").count() == 0
    watched.settle()
    assert watched.axe() == []
    watched.check(house.documented)
    watched.close()


def test_the_rule_that_decides_is_named_for_a_record_and_for_a_tool(browser: Browser, house: House) -> None:
    with sign_in(house.server.url, "maja", PASSWORD) as client:
        assert client.post(f"/api/v1/gateway/{house.ids['shop']}/refresh").is_success
        rule = {"subject": "user", "server_id": house.ids["shop"], "user_id": house.ids["otto"], "effect": "deny"}
        made = client.post("/api/v1/mcp_rules", json=rule)
        assert made.is_success, made.text
    watched = house.page(browser)
    page = watched.open("/#/people/why?model=notes&verb=update", ".why-answer")
    page.select_option("#why-user", str(house.ids["otto"]))
    answer = page.locator("[aria-labelledby=why-records] .why-answer")
    expect(answer).to_contain_text("otto may change all notes")
    expect(answer.locator(".won")).to_contain_text("group Family")
    page.select_option("#why-verb", "delete")
    expect(answer).to_contain_text("otto may delete their own notes")
    page.fill("#why-id", str(house.ids["note"]))
    expect(answer).to_contain_text("this one is not theirs")
    tool = page.locator("[aria-labelledby=why-tools] .why-answer")
    expect(tool.locator(".won").first).to_contain_text(f"Tool rule {made.json()['data']['id']}")
    watched.settle()
    assert watched.axe() == []
    watched.check(house.documented)
    watched.close()


def test_a_group_is_made_filled_bound_to_a_second_factor_and_deleted_and_the_deletion_taken_back(
    browser: Browser, house: House
) -> None:
    watched = house.page(browser)
    page = watched.open("/#/people/groups", ".group")
    page.click("text=New group")
    page.fill("#group-name", "Bakers")
    assert watched.axe() == []
    page.keyboard.press("Enter")
    bakers = page.locator(".group", has_text="Bakers")
    bakers.locator("select").select_option(str(house.ids["gwen"]))
    bakers.locator(".members", has_text="gwen").wait_for()
    bakers.locator("[role=switch]").click()
    expect(bakers.locator("[role=switch]")).to_be_checked()
    assert house.ask("/api/v1/settings?name=second_factor_roles")[0]["value"] == "group:Bakers"
    bakers.locator("text=Delete").click()
    page.locator(".toast.bad", has_text="Change the setting first").wait_for()
    bakers.locator("[role=switch]").click()
    expect(bakers.locator("[role=switch]")).not_to_be_checked()
    bakers.locator("text=Delete").click()
    expect(bakers).to_have_count(0)
    undone(page, "Bakers is deleted")
    bakers.locator(".members", has_text="gwen").wait_for()
    watched.settle()
    watched.check(house.documented, allowed=("409 (Conflict)",))
    watched.close()


def test_what_own_records_are_is_said_in_numbers_and_the_palette_invites(browser: Browser, house: House) -> None:
    watched = house.page(browser)
    page = watched.open("/#/people/access?who=role:member&model=notes&verb=update", ".why ol")
    expect(page.locator(".why li", has_text="maja")).to_contain_text("record")
    page.keyboard.press("Control+k")
    page.locator("dialog.palette input").wait_for()
    page.keyboard.type("invite some")
    page.locator(".hit[aria-selected=true]", has_text="Invite somebody").wait_for()
    page.keyboard.press("Enter")
    page.locator("#invite-role").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator("#invite-role")).to_have_count(0)
    page.goto(f"{house.server.url}/#/people/sessions")
    expect(page.locator(".rows li", has_text="This one")).to_have_count(1)
    watched.settle()
    watched.check(house.documented)
    watched.close()


def test_a_link_is_made_with_its_qr_code_and_withdrawn(browser: Browser, house: House) -> None:
    watched = house.page(browser, width=390)
    page = watched.open("/#/people/invites", ".schedule")
    page.click("text=Invite somebody")
    page.fill("#invite-name", "nora")
    page.select_option("#invite-hours", "24")
    page.click("text=Make the link")
    page.locator("dialog .qr").wait_for()
    watched.settle()
    assert watched.axe() == []
    link = page.locator("dialog .copyable code").inner_text()
    page.click("dialog >> text=Done")
    page.click("[aria-label='Withdraw: Invitation for nora']")
    expect(page.locator("dialog")).to_contain_text("can't be brought back")
    page.click("dialog .danger")
    expect(page.locator(".schedule", has_text="nora")).to_have_count(0)
    token = link.partition("token=")[2]
    assert httpx2.post(f"{house.server.url}/auth/link/look", json={"token": token}).status_code == 403
    watched.settle()
    watched.check(house.documented)
    watched.close()


def test_the_log_tells_who_was_refused(browser: Browser, house: House) -> None:
    watched = house.page(browser)
    page = watched.open("/#/people/log?about=otto", ".rows li")
    page.click("button >> text=Refused")
    expect(page.locator(".rows li")).to_have_count(1)
    expect(page.locator(".rows li")).to_contain_text("wrong password")
    page.click("button >> text=About otto")
    watched.settle()
    watched.check(house.documented)
    watched.close()


def test_a_list_that_is_cut_says_so_and_leads_to_all(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", {"GRIDBEAR_REST_RATE_BURST": "1000"}) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            for number in range(200):
                reply = client.post("/api/v1/api_tokens", json={"name": f"script {number}"})
                assert reply.status_code == 201, reply.text
            cookies = dict(client.cookies)
        watched = Watched(browser, server.url, cookies=cookies)
        page = watched.open("/#/people/tokens", "text=The first 200 are shown.")
        assert watched.axe() == []
        page.click("text=All of them")
        page.locator(".grid tbody tr").first.wait_for()
        assert page.evaluate("location.hash") == "#/data/api_tokens"
        watched.check()
        watched.close()
